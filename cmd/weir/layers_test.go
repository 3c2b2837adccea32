package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layer says what the packages of a folder may import beside the standard
// library.
type layer struct {
	imports []string // paths; one that ends in / stands for all below it
	files   bool     // it may use os, to read files
	free    bool     // it is construction or an adapter: anything goes
}

// layers are all packages of the module, from the bottom up. Imports go down
// only; a package that is not listed fails the test.
var layers = map[string]layer{
	"nfa":               {},
	"nfa/oracle":        {imports: []string{"weir/nfa"}}, // a second evaluator, for tests
	"cep":               {imports: []string{"weir/cep/feature", "weir/cep/list", "weir/cep/outcome", "weir/cep/wire", "weir/failpoint", "weir/nfa"}},
	"cep/feature":       {imports: []string{"weir/cep/feature/exact", "weir/cep/wire"}}, // running aggregates of a key
	"cep/feature/exact": {},                                                             // sums that are rounded once
	"cep/list":          {imports: []string{"weir/cep/wire"}},                           // named sets that change while rules run
	"cep/wire":          {},                                                             // the parts that states are written of
	"cep/outcome":       {imports: []string{"weir/cep/wire"}},                           // decisions and risk
	"cep/stream":        {free: true},                                                   // the log, on JetStream
	"cep/stream/nodes":  {free: true},                                                   // NATS servers, for tests
	"failpoint":         {free: true},                                                   // crashes on purpose, for tests
	"rules/nearest":     {},                                                             // which name was meant
	"rules/expr":        {imports: []string{"github.com/expr-lang/expr", "github.com/expr-lang/expr/", "github.com/google/cel-go/", "weir/cep", "weir/cep/list", "weir/nfa", "weir/rules/nearest"}},
	"rules/source":      {imports: []string{"go.yaml.in/yaml/v4", "weir/rules/nearest"}, files: true}, // YAML text and findings in it
	"rules":             {imports: []string{"go.yaml.in/yaml/v4", "weir/cep", "weir/cep/feature", "weir/cep/list", "weir/cep/outcome", "weir/nfa", "weir/rules/expr", "weir/rules/nearest", "weir/rules/source"}, files: true},
	"rules/trace":       {imports: []string{"weir/cep", "weir/nfa", "weir/rules", "weir/rules/expr", "weir/rules/source"}},
	"rules/ruletest":    {imports: []string{"go.yaml.in/yaml/v4", "weir/cep", "weir/cep/list", "weir/cep/outcome", "weir/nfa", "weir/rules", "weir/rules/expr", "weir/rules/nearest", "weir/rules/source", "weir/rules/trace"}, files: true},
	"rules/explain":     {imports: []string{"weir/cep", "weir/cep/feature", "weir/cep/list", "weir/cep/outcome", "weir/nfa", "weir/rules", "weir/rules/expr", "weir/rules/source"}},
	"rules/format":      {imports: []string{"go.yaml.in/yaml/v4", "weir/cep", "weir/nfa", "weir/rules", "weir/rules/source"}},
	"rules/infer":       {imports: []string{"weir/cep", "weir/nfa"}},
	"rulesets":          {},
	"bench":             {imports: []string{"weir/cep"}}, // workloads, for benchmarks
	"alerts":            {imports: []string{"weir/cep"}}, // what becomes of alerts
	"state":             {free: true},
	"web":               {free: true}, // HTTP in
	"cmd/weir":          {free: true},
}

