package main

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand is `weir completion`.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is what `weir completion --help` says.
func (completionCommand) Help() string {
	return `Examples:

  source <(weir completion bash)
  weir completion bash > ~/.local/share/bash-completion/completions/weir
  weir completion zsh > "${fpath[1]}/_weir"
  weir completion fish > ~/.config/fish/completions/weir.fish

Prints a script that makes the shell complete commands, flags, their values and
the names of files. The first example is for the shell at hand, the others are for
all that begin later.`
}

// Run prints the script.
func (c *completionCommand) Run(std *streams, ctx *kong.Context) error {
	_, err := io.WriteString(std.out, completionScript(c.Shell, ctx.Model))
	return err
}

func completionScript(shell string, model *kong.Application) string {
	commands := wordsOf(model)
	switch shell {
	case "zsh":
		return zshScript(model.Name, commands)
	case "fish":
		return fishScript(model.Name, commands)
	}
	return bashScript(model.Name, commands)
}

// commandWords are the words that may follow a command.
type commandWords struct {
	name, help string // name is empty for the program itself, before a command
	flags      []flagWords
	args       valueWords
	below      []string // its own commands, the first word after it; none: it has none
}

// flagWords are a flag and what may follow it.
type flagWords struct {
	name, help string
	short      string // empty: none
	value      bool   // it takes one
	many       bool   // it may be repeated
	valueWords
}

// valueWords are what a value may be; neither files nor words: nobody knows.
type valueWords struct {
	files bool
	words []string
}

// wordsOf gives the program and its commands.
func wordsOf(model *kong.Application) []commandWords {
	root := commandWords{flags: flagsOf(model.Node)}
	all := []commandWords{root}
	for _, n := range model.Children {
		if n.Hidden {
			continue
		}
		c := commandWords{name: n.Name, help: firstSentence(n.Help), flags: append(flagsOf(n), root.flags...)}
		c.descend(n)
		for _, arg := range n.Positional {
			c.args = valuesOf(arg)
			c.args.files = c.args.words == nil // an argument of Weir's is the name of a file or folder, or one of a few words
		}
		all = append(all, c)
		all[0].args.words = append(all[0].args.words, n.Name)
	}
	return all
}

// descend takes in the commands below a command: their names, and all their flags.
func (c *commandWords) descend(n *kong.Node) {
	for _, sub := range n.Children {
		c.below = append(c.below, sub.Name)
		c.args.files = true
		for _, f := range flagsOf(sub) {
			if !slices.Contains(c.names(), f.name) {
				c.flags = append(c.flags, f)
			}
		}
	}
}

func flagsOf(n *kong.Node) []flagWords {
	var flags []flagWords
	for _, f := range n.Flags {
		if f.Hidden {
			continue
		}
		w := flagWords{name: "--" + f.Name, help: firstSentence(f.Help), value: !f.IsBool(), many: f.Target.Kind() == reflect.Slice, valueWords: valuesOf(f.Value)}
		if f.Short != 0 {
			w.short = "-" + string(f.Short)
		}
		flags = append(flags, w)
	}
	return flags
}

func valuesOf(v *kong.Value) valueWords {
	var w valueWords
	if v.Enum != "" {
		w.words = v.EnumSlice()
	} else if strings.Contains(v.Tag.PlaceHolder, "|") {
		w.words = strings.Split(v.Tag.PlaceHolder, "|")
	}
	t := v.Target.Type()
	w.files = t == reflect.TypeFor[file]() || t == reflect.TypeFor[files]()
	return w
}

func firstSentence(help string) string {
	first, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(first, ".")
}

// names gives the flags as they are written, the short form behind the long one.
func (c *commandWords) names() []string {
	var names []string
	for _, f := range c.flags {
		names = append(names, f.name)
		if f.short != "" {
			names = append(names, f.short)
		}
	}
	return names
}

// shellQuoted puts a text between single quotes, as bash and zsh read it.
func shellQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// bashScript gives the script for bash 3.2 and later. Where it proposes nothing,
// bash itself completes the names of files.
func bashScript(program string, commands []commandWords) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of %[1]s for bash.
_%[1]s() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= flags= words= files= i
    COMPREPLY=()
    # bash takes --flag=value for three words.
    if [[ $cur == "=" ]]; then
        cur=
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then
            command=${COMP_WORDS[i]}
            break
        fi
    done
    case $command in
