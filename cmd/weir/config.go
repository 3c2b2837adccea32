package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// configFlags are the flags of commands that go by settings.
type configFlags struct {
	Config file              `placeholder:"FILE" help:"Configuration file (weir.yaml, if it is there)."`
	Set    map[string]string `placeholder:"NAME=VALUE" mapsep:"none" help:"Make a setting, as in --set log.durability=interval; may be repeated. weir config prints all."`
}

// load gives the settings, with those that flags of their own make.
func (c *configFlags) load(own map[string]string) (*settings, map[string]string, error) {
	flags := map[string]string{}
	for name, value := range c.Set {
		flags[name] = value
	}
	for name, value := range own {
		flags[name] = value
	}
	return loadSettings(string(c.Config), os.Environ(), flags)
}

// configCommand is `weir config`.
type configCommand struct {
	configFlags
	NatsCreds string `placeholder:"USER" enum:"producer,consumer," default:"" help:"Print the URL with which a NATS client connects, password included: producer or consumer."`
}

// Help is what `weir config --help` says.
func (configCommand) Help() string {
	return `Examples:

  weir config > weir.yaml
  WEIR_LOG_SIZE=4GB weir config
  weir config --config prod.yaml --set time.lateness=1m
  nats --server "$(weir config --nats-creds producer)" pub --jetstream weir.events.payment '{"amount":5}'

Flags win over the environment, which wins over the file, which wins over the defaults.
What is printed can be read again with --config.`
}

// Run prints the settings in effect.
func (c *configCommand) Run(std *streams) error {
	s, from, err := c.load(nil)
	if err != nil {
		return err
	}
	for _, text := range strangers(os.Environ()) {
		fmt.Fprintf(std.err, "weir: %s\n", text)
	}
	if c.NatsCreds != "" {
		u, err := natsURL(s, c.NatsCreds)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(std.out, u)
		return err
	}
	return writeSettings(std.out, s, from)
}

// writeSettings writes settings as a configuration file that makes them.
func writeSettings(w io.Writer, s *settings, from map[string]string) error {
	var b strings.Builder
	var above []string
	for _, d := range allSettings {
		parts := strings.Split(d.name, ".")
		for depth, group := range parts[:len(parts)-1] {
			if depth < len(above) && above[depth] == group {
				continue
			}
			above = above[:min(depth, len(above))]
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", depth), group)
		}
		above = parts[:len(parts)-1]
		indent := strings.Repeat("  ", len(above))
		fmt.Fprintf(&b, "%s# %s (%s; default %s, this is from: %s)\n", indent, strings.TrimSuffix(d.help, "."), d.env(), d.def, from[d.name])
		fmt.Fprintf(&b, "%s%s: %s\n", indent, parts[len(parts)-1], d.written(s))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
