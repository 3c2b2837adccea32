package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var completionShells = []string{"bash", "zsh", "fish"}

// sampleCommands has a flag and an argument of each sort.
type sampleCommands struct {
	Play struct {
		Tracks []string `arg:"" help:"Files."`
		Out    file     `placeholder:"FILE" help:"Where it's played: [left:right]. Not here."`
		With   files    `placeholder:"FILE..." help:"More."`
		Mode   string   `enum:"loud,soft" default:"soft" help:"How."`
		Speed  duration `placeholder:"D" help:"How fast."`
		Tune   string   `placeholder:"high|low" help:"Which."`
		Loop   bool     `short:"l" help:"Again and again."`
		Secret bool     `hidden:""`
	} `cmd:"" help:"Play a track: the first. Then the next."`
	Stop struct {
		Now string `arg:"" enum:"now,later" help:"When."`
	} `cmd:"" help:"Stop it."`
	Pause struct{} `cmd:"" help:"Wait."`
	List  struct {
		All struct {
			Long bool `help:"More of it."`
		} `cmd:"" help:"All."`
		Some struct {
			Out file `placeholder:"FILE" help:"Where."`
		} `cmd:"" help:"Some."`
	} `cmd:"" help:"List tracks."`
	Hidden struct{} `cmd:"" hidden:""`
}

func kongModel(t *testing.T, name string, commands any) *kong.Application {
	t.Helper()
	parser, err := kong.New(commands, kong.Name(name))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

// TestCompletionScripts compares the scripts of the sample with testdata/completion.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range completionShells {
		got := completionScript(shell, kongModel(t, "player", &sampleCommands{}))
		golden := filepath.Join("testdata", "completion", "player."+shell)
		if *rewrite {
			if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is\n%s", golden, got)
		}
	}
}

// TestCompletionWhole checks that each script has all commands and flags of weir.
func TestCompletionWhole(t *testing.T) {
	model := kongModel(t, "weir", &commands{})
	for _, shell := range completionShells {
		var out, errs strings.Builder
		if code := execute([]string{"completion", shell}, &streams{strings.NewReader(""), &out, &errs}); code != exitDone {
			t.Fatalf("exit code %d: %s", code, errs.String())
		}
		script := out.String()
		for _, c := range model.Children {
			section := completionSection(shell, script, c.Name)
			flags := slices.Concat(c.Flags, model.Flags)
			for _, below := range c.Children {
				flags = append(flags, below.Flags...)
				if !strings.Contains(section, below.Name) {
					t.Errorf("%s: %s has no %s in\n%s", shell, c.Name, below.Name, section)
				}
			}
			for _, f := range flags {
				long := map[string]string{"bash": "--" + f.Name, "zsh": "--" + f.Name, "fish": "-l " + f.Name}[shell]
				if !strings.Contains(section, long) {
					t.Errorf("%s: %s has no %s in\n%s", shell, c.Name, long, section)
				}
			}
		}
	}
}

// completionSection gives the part of a script that is about one command.
func completionSection(shell, script, command string) string {
	begin := map[string]string{"bash": "\n    '" + command + "')\n", "zsh": "\n        " + command + ")\n"}[shell]
	if shell != "fish" {
		_, section, _ := strings.Cut(script, begin)
		section, _, _ = strings.Cut(section, "\n            ;;\n")
		section, _, _ = strings.Cut(section, "\n        ;;\n")
		return section
	}
	var lines []string
	for line := range strings.Lines(script) {
		if strings.Contains(line, "_command "+command+"'") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// TestCompletionBash runs the script for bash as the shell would.
func TestCompletionBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Log("there is no bash")
		return
	}
	script := filepath.Join(t.TempDir(), "player.bash")
	if err := os.WriteFile(script, []byte(completionScript("bash", kongModel(t, "player", &sampleCommands{}))), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(bash, "-n", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const files = "files"
	tests := []struct {
		line string // words, the last of which is completed
		want string
	}{
		{"player ", "play stop pause list"},
		{"player p", "play pause"},
		{"player --", "--help"},
		{"player -", "--help -h"},
		{"player x", ""},
		{"player play --", "--out --with --mode --speed --tune --loop --help"},
		{"player play --l", "--loop"},
		{"player play a.yaml --m", "--mode"},
		{"player play -l --m", "--mode"},
		{"player play ", files},
		{"player play a.ya", files},
		{"player play --out ", files},
		{"player play --with a b", files},
		{"player play --mode ", "loud soft"},
		{"player play --mode s", "soft"},
		{"player play --mode =", "loud soft"},
		{"player play --mode = l", "loud"},
		{"player play --out = a", files},
		{"player play --mode = soft a", files},
		{"player play --tune ", "high low"},
		{"player play --tune = h", "high"},
		{"player play --speed ", ""},
		{"player play --speed 1", ""},
		{"player play --loop ", files},
		{"player stop ", "now later"},
		{"player stop l", "later"},
		{"player stop --", "--help"},
		{"player pause ", ""},
		{"player --help pl", "play"},
		{"player list a", "files all"},
		{"player list all x", files},
		{"player list some --", "--help --long --out"},
		{"player list some --out ", files},
	}
	for _, tt := range tests {
		words := strings.Split(tt.line, " ")
		// Where the function leaves the default of the shell on, files are offered.
		run := `source "$1"; shift; names=files; compopt() { [[ $* == "+o default" ]] && names=; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _player; echo $names "${COMPREPLY[@]}"`
		out, err := exec.Command(bash, append([]string{"--norc", "-c", run, "bash", script}, words...)...).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
			t.Errorf("%q offers %q, want %q; %v", tt.line, got, tt.want, err)
		}
	}
}

// TestCompletionShells reads the script of weir itself with each shell that is
// there.
func TestCompletionShells(t *testing.T) {
	for _, shell := range completionShells {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Log("there is no", shell)
			continue
		}
		script := filepath.Join(t.TempDir(), "weir")
		if err := os.WriteFile(script, []byte(completionScript(shell, kongModel(t, "weir", &commands{}))), 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(path, "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
}
