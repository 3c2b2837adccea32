package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"weir/cep/stream"
	"weir/nfa"
	"weir/rules/nearest"
)

// settings are what `weir serve` goes by, as `weir config` prints them.
type settings struct {
	Listen         string
	InsecureListen bool
	Data           string
	NatsListen     string // empty: no NATS client can connect
	NatsCert       string // files; empty: connections are not encrypted
	NatsKey        string
	Nats           outside
	Durability     string // fsync or interval
	LogSize        int64  // bytes
	Order          ordering
	Lateness       time.Duration
	Idle           time.Duration
	MaxAhead       time.Duration
	Every          time.Duration // between checkpoints
	Budget         int64         // bytes of state; 0: any number
	Reserve        int64         // bytes of free disk
	Retention      time.Duration // of alerts
	PerRuleMinute  int64
	OutSize        int64         // bytes of the stream of what leaves; 0: nothing is published
	OutRetention   time.Duration // after which a message goes from it
}

// setting is a setting that has a name in the configuration file.
type setting struct {
	name    string // path in the file, with dots
	def     string
	help    string
	set     func(s *settings, text string) error
	written func(s *settings) string
}

// env is the variable that gives the setting.
func (s *setting) env() string {
	return "WEIR_" + strings.ToUpper(strings.ReplaceAll(s.name, ".", "_"))
}

// allSettings are the settings in the order in which they are printed.
var allSettings = []setting{
	textSetting("listen", "127.0.0.1:8080", "Address of the HTTP service; only loopback, unless insecure_listen.", func(s *settings) *string { return &s.Listen }, validAddress),
	{
		"insecure_listen", "false", "Listen on an address that others can reach. Everybody there can read alerts and send events.",
		func(s *settings, text string) (err error) {
			if s.InsecureListen, err = strconv.ParseBool(text); err != nil {
				return fmt.Errorf("%q is neither true nor false", text)
			}
			return nil
		},
		func(s *settings) string { return strconv.FormatBool(s.InsecureListen) },
	},
	textSetting("data", "./weir-data", "Directory of the log, the state and the alerts.", func(s *settings) *string { return &s.Data }, func(text string) error {
		if text == "" {
			return errors.New("the name of the directory is empty")
		}
		return nil
	}),
	textSetting("nats.listen", "", "Address at which NATS clients publish events and read alerts, like 127.0.0.1:4222; none: they cannot.", func(s *settings) *string { return &s.NatsListen }, func(text string) error {
		if text == "" {
			return nil
		}
		return validAddress(text)
	}),
	textSetting("nats.cert", "", "File with the certificate of that address (PEM), so that connections to it are encrypted; with nats.url the one that is shown there.", func(s *settings) *string { return &s.NatsCert }, anyText),
	textSetting("nats.key", "", "File with the key of the certificate (PEM).", func(s *settings) *string { return &s.NatsKey }, anyText),
	outsideURL,
	textSetting("nats.creds", "", "File with the credentials for nats.url.", func(s *settings) *string { return &s.Nats.Creds }, anyText),
	textSetting("nats.ca", "", "File with the certificates that sign those of nats.url; empty: those of the system.", func(s *settings) *string { return &s.Nats.CA }, anyText),
	outsideReplicas,
	textSetting("log.durability", "fsync", "When an event counts as received. fsync: once it is on disk. interval: once it is written; a power cut may lose the last second.", func(s *settings) *string { return &s.Durability }, oneOf("fsync", "interval")),
	sizeSetting("log.size", "1GB", stream.MinSize, "How large the log may grow; what is not needed is dropped from its beginning.", func(s *settings) *int64 { return &s.LogSize }),
	{
		"time.order", "eager", "When events are matched. eager: when they arrive. watermark: in the order of their time, once no earlier one can come.",
		func(s *settings, text string) error {
			s.Order = ordering(text)
			return oneOf("eager", "watermark")(text)
		},
		func(s *settings) string { return string(s.Order) },
	},
	durationSetting("time.lateness", "10s", 0, "By how much an event may be older than the newest.", func(s *settings) *time.Duration { return &s.Lateness }),
	durationSetting("time.idle", "1m", time.Second, "How long no event must come before time goes on by itself.", func(s *settings) *time.Duration { return &s.Idle }),
	durationSetting("time.max_ahead", "1m", 0, "How far an event may be ahead of the time at which it comes; 0s: any.", func(s *settings) *time.Duration { return &s.MaxAhead }),
	durationSetting("state.checkpoint.every", "10s", 100*time.Millisecond, "How often the state is saved.", func(s *settings) *time.Duration { return &s.Every }),
	sizeSetting("state.budget", "4GB", 0, "How much memory the state of rules and features may take, by estimate; beyond that the largest take no new keys. 0B: any.", func(s *settings) *int64 { return &s.Budget }),
	sizeSetting("state.reserve", "1GB", 0, "Free disk below which no events are taken.", func(s *settings) *int64 { return &s.Reserve }),
	durationSetting("alerts.retention", "400d", time.Hour, "How long alerts are kept.", func(s *settings) *time.Duration { return &s.Retention }),
	{
		"alerts.per_rule_minute", "600", "Alerts of one rule in a minute beyond which they are only counted.",
		func(s *settings, text string) (err error) {
			if s.PerRuleMinute, err = strconv.ParseInt(text, 10, 64); err != nil || s.PerRuleMinute < 1 || s.PerRuleMinute > 1e9 {
				return fmt.Errorf("%q is no number from 1 to 1000000000", text)
			}
			return nil
		},
		func(s *settings) string { return strconv.FormatInt(s.PerRuleMinute, 10) },
	},
	outSizeSetting,
	durationSetting("out.retention", "7d", 2*time.Minute, "How long messages are kept in the stream WEIR_OUT.", func(s *settings) *time.Duration { return &s.OutRetention }),
}

