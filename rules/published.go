package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"weir/cep"
	"weir/rules/source"
)

// Published is a ruleset as it stands on the log: what a record of kind PackedRules has.
// With the parts of large lists it holds all that the rules mean, so that folding the log again
// needs nothing else.
type Published struct {
	Format   int               `json:"format"`           // 1
	Files    []PublishedFile   `json:"files"`            // of rules, by path
	Lists    map[string][]byte `json:"lists"`            // what the files have that lists name, by path
	Staged   map[string]Staged `json:"staged,omitempty"` // files of lists that lie in records of their own, by path
	Settings Settings          `json:"settings"`
	Rules    map[string]Issue  `json:"rules"`  // by id, also of rules that are gone
	Folder   string            `json:"folder"` // digest of Files, Lists and Settings

	Changes map[string]cep.Change `json:"changes,omitempty"` // what was asked for rules that changed, came or went with it, by id
	Former  []Former              `json:"former,omitempty"`  // what rules were before, where that still matters; by id and revision

	Tests   []PublishedFile `json:"tests,omitempty"`   // files of tests, by path: who changes a rule runs them
	Applied *Applied        `json:"applied,omitempty"` // what the folder had that was applied last; nil: these files are it
}

// Asked is what a publish wants to become of the open matches of rules.
type Asked struct {
	Changes map[string]cep.Change // by id of a rule
	Others  cep.Change            // of rules that are not there

	// Needed says whether what a rule was under an earlier revision still matters: Engine.Needs.
	// nil: all does.
	Needed func(id string, revision int) bool
}

// of is what is asked for a rule.
func (a *Asked) of(id string) cep.Change {
	if c, ok := a.Changes[id]; ok {
		return c
	}
	return a.Others
}

// PublishedFile is a file of rules.
type PublishedFile struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// Settings are the settings that change what comes out.
type Settings struct {
	Order    string        `json:"order"` // eager or watermark
	Lateness time.Duration `json:"lateness"`
	Idle     time.Duration `json:"idle"`
	MaxAhead time.Duration `json:"max_ahead"`

	Budget        int64 `json:"budget"`          // bytes of state; 0: any number
	PerRuleMinute int   `json:"per_rule_minute"` // alerts of a rule in a minute beyond which they are only counted
}

// Issue is which revision of a rule is published.
type Issue struct {
	Revision int    `json:"revision"` // from 1
	Digest   string `json:"digest"`   // of what the rule means; empty: the rule is gone
}

const publishedFormat = 1

// Publish makes what is published of files. read reads the files that lists name, as
// os.ReadFile does. before is what was published last, nil: nothing; a rule that means what
// it meant there keeps its revision, any other gets the next. asked is what is to become of the
// open matches of those.
func Publish(files []source.File, read func(path string) ([]byte, error), s Settings, before *Published, asked Asked) (*Published, error) {
	p := &Published{Format: publishedFormat, Lists: map[string][]byte{}, Settings: s, Rules: map[string]Issue{}}
	for _, f := range files {
		p.Files = append(p.Files, PublishedFile{f.Path, f.Text})
	}
	slices.SortFunc(p.Files, func(a, b PublishedFile) int {
		if a.Path < b.Path {
			return -1
		}
		return 1
	})
	checked := CheckWith(p.sources(), Given{ReadFile: func(path string) ([]byte, error) {
		data, err := read(path)
		if err == nil {
			p.Lists[path] = data
		}
		return data, err
	}})
	if err := source.ErrorsIn(checked.Findings); err != nil {
		return nil, err
	}
	p.stage()
	p.Folder = p.digest()
	if before != nil {
		for id, was := range before.Rules {
			p.Rules[id] = Issue{Revision: was.Revision}
		}
	}
	for _, r := range checked.Ruleset.Rules {
		now := Issue{1, r.Digest}
		if before != nil {
			if was, ok := before.Rules[r.ID]; ok && was.Digest == now.Digest {
				now.Revision = was.Revision
			} else if ok {
				now.Revision = was.Revision + 1
			}
		}
		p.Rules[r.ID] = now
	}
	p.change(before, &asked)
	p.formers(before, checked, &asked)
	return p, nil
}

// change notes what is asked for the rules that differ from what was published before.
func (p *Published) change(before *Published, asked *Asked) {
	p.Changes = map[string]cep.Change{}
	for id, now := range p.Rules {
		was := Issue{}
		if before != nil {
			was = before.Rules[id]
		}
		if was.Digest != now.Digest {
			p.Changes[id] = asked.of(id)
		}
	}
}

