package web

import (
	"context"
	"encoding/json"
	"errors"

	"weir/cep"
)

// Rulebook shows the rules that were published last, and changes them.
type Rulebook interface {
	// Rules returns all rules, by id.
	Rules(ctx context.Context) ([]Rule, error)

	// Rule returns one; ErrNoPart: there is none with the id.
	Rule(ctx context.Context, id string) (*RuleText, error)

	// Versions returns the revisions of a rule, the newest first, also of one that is gone;
	// ErrNoPart: there never was one with the id.
	Versions(ctx context.Context, id string) ([]RuleVersion, error)

	// Version returns one of them; ErrNoVersion.
	Version(ctx context.Context, id string, revision int) (*RuleVersion, error)

	// Parts returns the features or the params, by name.
	Parts(ctx context.Context, kind PartKind) ([]Part, error)

	// Part returns one; ErrNoPart.
	Part(ctx context.Context, kind PartKind, name string) (*Part, error)

	// Ruleset returns all files.
	Ruleset(ctx context.Context) (*RulesetFiles, error)

	// ChangeRules makes a change: it checks what would be, runs its tests, puts it on the log and
	// waits until it is in force, for 10 s at most. What is wrong is a *RulesRefused.
	ChangeRules(ctx context.Context, c *RuleChange) (*RulesChanged, error)

	// Check says what is wrong or doubtful in files, as weir check does.
	Check(ctx context.Context, files map[string]string) (*Checked, error)

	// Test checks files and runs the tests among them, as weir test does.
	Test(ctx context.Context, files map[string]string) (*TestRun, error)
}

var (
	ErrNoPart    = errors.New("there is no such part")                  // 404
	ErrNoVersion = errors.New("there is no such revision")              // 404
	ErrMatch     = errors.New("it is not what If-Match says any more")  // 412
	ErrChanging  = errors.New("too many changes of the rules wait")     // 429
	ErrMoved     = errors.New("the rules are changed by somebody else") // 412
)

// PartKind is what a part of a ruleset is.
type PartKind string

const (
	RulePart    PartKind = "rules"
	FeaturePart PartKind = "features"
	ParamPart   PartKind = "params"
)

// RuleChange is a change that is asked for.
type RuleChange struct {
	Who cep.Audit // author and reason

	Kind PartKind // what is changed; empty: Files is put in the place of all
	Name string

	Text     string            // that is put there
	Remove   bool              // or it is taken away
	Status   string            // or the status of the rule is set
	Revision int               // or a revision of the rule is put there again
	Files    map[string]string // or all files

	Match       string // what it has to be now, an ETag or a revision, * for anything; empty: whatever it is
	DryRun      bool   // nothing is changed
	OnChange    string // what becomes of open matches: carry, drain or reset; empty: carry where that can be, else reset
	Cold        bool   // no run-in
	ReportTests bool   // tests that fail are told of, and keep nothing back
}

// Rule is a rule in a list.
type Rule struct {
	ID       string   `json:"id"`
	Title    string   `json:"title,omitempty"`
	Severity string   `json:"severity" enum:"low,medium,high,critical"`
	Status   string   `json:"status" enum:"active,shadow,disabled"`
	Tags     []string `json:"tags,omitempty"`
	On       []string `json:"on,omitempty" doc:"event types, and alert.RULE for the matches of rules"`
	Revision int      `json:"revision" doc:"rises by one with each change of what the rule means; 0: it has never been in force"`
	Position string   `json:"position,omitempty" doc:"of the record on the log that brought the revision"`
	InForce  bool     `json:"in_force" doc:"events are matched by this revision; else by the one before, or by none"`
	Warming  bool     `json:"warming,omitempty" doc:"it is run in, and in force after that: see run_in"`
	Left     string   `json:"left_out,omitempty" doc:"why this weir does not run it, though another one published it"`

	RunIn  *RunIn      `json:"run_in,omitempty" doc:"the run-in of this revision, also one that has ended, until the next start; absent: there was none"`
	Health *RuleHealth `json:"health,omitempty" doc:"absent: it does not run"`
}

// RuleHealth is what a rule has done since its state began, or since it means what it does.
type RuleHealth struct {
	Matches    uint64 `json:"matches" doc:"completed, silenced ones too"`
	Alerts     uint64 `json:"alerts"`
	Suppressed uint64 `json:"suppressed" doc:"matches that throttle silenced"`
	NoKey      uint64 `json:"no_key" doc:"events of its types without a key"`
	Retracted  uint64 `json:"retracted" doc:"alerts, as late events came"`
	Bounded    uint64 `json:"bounded" doc:"events at which a bound on open matches or captures was reached"`
	Refused    uint64 `json:"refused" doc:"events under keys to which it is closed, as the state is as large as it may be"`
	Faults     uint64 `json:"faults" doc:"errors of its expressions; each gave nil"`
	Fault      string `json:"fault,omitempty" doc:"the text of one"`
}

// RuleText is a rule with its text.
type RuleText struct {
	Rule
	Description string `json:"description,omitempty"`
	File        string `json:"file" doc:"that it stands in"`
	Text        string `json:"text" doc:"YAML, as it stands there without its indentation"`
	ETag        string `json:"etag" doc:"for If-Match"`
}