func textSetting(name, def, help string, of func(*settings) *string, valid func(string) error) setting {
	return setting{
		name, def, help,
		func(s *settings, text string) error { *of(s) = text; return valid(text) },
		func(s *settings) string { return *of(s) },
	}
}

func anyText(string) error { return nil }

func durationSetting(name, def string, least time.Duration, help string, of func(*settings) *time.Duration) setting {
	return setting{
		name, def, help,
		func(s *settings, text string) error {
			d, err := parseSpan(text)
			if err == nil && d < least {
				err = fmt.Errorf("%q is shorter than %s", text, nfa.FormatDuration(least))
			}
			*of(s) = d
			return err
		},
		func(s *settings) string { return formatSpan(*of(s)) },
	}
}

// outSizeSetting is a size that may be nothing.
var outSizeSetting = setting{
	"out.size", "256MB", "How large the stream WEIR_OUT may grow, to which alerts, late and rejected events are published; the oldest go. 0B: nothing is published.",
	func(s *settings, text string) error {
		n, err := parseSize(text)
		if err == nil && n != 0 && n < stream.MinOutSize {
			err = fmt.Errorf("%q is less than %s, and not 0B", text, formatSize(stream.MinOutSize))
		}
		s.OutSize = n
		return err
	},
	func(s *settings) string { return formatSize(s.OutSize) },
}

func formatSpan(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	return nfa.FormatDuration(d)
}

// parseSpan reads a duration in Weir's units, from 0s.
func parseSpan(text string) (time.Duration, error) {
	switch text {
	case "0", "0ms", "0s", "0m", "0h", "0d", "0w":
		return 0, nil
	}
	return nfa.ParseDuration(text)
}

func sizeSetting(name, def string, least int64, help string, of func(*settings) *int64) setting {
	return setting{
		name, def, help,
		func(s *settings, text string) error {
			n, err := parseSize(text)
			if err == nil && n < least {
				err = fmt.Errorf("%q is less than %s", text, formatSize(least))
			}
			*of(s) = n
			return err
		},
		func(s *settings) string { return formatSize(*of(s)) },
	}
}

// sizes are units of bytes, the largest first. They are powers of 1024, as disks and
// memory are measured by the system.
var sizes = []struct {
	unit  string
	bytes int64
}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1}}