// hindered says of rules that p changes why their open matches are neither carried nor drained,
// though that was not asked.
func (p *Published) hindered(checked *Checked) map[string]string {
	why := checked.hindered
	for id := range p.Changes {
		switch {
		case checked.disables(id):
			why[id] = "a rule that is disabled has no open matches"
		case p.Rules[id].Digest == "" && p.Changes[id].Mode == cep.ModeCarry:
			why[id] = "the rule is gone: there is nothing to carry them to"
		}
	}
	return why
}

// Same says whether what was published last is what Publish would make of files, lists and
// settings, whether they have errors by now or not.
func (p *Published) Same(files []source.File, read func(path string) ([]byte, error), s Settings) bool {
	now := &Published{Lists: map[string][]byte{}, Staged: map[string]Staged{}, Settings: s}
	for _, f := range files {
		now.Files = append(now.Files, PublishedFile{f.Path, f.Text})
	}
	slices.SortFunc(now.Files, func(a, b PublishedFile) int { return strings.Compare(a.Path, b.Path) })
	for path := range p.Lists {
		data, err := read(path)
		if err != nil {
			return false
		}
		now.Lists[path] = data
	}
	for path := range p.Staged {
		data, err := read(path)
		if err != nil {
			return false
		}
		now.Staged[path] = Staged{Digest: digestOf(data)}
	}
	return now.digest() == p.Folder
}

func (p *Published) sources() []source.File {
	files := make([]source.File, len(p.Files))
	for i, f := range p.Files {
		files[i] = source.File{Path: f.Path, Text: f.Text}
	}
	return files
}

// digest is a digest of what was published, but for the revisions and where on the log it lies.
func (p *Published) digest() string {
	h := sha256.New()
	part := func(s string) { fmt.Fprintf(h, "%d:%s", len(s), s) }
	for _, f := range p.Files {
		part(f.Path)
		part(f.Text)
	}
	for _, path := range slices.Sorted(maps.Keys(p.Lists)) {
		if _, staged := p.Staged[path]; !staged {
			part(path)
			part(string(p.Lists[path]))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(p.Staged)) {
		part(path)
		part("staged " + p.Staged[path].Digest)
	}
	part(fmt.Sprint(p.Settings))
	return hex.EncodeToString(h.Sum(nil))
}

// Bytes gives the body of the record.
func (p *Published) Bytes() []byte {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts, numbers and bytes
	}
	return body
}

// ReadPublished reads what Bytes gave.
func ReadPublished(body []byte) (*Published, error) {
	p := new(Published)
	if err := json.Unmarshal(body, p); err != nil {
		return nil, fmt.Errorf("the record of the rules cannot be read: %w", err)
	}
	if p.Format != publishedFormat {
		return nil, fmt.Errorf("the record of the rules has format %d, this program reads format %d", p.Format, publishedFormat)
	}
	return p, nil
}

// Compile makes the rules that were published. Those that this program does not compile, though
// the one that published them did, are left out: Rules.Left.
func (p *Published) Compile() (*cep.Rules, error) {
	o := cep.Options{Lateness: p.Settings.Lateness, Idle: p.Settings.Idle, MaxAhead: p.Settings.MaxAhead, Budget: p.Settings.Budget}
	switch p.Settings.Order {
	case "eager":
		o.Order = cep.EagerOrder
	case "watermark":
		o.Order = cep.WatermarkOrder
	default:
		return nil, fmt.Errorf("the order %q is neither eager nor watermark", p.Settings.Order)
	}
	if len(p.Staged) > 0 {
		return nil, errors.New("files of lists lie in records of their own, which were not read")
	}
	if o.Lateness < 0 || o.Idle < 0 || o.MaxAhead < 0 {
		return nil, errors.New("a duration is negative")
	}
	if o.Budget < 0 {
		return nil, errors.New("the budget of the state is negative")
	}
	checked, left, err := checkMost(p.sources(), Given{formers: p.Former, ReadFile: func(path string) ([]byte, error) {
		if data, ok := p.Lists[path]; ok {
			return data, nil
		}
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}})
	if err != nil {
		return nil, err
	}
	for _, r := range checked.Ruleset.Rules {
		if !r.Drains {
			r.Revision = max(1, p.Rules[r.ID].Revision)
		}
	}
	return &cep.Rules{
		Ruleset: checked.Ruleset, Options: o, PerRuleMinute: p.Settings.PerRuleMinute, Left: left,
		Changes: p.Changes, Hindered: p.hindered(checked),
	}, nil
}