// RuleVersion is a revision of a rule.
type RuleVersion struct {
	Revision int    `json:"revision"`
	Position string `json:"position" doc:"of the record on the log that brought it"`
	Time     string `json:"time" doc:"when that was appended, RFC 3339"`
	Author   string `json:"author,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Text     string `json:"text,omitempty" doc:"YAML; in lists absent"`
}

// Part is a feature or a param.
type Part struct {
	Name string `json:"name"`
	Text string `json:"text" doc:"YAML: its value"`
	File string `json:"file" doc:"that it stands in"`
	ETag string `json:"etag" doc:"for If-Match"`
}

// RulesetFiles are all files of a ruleset.
type RulesetFiles struct {
	Files map[string]string `json:"files" doc:"by path: of rules (.yaml, .yml), of their tests (_test.yaml), and those that lists name"`
	ETag  string            `json:"etag" doc:"for If-Match"`
}

// RulesChanged is what became of a change.
type RulesChanged struct {
	ID        string `json:"id,omitempty" doc:"of the rule, or the name of the feature or param"`
	Revision  int    `json:"revision,omitempty" doc:"of the rule"`
	Position  string `json:"position,omitempty" doc:"of the record on the log; absent: nothing was to be changed, or it was a dry run"`
	InForce   bool   `json:"in_force" doc:"events from now on are matched by it; else they will be, once the records before it are stepped and its rules are run in"`
	Unchanged bool   `json:"unchanged,omitempty" doc:"it is so already: nothing was published"`
	ETag      string `json:"etag,omitempty" doc:"for If-Match: of what it is now; of a dry run, of what it was"`

	Plan     Plan         `json:"plan"`
	Tests    *TestRun     `json:"tests,omitempty" doc:"absent: none was run"`
	RunIn    *RunIn       `json:"run_in,omitempty" doc:"of the rules that begin with it; absent: none is run in"`
	Warnings []Diagnostic `json:"warnings,omitempty" doc:"what is doubtful in what was sent"`
}

// Plan says what a change does.
type Plan struct {
	Rules    []PlannedRule `json:"rules"`
	Features []PlannedPart `json:"features,omitempty" doc:"those that are new begin to count"`
	Others   []PlannedPart `json:"others,omitempty" doc:"params, lists, event types and what else differs"`
	Loses    int           `json:"loses" doc:"open matches that are dropped"`
}

// PlannedRule is what becomes of a rule.
type PlannedRule struct {
	ID       string   `json:"id"`
	Change   string   `json:"change" enum:"added,changed,removed,disabled,enabled,text" doc:"disabled, enabled: its status switches it off, or on again; text: only what tells people of it has changed, and it goes on as it is"`
	Revision int      `json:"revision,omitempty" doc:"that it gets"`
	Words    []string `json:"words,omitempty" doc:"what differs, in words; of a rule without any, what it reads has changed"`
	Asked    string   `json:"asked,omitempty" enum:"default,carry,drain,reset" doc:"what was asked for its open matches"`
	Mode     string   `json:"mode,omitempty" enum:"carry,drain,reset" doc:"what becomes of them"`
	Why      string   `json:"why,omitempty" doc:"why that is not what was asked"`
	Carried  int      `json:"carried" doc:"open matches that go on under what it means now"`
	Drained  int      `json:"drained" doc:"those that go on under what it meant"`
	Dropped  int      `json:"dropped" doc:"those that are dropped"`
	Warm     bool     `json:"warm" doc:"it sees what came before, in a run-in over what lies on the log"`
	Back     string   `json:"looks_back,omitempty" doc:"of one that is run in: how far back what it matches may lie, like 1h, its window and the longest one of its features; all: as far as the log reaches; absent: a match is one event"`
}

// PlannedPart is what becomes of another part.
type PlannedPart struct {
	Part   string   `json:"part" doc:"like feature cards_1h, or param eur"`
	Change string   `json:"change" enum:"added,changed,removed,kept"`
	Words  []string `json:"words,omitempty"`
}

// Diagnostic is something that is wrong or doubtful in files, as weir check --json has it.
type Diagnostic struct {
	File      string `json:"file"`
	Line      int    `json:"line" doc:"from 1; 0: the file as a whole"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
	Severity  string `json:"severity" enum:"error,warning,note"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	Hint      string `json:"hint"`
}

// Checked is what was found in files.
type Checked struct {
	Diagnostics []Diagnostic `json:"diagnostics"`
}

// TestRun is what came of tests.
type TestRun struct {
	Tests        int               `json:"tests" doc:"that were run"`
	Passed       int               `json:"passed"`
	Failed       int               `json:"failed"`
	FailedBefore int               `json:"failed_before" doc:"of those that failed, with the rules as they are now too: they keep nothing back"`
	Results      []json.RawMessage `json:"results" doc:"of a change those that failed, at most 100; as weir test --json has them"`
	Diagnostics  []Diagnostic      `json:"diagnostics,omitempty" doc:"with an error among them no test is run"`
}

// RulesRefused says why a change was refused: 422.
type RulesRefused struct {
	Why         string
	Diagnostics []Diagnostic
	Tests       *TestRun // which failed; nil: it is not that
}

func (e *RulesRefused) Error() string { return e.Why }