func parseSize(text string) (int64, error) {
	for _, s := range sizes {
		digits, ok := strings.CutSuffix(text, s.unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > (1<<50)/s.bytes {
			break
		}
		return n * s.bytes, nil
	}
	return 0, fmt.Errorf("%q is no size, like 512MB or 1GB", text)
}

func formatSize(n int64) string {
	for _, s := range sizes {
		if n%s.bytes == 0 && n >= s.bytes {
			return strconv.FormatInt(n/s.bytes, 10) + s.unit
		}
	}
	return "0B"
}

func oneOf(words ...string) func(string) error {
	return func(text string) error {
		if !slices.Contains(words, text) {
			return fmt.Errorf("%q is none of %s", text, strings.Join(words, ", "))
		}
		return nil
	}
}

func validAddress(text string) error {
	host, port, err := net.SplitHostPort(text)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65535 {
		return fmt.Errorf("%q is no address with a port, like 127.0.0.1:8080", text)
	}
	if host != "localhost" && net.ParseIP(host) == nil && host != "" {
		return fmt.Errorf("%q: the host has to be an IP address or localhost", text)
	}
	return nil
}

// loopback says whether only this machine can reach an address.
func loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// defaultConfig is the file that is read if it is there and no other is named.
const defaultConfig = "weir.yaml"

// loadSettings gives the settings as the defaults, a configuration file, the environment
// and flags make them, each of which wins over those before, and where each was made.
func loadSettings(file string, environ []string, flags map[string]string) (*settings, map[string]string, error) {
	s, from := &settings{}, map[string]string{}
	for _, d := range allSettings {
		if err := d.set(s, d.def); err != nil {
			panic("the default of " + d.name + ": " + err.Error())
		}
		from[d.name] = "default"
	}
	env := map[string]string{}
	for _, e := range environ {
		if name, value, _ := strings.Cut(e, "="); strings.HasPrefix(name, "WEIR_") {
			env[name] = value
		}
	}
	if file == "" {
		file = env[configVariable]
	}
	if err := readConfig(s, from, file); err != nil {
		return nil, nil, err
	}
	for name, value := range env {
		i := slices.IndexFunc(allSettings, func(d setting) bool { return d.env() == name })
		if i < 0 {
			continue
		}
		if err := allSettings[i].set(s, value); err != nil {
			return nil, nil, usageError("%s: %w", name, err)
		}
		from[allSettings[i].name] = "env " + name
	}
	for name, value := range flags {
		d, err := settingOf(name)
		if err != nil {
			return nil, nil, usageError("%w", err)
		}
		if err := d.set(s, value); err != nil {
			return nil, nil, usageError("%s: %w", name, err)
		}
		from[name] = "flag"
	}
	if err := s.Nats.check(s); err != nil {
		return nil, nil, err
	}
	if least := 2 * stream.SyncEvery; s.Durability == "interval" && s.Every < least {
		return nil, nil, usageError("state.checkpoint.every: %s is shorter than %s, which log.durability interval needs: after a power cut there has to be a state as of what the log still has", formatSpan(s.Every), formatSpan(least))
	}
	if !s.InsecureListen && !loopback(s.Listen) {
		return nil, nil, usageError("listen: %s can be reached by others, and there are no tokens yet: everybody there could read alerts and send events; listen on 127.0.0.1, or say --insecure-listen", s.Listen)
	}
	if err := checkNats(s); err != nil {
		return nil, nil, err
	}
	return s, from, nil
}

// settingOf finds a setting by its name.
func settingOf(name string) (*setting, error) {
	names := make([]string, len(allSettings))
	for i := range allSettings {
		if allSettings[i].name == name {
			return &allSettings[i], nil
		}
		names[i] = allSettings[i].name
	}
	return nil, fmt.Errorf("there is no setting %s: %s", name, nearest.DidYouMean(name, names, "weir config prints all"))
}

// readConfig reads a configuration file. An empty name stands for weir.yaml, if it is there.
func readConfig(s *settings, from map[string]string, file string) error {
	name := file
	if name == "" {
		name = defaultConfig
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && file == "" {
		return nil
	}
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return usageError("%s: %w", name, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return readNode(s, from, name, "", doc.Content[0])
}

// readNode reads the settings below a path.
func readNode(s *settings, from map[string]string, file, path string, n *yaml.Node) error {
	at := func(n *yaml.Node) string { return fmt.Sprintf("%s:%d:%d", file, n.Line, n.Column) }
	if n.Kind != yaml.MappingNode {
		return usageError("%s: expected a mapping of settings", at(n))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		if value.Kind == yaml.MappingNode && slices.ContainsFunc(allSettings, func(d setting) bool { return strings.HasPrefix(d.name, name+".") }) {
			if err := readNode(s, from, file, name, value); err != nil {
				return err
			}
			continue
		}
		d, err := settingOf(name)
		if err != nil {
			return usageError("%s: %w", at(key), err)
		}
		if before := from[name]; strings.HasPrefix(before, file+":") {
			return usageError("%s: %s stands in %s already: expected each setting once", at(key), name, before)
		}
		if value.Kind != yaml.ScalarNode {
			return usageError("%s: %s: expected one value, like %s", at(value), name, d.def)
		}
		if err := d.set(s, value.Value); err != nil {
			return usageError("%s: %s: %w", at(value), name, err)
		}
		from[name] = fmt.Sprintf("%s:%d", file, value.Line)
	}
	return nil
}