`, program)
	for _, c := range commands {
		fmt.Fprintf(&b, "    %s)\n", shellQuoted(c.name))
		fmt.Fprintf(&b, "        flags=%s words=%s files=%s\n", shellQuoted(strings.Join(c.names(), " ")), shellQuoted(strings.Join(slices.Concat(c.args.words, c.below), " ")), bashFiles(c.args))
		b.WriteString(c.bashValues())
		b.WriteString("        ;;\n")
	}
	fmt.Fprintf(&b, `    esac
    if [[ $cur == -* ]]; then
        words=$flags files=
    fi
    if [[ -z $files ]]; then
        compopt +o default 2>/dev/null
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _%[1]s %[1]s
`, program)
	return b.String()
}

// bashValues gives the part of the script that is about a value of a flag.
func (c *commandWords) bashValues() string {
	var b strings.Builder
	for _, f := range c.flags {
		if !f.value {
			continue
		}
		names := f.name
		if f.short != "" {
			names += " | " + f.short
		}
		fmt.Fprintf(&b, "        %s) flags= words=%s files=%s ;;\n", names, shellQuoted(strings.Join(f.words, " ")), bashFiles(f.valueWords))
	}
	if b.Len() == 0 {
		return ""
	}
	return "        case $prev in\n" + b.String() + "        esac\n"
}

func bashFiles(v valueWords) string {
	if v.files {
		return "yes"
	}
	return ""
}

// zshScript gives the script for zsh. It may be sourced, or stand in a file _weir
// of a folder of fpath.
func zshScript(program string, commands []commandWords) string {
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef %[1]s
# Completion of %[1]s for zsh.
_%[1]s() {
    local curcontext=$curcontext context state state_descr ret=1
    local -a line commands
    typeset -A opt_args
    commands=(
`, program)
	for _, c := range commands[1:] {
		fmt.Fprintf(&b, "        %s\n", shellQuoted(c.name+":"+c.help))
	}
	b.WriteString("    )\n    _arguments -C \\\n")
	for _, f := range commands[0].flags {
		fmt.Fprintf(&b, "        %s \\\n", f.zsh())
	}
	b.WriteString(`        '1: :->command' \
        '*:: :->words' && ret=0
    case $state in
    command)
        _describe -t commands command commands && ret=0
        ;;
    words)
        case $line[1] in
`)
	for _, c := range commands[1:] {
		fmt.Fprintf(&b, "        %s)\n            _arguments", c.name)
		for _, f := range c.flags {
			fmt.Fprintf(&b, " \\\n                %s", f.zsh())
		}
		if len(c.below) > 0 {
			fmt.Fprintf(&b, " \\\n                %s", shellQuoted("1: :("+strings.Join(c.below, " ")+")"))
		}
		if action := c.args.zsh(); action != "" {
			fmt.Fprintf(&b, " \\\n                %s", shellQuoted("*: :"+action))
		}
		b.WriteString(" && ret=0\n            ;;\n")
	}
	fmt.Fprintf(&b, `        esac
        ;;
    esac
    return ret
}
if [[ $funcstack[1] == _%[1]s ]]; then
    _%[1]s "$@"
else
    compdef _%[1]s %[1]s
fi
`, program)
	return b.String()
}

// zsh gives the flag as _arguments takes it.
func (f *flagWords) zsh() string {
	about := "[" + strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(f.help) + "]"
	long := f.name + about
	if f.value {
		about += ": :" + f.valueWords.zsh()
		long = f.name + "=" + about
	}
	often := "(" + strings.TrimSpace(f.short+" "+f.name) + ")" // once: either form excludes both
	if f.many {
		often = "*"
	}
	if f.short == "" {
		return shellQuoted(often + long)
	}
	return shellQuoted(often+f.short+about) + " " + shellQuoted(often+long)
}

// zsh gives the action of _arguments that completes a value.
func (v *valueWords) zsh() string {
	switch {
	case v.files:
		return "_files"
	case v.words != nil:
		return "(" + strings.Join(v.words, " ") + ")"
	}
	return ""
}

// fishScript gives the script for fish 3.0 and later.
func fishScript(program string, commands []commandWords) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Completion of %[1]s for fish.
function __%[1]s_command -d 'whether the command is one of these; without any, whether there is none'
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if not string match -q -- '-*' $word
            contains -- $word $argv
            return
        end
    end
    test (count $argv) -eq 0
end
complete -c %[1]s -f
`, program)
	for _, c := range commands {
		when := fmt.Sprintf("complete -c %s -n %s", program, fishQuoted(strings.TrimSpace("__"+program+"_command "+c.name)))
		for _, f := range c.flags {
			fmt.Fprintf(&b, "%s -l %s", when, strings.TrimPrefix(f.name, "--"))
			if f.short != "" {
				fmt.Fprintf(&b, " -s %s", strings.TrimPrefix(f.short, "-"))
			}
			if f.value {
				b.WriteString(f.fish())
			}
			fmt.Fprintf(&b, " -d %s\n", fishQuoted(f.help))
		}
		switch {
		case c.name == "":
			for _, sub := range commands[1:] {
				fmt.Fprintf(&b, "%s -a %s -d %s\n", when, sub.name, fishQuoted(sub.help))
			}
		case c.args.files:
			fmt.Fprintf(&b, "%s -F\n", when)
			if len(c.below) > 0 {
				fmt.Fprintf(&b, "%s -a %s\n", when, fishQuoted(strings.Join(c.below, " ")))
			}
		case c.args.words != nil:
			fmt.Fprintf(&b, "%s -a %s\n", when, fishQuoted(strings.Join(c.args.words, " ")))
		}
	}
	return b.String()
}

// fish gives the options of complete for the value of a flag.
func (v *valueWords) fish() string {
	switch {
	case v.files:
		return " -r -F"
	case v.words != nil:
		return " -x -a " + fishQuoted(strings.Join(v.words, " "))
	}
	return " -x"
}

// fishQuoted puts a text between single quotes, as fish reads it.
func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
