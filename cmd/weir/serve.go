package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"

	"weir/rules/ruletest"
	"weir/rules/source"
)

// serveCommand is `weir serve`.
type serveCommand struct {
	Rules []string `arg:"" name:"rules" help:"Rule files, or folders of them."`
	configFlags
	Data           string `placeholder:"DIR" help:"Directory of the log, the state and the alerts (./weir-data). It is made if it is not there."`
	Listen         string `placeholder:"ADDR" help:"Address of the HTTP service (127.0.0.1:8080)."`
	NatsListen     string `placeholder:"ADDR" help:"Address at which NATS clients publish events, like 127.0.0.1:4222 (none)."`
	InsecureListen bool   `help:"Listen on an address that others can reach; everybody there can read alerts and send events."`
	natsFlags

	RulesFrom string `enum:",folder,api" default:"" placeholder:"folder|api" help:"Where rules were changed in the folder, and over the API too: take all from the folder, or leave all as it is in force."`
}

// Help is what `weir serve --help` says beside the flags.
func (serveCommand) Help() string {
	return `Examples:

  weir serve rules/
  weir serve rules/ --data /var/lib/weir --listen 127.0.0.1:9000
  weir serve rules/ --config weir.yaml --set log.durability=interval

  curl -X POST -H 'Content-Type: application/x-ndjson' --data-binary @payments.ndjson http://127.0.0.1:8080/v1/events
  curl http://127.0.0.1:8080/v1/alerts

Rules that differ from those this folder had when it was served last are put on the log,
and are in force for all events from then on. What was changed over HTTP since stays; what has
changed in both is refused, unless --rules-from says who decides. Ctrl-C or SIGTERM ends the service once what
was received is matched and saved; a second one ends it at once, and nothing is lost.
Exit codes: 0 ended; 1 errors in the rules; 2 wrong use; 3 it could not be done.`
}

// Validate refuses what cannot be served.
func (c *serveCommand) Validate() error { return validRules(c.Rules) }

// Run serves until a signal comes.
func (c *serveCommand) Run(std *streams) error {
	own := map[string]string{}
	if c.Data != "" {
		own["data"] = c.Data
	}
	if c.Listen != "" {
		own["listen"] = c.Listen
	}
	if c.NatsListen != "" {
		own["nats.listen"] = c.NatsListen
	}
	if c.InsecureListen {
		own["insecure_listen"] = "true"
	}
	c.natsFlags.put(own)
	s, _, err := c.load(own)
	if err != nil {
		return err
	}
	f, err := readFolder(c.Rules, std)
	if err != nil {
		return err
	}
	f.from = c.RulesFrom
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	if f.wrong != nil {
		if _, err := os.Stat(s.Data); err != nil {
			return f.wrong // nobody has served them, and no directory is made
		}
	}
	if name := os.Getenv(profileVariable); name != "" {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	log := slog.New(slog.NewTextHandler(std.err, nil))
	for _, text := range strangers(os.Environ()) {
		log.Warn(text)
	}
	v, err := newService(ctx, s, f, log)
	if err != nil {
		return err
	}
	defer v.close()
	return v.run(ctx)
}

// profileVariable names the file that a CPU profile of the service is written to.
const profileVariable = "WEIR_PROFILE"

// readFolder reads rules and checks them. The paths are made relative to the folder that has
// all of them, so that it may move.
func readFolder(paths []string, std *streams) (*folder, error) {
	_, files, wrong := loadRules(paths, nil, std)
	if wrong != nil {
		// Another weir may have served them: service.publish decides.
		var err error
		if files, err = source.Read(paths); err != nil {
			return nil, wrong
		}
	}
	var texts []source.File
	for _, f := range files {
		if f.Text != "" { // no file of a list
			texts = append(texts, f)
		}
	}
	var err error
	for i := range texts {
		if texts[i].Path, err = filepath.Abs(texts[i].Path); err != nil {
			return nil, err
		}
	}
	base := commonFolder(texts)
	tests, err := testsBeside(paths, base)
	if err != nil {
		return nil, err
	}
	for i := range texts {
		texts[i].Path = filepath.ToSlash(strings.TrimPrefix(texts[i].Path[len(base):], string(filepath.Separator)))
	}
	read := func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, filepath.FromSlash(path))
		}
		return os.ReadFile(path)
	}
	return &folder{files: texts, tests: tests, read: read, wrong: wrong}, nil
}

// testsBeside reads the tests that stand beside rules, with paths as seen from a folder. What is
// wrong with them who changes a rule is told.
func testsBeside(paths []string, base string) ([]source.File, error) {
	suite, err := ruletest.Load(paths)
	if err != nil {
		return nil, err
	}
	files := suite.Files
	for i := range files {
		path, err := filepath.Abs(files[i].Path)
		if err == nil {
			path, err = filepath.Rel(base, path)
		}
		if err != nil {
			return nil, err
		}
		files[i].Path = filepath.ToSlash(path)
	}
	return files, nil
}

// commonFolder is the deepest folder that has all files, whose paths are absolute.
func commonFolder(files []source.File) string {
	base := ""
	for i, f := range files {
		if i == 0 {
			base = filepath.Dir(f.Path)
		}
		for dir := filepath.Dir(base); dir != base && !strings.HasPrefix(f.Path, base+string(filepath.Separator)); dir = filepath.Dir(base) {
			base = dir
		}
	}
	return strings.TrimSuffix(base, string(filepath.Separator))
}
