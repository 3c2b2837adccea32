package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"weir/cep/stream/nodes"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts compare with anew")

func TestMain(m *testing.M) {
	if file := os.Getenv(nodes.Variable); file != "" {
		serveNode(file)
	}
	testscript.Main(tidy{m}, map[string]func(){"weir": main})
}

// tidy removes what the tests have built once they have run.
type tidy struct{ m *testing.M }

func (t tidy) Run() int {
	defer removeProgram()
	return t.m.Run()
}

// TestScript runs testdata/script. Beside the commands of testscript a script
// has:
//
//	exits CODE weir ARG...   runs weir, which must end with the exit code
//	gzip FROM TO             compresses a file
//	zstd FROM TO             the same as zstd
//	repeat N FROM TO         writes a file N times in a row
//	serve DIR RULES FLAG...  starts weir serve; $URL is where it answers
//	post FILE                posts events to it
//	halt TERM|KILL           ends it with a signal
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *rewrite,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"gzip":   compress(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
			"zstd":   compress(newZstdWriter),
			"repeat": repeat,
			"serve":  scriptServe,
			"post":   scriptPost,
			"halt":   scriptHalt,
		},
		Setup: func(e *testscript.Env) error {
			e.Values["service"] = new(scripted)
			return nil
		},
	})
}

func newZstdWriter(w io.Writer) io.WriteCloser {
	z, err := zstd.NewWriter(w)
	if err != nil {
		panic(err) // only an option can be wrong
	}
	return z
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d; stderr:\n%s", got, want, ts.ReadFile("stderr"))
	}
}

func compress(writer func(io.Writer) io.WriteCloser) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		f, err := os.Create(ts.MkAbs(args[1]))
		ts.Check(err)
		defer f.Close()
		w := writer(f)
		_, err = io.WriteString(w, ts.ReadFile(args[0]))
		ts.Check(err)
		ts.Check(w.Close())
	}
}

func repeat(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	text := ts.ReadFile(args[1])
	f, err := os.Create(ts.MkAbs(args[2]))
	ts.Check(err)
	defer f.Close()
	for range n {
		_, err = io.WriteString(f, text)
		ts.Check(err)
	}
}