// machinePackages are packages of the standard library that reach beyond the
// process or differ from run to run. What a replay has to repeat does not use
// them.
var machinePackages = []string{"crypto/rand", "hash/maphash", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec", "os/user", "plugin", "syscall"}

// machineNames are names of allowed packages that read the clock, the host's
// time zone or its environment.
var machineNames = map[string][]string{
	"time": {"After", "AfterFunc", "Local", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"},
	"os":   {"Environ", "Getenv", "Getpid", "Hostname", "LookupEnv", "Stdin"},
}

// TestLayers holds the architecture: which package may import which, and that
// nothing below the adapters reads a clock, random numbers or the environment.
func TestLayers(t *testing.T) {
	for folder, files := range packages(t, "../..") {
		l, ok := layers[folder]
		if !ok {
			t.Errorf("package %s has no layer: add it to the table in this test", folder)
		}
		for _, file := range files {
			for _, fault := range l.faults(file) {
				t.Error(fault)
			}
		}
	}
}

// sourceFile is a Go file that is no test.
type sourceFile struct {
	path   string
	set    *token.FileSet
	syntax *ast.File
}

// packages parses the Go files below root that are no tests, by folder.
func packages(t *testing.T, root string) map[string][]sourceFile {
	all := map[string][]sourceFile{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parseFile(path, nil)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		folder = filepath.ToSlash(folder)
		all[folder] = append(all[folder], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < len(layers) {
		t.Fatalf("%d packages found, %d expected", len(all), len(layers))
	}
	return all
}

func parseFile(path string, text any) (sourceFile, error) {
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	return sourceFile{path, set, syntax}, err
}

// faults lists what a file does that its layer may not.
func (l layer) faults(f sourceFile) []string {
	if l.free {
		return nil
	}
	var faults []string
	report := func(n ast.Node, what string) {
		faults = append(faults, f.set.Position(n.Pos()).String()+": "+what)
	}
	named := map[string]string{} // path of an import by the name it has in the file
	for _, spec := range f.syntax.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		named[name] = path
		if !l.allows(path) {
			report(spec, "import of "+path)
		}
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		path := ""
		if x, ok := sel.X.(*ast.Ident); ok {
			path = named[x.Name]
		}
		if slices.Contains(machineNames[path], sel.Sel.Name) {
			report(sel, "use of "+path+"."+sel.Sel.Name)
		}
		if path == "" && sel.Sel.Name == "Local" {
			report(sel, "use of the host's time zone")
		}
		return true
	})
	return faults
}

func (l layer) allows(path string) bool {
	if path == "os" {
		return l.files
	}
	first, _, _ := strings.Cut(path, "/")
	if first != "weir" && !strings.Contains(first, ".") {
		return !slices.Contains(machinePackages, path)
	}
	return slices.ContainsFunc(l.imports, func(allowed string) bool {
		return path == allowed || strings.HasSuffix(allowed, "/") && strings.HasPrefix(path, allowed)
	})
}

// TestLayersFinds checks that the test above sees what it looks for.
func TestLayersFinds(t *testing.T) {
	tests := []struct {
		layer, text, want string
	}{
		{"cep", `import "weir/nfa"`, ""},
		{"cep", `import "weir/rules"`, "import of weir/rules"},
		{"cep", `import "weir/nfa/other"`, "import of weir/nfa/other"},
		{"nfa", `import "github.com/expr-lang/expr"`, "import of github.com/expr-lang/expr"},
		{"nfa", `import "math/rand/v2"`, "import of math/rand/v2"},
		{"nfa", `import "os"`, "import of os"},
		{"rules", `import "os"; var f = os.ReadFile`, ""},
		{"rules", `import "os"; var f = os.Getenv`, "use of os.Getenv"},
		{"rules/expr", `import "github.com/expr-lang/expr/ast"`, ""},
		{"cep", `import "time"; var d = time.Second`, ""},
		{"cep", `import "time"; var d = time.Now()`, "use of time.Now"},
		{"cep", `import clock "time"; var d = clock.Since`, "use of time.Since"},
		{"cep", `import "time"; var d = time.Local`, "use of time.Local"},
		{"cep", `import "time"; func f(t time.Time) time.Time { return t.Local() }`, "use of the host's time zone"},
		{"cmd/weir", `import "os"; var f = os.Getenv`, ""},
	}
	for _, tt := range tests {
		f, err := parseFile("f.go", "package p; "+tt.text)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(layers[tt.layer].faults(f), "; ")
		if tt.want == "" && got != "" || tt.want != "" && !strings.HasSuffix(got, ": "+tt.want) {
			t.Errorf("%s: %s\n got %q\nwant %q", tt.layer, tt.text, got, tt.want)
		}
	}
}

// TestModuleRoot checks that the walk above begins where the module does.
func TestModuleRoot(t *testing.T) {
	if _, err := os.Stat("../../go.mod"); err != nil {
		t.Error(err)
	}
}
