package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// mediaYAML is the type of the text of a rule.
const mediaYAML = "application/yaml"

const (
	mostPart    = 1 << 20  // bytes of the text of a rule, feature or param
	mostRuleset = 32 << 20 // bytes of all files, as JSON
	mostTexts   = 8 << 20  // bytes of files that are only checked or tested, as JSON
)

// items is a list of things that has no pages.
type items[T any] struct {
	Items []T `json:"items"`
}

// Difference is how two revisions differ.
type Difference struct {
	From  int      `json:"from"`
	To    int      `json:"to"`
	Text  string   `json:"text" doc:"line by line, in the unified format"`
	Words []string `json:"words" doc:"in words; none where only comments differ, or how it is written"`
}

type statusChange struct {
	Status string `json:"status" enum:"active,shadow,disabled"`
}

type rollback struct {
	Revision int `json:"revision" doc:"that is published again" minimum:"1"`
}

// texts are files by path.
type texts struct {
	Files map[string]string `json:"files"`
}

var (
	statuses  = []string{"active", "shadow", "disabled"}
	onChanges = []string{"carry", "drain", "reset"}
	testWords = []string{"require", "report"}
)

// publishParameters are those of what publishes rules.
var publishParameters = slices.Concat([]*huma.Param{
	{Name: "dry_run", In: "query", Description: "true: nothing is changed, the answer is the plan", Schema: &huma.Schema{Type: huma.TypeBoolean}},
	{Name: "on_change", In: "query", Description: "what becomes of open matches: they are carried on, end under the revision before, or are dropped; without it they are carried on where that can be, else dropped", Schema: words(onChanges)},
	{Name: "warm", In: "query", Description: "false: rules that begin do not see what came before", Schema: &huma.Schema{Type: huma.TypeBoolean}},
	{Name: "tests", In: "query", Description: "report: tests that fail are told of and keep nothing back", Schema: words(testWords)},
	{Name: "If-Match", In: "header", Description: "an ETag: it has to be that still, else the answer is 412", Schema: &huma.Schema{Type: huma.TypeString}},
}, changeParameters)

// ruleRoutes are those of rules and what stands beside them.
func (s *service) ruleRoutes() []route {
	text := &huma.Schema{Type: huma.TypeString}
	number := &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64(1))}
	id := &huma.Param{Name: "id", In: "path", Required: true, Description: "of the rule", Schema: text}
	accept := &huma.Param{Name: "Accept", In: "header", Description: "application/yaml: the text alone", Schema: text}
	on := func(path string, own ...*huma.Param) []*huma.Param {
		if path == "" {
			return own
		}
		return append([]*huma.Param{{Name: path, In: "path", Required: true, Schema: text}}, own...)
	}
	routes := []route{
		{
			Operation: huma.Operation{Method: http.MethodGet, Path: "/v1/rules", OperationID: "list-rules", Summary: "the rules, with their status and health"},
			serve:     s.listRules, gives: items[Rule]{},
		},
		{
			Operation: huma.Operation{Method: http.MethodGet, Path: "/v1/rules/{id}", OperationID: "get-rule", Summary: "a rule with its text", Parameters: []*huma.Param{id, accept}},
			serve:     s.getRule, gives: RuleText{},
		},
		{
			Operation: huma.Operation{
				Method: http.MethodPut, Path: "/v1/rules/{id}", OperationID: "put-rule", Summary: "publish a rule, new or changed",
				Description: "The body is one rule as it stands under `rules:`. It is checked with all others, their tests are run, and it is put on the log; events after that are matched by it. Comments and rules beside it stay as they are.",
				Parameters:  slices.Concat([]*huma.Param{id}, publishParameters),
			},
			media: []string{mediaYAML}, serve: s.putPart(RulePart, "id"), takes: map[string]any{mediaYAML: nil}, gives: RulesChanged{},
		},
		{
			Operation: huma.Operation{Method: http.MethodDelete, Path: "/v1/rules/{id}", OperationID: "delete-rule", Summary: "take a rule away", Parameters: slices.Concat([]*huma.Param{id}, publishParameters)},
			serve:     s.deletePart(RulePart, "id"), gives: RulesChanged{},
		},
		{
			Operation: huma.Operation{Method: http.MethodPost, Path: "/v1/rules/{id}/status", OperationID: "set-rule-status", Summary: "switch a rule on, off, or to shadow", Parameters: slices.Concat([]*huma.Param{id}, publishParameters)},
			media:     []string{mediaJSON}, serve: s.setStatus, takes: map[string]any{mediaJSON: statusChange{}}, gives: RulesChanged{},
		},
		{
			Operation: huma.Operation{Method: http.MethodGet, Path: "/v1/rules/{id}/versions", OperationID: "list-rule-versions", Summary: "the revisions of a rule, the newest first", Parameters: []*huma.Param{id}},
			serve:     s.listVersions, gives: items[RuleVersion]{},
		},
		{
			Operation: huma.Operation{
				Method: http.MethodGet, Path: "/v1/rules/{id}/versions/{revision}", OperationID: "get-rule-version", Summary: "a revision of a rule with its text",
				Parameters: []*huma.Param{id, {Name: "revision", In: "path", Required: true, Schema: number}, accept},
			},
			serve: s.getVersion, gives: RuleVersion{},
		},
		{
			Operation: huma.Operation{
				Method: http.MethodGet, Path: "/v1/rules/{id}/diff", OperationID: "diff-rule", Summary: "how two revisions of a rule differ",
				Parameters: []*huma.Param{
					id,
					{Name: "from", In: "query", Description: "a revision; without it the one before to", Schema: number},
					{Name: "to", In: "query", Description: "a revision; without it the newest", Schema: number},
				},
			},
			serve: s.diffRule, gives: Difference{},
		},
		{
			Operation: huma.Operation{Method: http.MethodPost, Path: "/v1/rules/{id}/rollback", OperationID: "roll-back-rule", Summary: "publish a revision of a rule again", Parameters: slices.Concat([]*huma.Param{id}, publishParameters)},
			media:     []string{mediaJSON}, serve: s.rollBack, takes: map[string]any{mediaJSON: rollback{}}, gives: RulesChanged{},
		},
		{
			Operation: huma.Operation{Method: http.MethodGet, Path: "/v1/ruleset", OperationID: "get-ruleset", Summary: "all files"},
			serve:     s.getRuleset, gives: RulesetFiles{},
		},
		{
			Operation: huma.Operation{
				Method: http.MethodPut, Path: "/v1/ruleset", OperationID: "put-ruleset", Summary: "put files in the place of all",
				Description: "Rules that are not among them are taken away. A file that a list names and that is not among them stays as it is.",
				Parameters:  publishParameters,
			},
			media: []string{mediaJSON}, serve: s.putRuleset, takes: map[string]any{mediaJSON: texts{}}, gives: RulesChanged{},
		},
		{
			Operation: huma.Operation{Method: http.MethodPost, Path: "/v1/check", OperationID: "check", Summary: "what is wrong or doubtful in rules"},
			media:     []string{mediaJSON, mediaYAML}, serve: s.checkRules, takes: map[string]any{mediaJSON: texts{}, mediaYAML: nil}, gives: Checked{},
		},
		{
			Operation: huma.Operation{Method: http.MethodPost, Path: "/v1/test", OperationID: "test", Summary: "run the tests of rules"},
			media:     []string{mediaJSON}, serve: s.test, takes: map[string]any{mediaJSON: texts{}}, gives: TestRun{},
		},
	}
	for _, kind := range []struct {
		of  PartKind
		one string
	}{{FeaturePart, "feature"}, {ParamPart, "param"}} {
		path := "/v1/" + string(kind.of)
		routes = append(
			routes,
			route{
				Operation: huma.Operation{Method: http.MethodGet, Path: path, OperationID: "list-" + string(kind.of), Summary: "the " + string(kind.of)},
				serve:     s.listParts(kind.of), gives: items[Part]{},
			},
			route{
				Operation: huma.Operation{Method: http.MethodGet, Path: path + "/{name}", OperationID: "get-" + kind.one, Summary: "a " + kind.one, Parameters: on("name", accept)},
				serve:     s.getPart(kind.of), gives: Part{},
			},
			route{
				Operation: huma.Operation{
					Method: http.MethodPut, Path: path + "/{name}", OperationID: "put-" + kind.one, Summary: "publish a " + kind.one + ", new or changed",
					Description: "The body is its value, as it stands under `" + string(kind.of) + ":`. Rules that read it change with it.",
					Parameters:  on("name", publishParameters...),
				},
				media: []string{mediaYAML}, serve: s.putPart(kind.of, "name"), takes: map[string]any{mediaYAML: nil}, gives: RulesChanged{},
			},
			route{
				Operation: huma.Operation{Method: http.MethodDelete, Path: path + "/{name}", OperationID: "delete-" + kind.one, Summary: "take a " + kind.one + " away", Parameters: on("name", publishParameters...)},
				serve:     s.deletePart(kind.of, "name"), gives: RulesChanged{},
			},
		)
	}
	return routes
}

// listRules is GET /v1/rules.
func (s *service) listRules(w http.ResponseWriter, r *http.Request) error {
	rules, err := s.options.Rulebook.Rules(r.Context())
	if err != nil {
		return err
	}
	write(w, http.StatusOK, mediaJSON, items[Rule]{append([]Rule{}, rules...)})
	return nil
}

// getRule is GET /v1/rules/{id}.
func (s *service) getRule(w http.ResponseWriter, r *http.Request) error {
	rule, err := s.options.Rulebook.Rule(r.Context(), pathName(r, "id"))
	if err != nil {
		return notThere(err, "rule", pathName(r, "id"))
	}
	return writeText(w, r, rule.Text, rule.ETag, rule)
}

// listVersions is GET /v1/rules/{id}/versions.
func (s *service) listVersions(w http.ResponseWriter, r *http.Request) error {
	versions, err := s.options.Rulebook.Versions(r.Context(), pathName(r, "id"))
	if err != nil {
		return notThere(err, "rule", pathName(r, "id"))
	}
	write(w, http.StatusOK, mediaJSON, items[RuleVersion]{append([]RuleVersion{}, versions...)})
	return nil
}

// getVersion is GET /v1/rules/{id}/versions/{revision}.
func (s *service) getVersion(w http.ResponseWriter, r *http.Request) error {
	n, err := revisionOf("revision", chi.URLParam(r, "revision"))
	if err != nil {
		return err
	}
	v, err := s.options.Rulebook.Version(r.Context(), pathName(r, "id"), n)
	if err != nil {
		return notThere(err, "rule", pathName(r, "id"))
	}
	return writeText(w, r, v.Text, "", v)
}

// diffRule is GET /v1/rules/{id}/diff.
func (s *service) diffRule(w http.ResponseWriter, r *http.Request) error {
	id, query := pathName(r, "id"), r.URL.Query()
	versions, err := s.options.Rulebook.Versions(r.Context(), id)
	if err != nil {
		return notThere(err, "rule", id)
	}
	d := Difference{To: versions[0].Revision, Words: []string{}}
	if query.Has("to") {
		if d.To, err = revisionOf("to", query.Get("to")); err != nil {
			return err
		}
	}
	d.From = d.To - 1
	if query.Has("from") {
		if d.From, err = revisionOf("from", query.Get("from")); err != nil {
			return err
		}
	}
	before := &RuleVersion{}
	if d.From > 0 {
		if before, err = s.options.Rulebook.Version(r.Context(), id, d.From); err != nil {
			return notThere(err, "rule", id)
		}
	}
	after, err := s.options.Rulebook.Version(r.Context(), id, d.To)
	if err != nil {
		return notThere(err, "rule", id)
	}
	d.Text, d.Words = s.options.Compare(before.Text, after.Text)
	write(w, http.StatusOK, mediaJSON, d)
	return nil
}

// listParts is GET /v1/features and /v1/params.
func (s *service) listParts(kind PartKind) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		parts, err := s.options.Rulebook.Parts(r.Context(), kind)
		if err != nil {
			return err
		}
		write(w, http.StatusOK, mediaJSON, items[Part]{append([]Part{}, parts...)})
		return nil
	}
}

// getPart is GET /v1/features/{name} and /v1/params/{name}.
func (s *service) getPart(kind PartKind) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		part, err := s.options.Rulebook.Part(r.Context(), kind, pathName(r, "name"))
		if err != nil {
			return notThere(err, kind.one(), pathName(r, "name"))
		}
		return writeText(w, r, part.Text, part.ETag, part)
	}
}

// getRuleset is GET /v1/ruleset.
func (s *service) getRuleset(w http.ResponseWriter, r *http.Request) error {
	all, err := s.options.Rulebook.Ruleset(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("ETag", all.ETag)
	write(w, http.StatusOK, mediaJSON, all)
	return nil
}

// putPart is PUT of a rule, a feature or a param.
func (s *service) putPart(kind PartKind, parameter string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := changeOf(r, kind, pathName(r, parameter))
		if err != nil {
			return err
		}
		if c.Text, err = s.readRules(w, r, mostPart); err != nil {
			return err
		}
		return s.change(w, r, c)
	}
}

// deletePart is DELETE of a rule, a feature or a param.
func (s *service) deletePart(kind PartKind, parameter string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := changeOf(r, kind, pathName(r, parameter))
		if err != nil {
			return err
		}
		c.Remove = true
		return s.change(w, r, c)
	}
}

// setStatus is POST /v1/rules/{id}/status.
func (s *service) setStatus(w http.ResponseWriter, r *http.Request) error {
	c, err := changeOf(r, RulePart, pathName(r, "id"))
	if err != nil {
		return err
	}
	var asked statusChange
	if err := s.readJSON(w, r, &asked); err != nil {
		return err
	}
	if !slices.Contains(statuses, asked.Status) {
		return problem(http.StatusUnprocessableEntity, codeBody, "expected one of %s in status, found %q", strings.Join(statuses, ", "), shorten(asked.Status))
	}
	c.Status = asked.Status
	return s.change(w, r, c)
}

// rollBack is POST /v1/rules/{id}/rollback.
func (s *service) rollBack(w http.ResponseWriter, r *http.Request) error {
	c, err := changeOf(r, RulePart, pathName(r, "id"))
	if err != nil {
		return err
	}
	var asked rollback
	if err := s.readJSON(w, r, &asked); err != nil {
		return err
	}
	if asked.Revision < 1 {
		return problem(http.StatusUnprocessableEntity, codeBody, "expected a number from 1 in revision, found %d", asked.Revision)
	}
	c.Revision = asked.Revision
	return s.change(w, r, c)
}

// putRuleset is PUT /v1/ruleset.
func (s *service) putRuleset(w http.ResponseWriter, r *http.Request) error {
	c, err := changeOf(r, "", "")
	if err != nil {
		return err
	}
	if c.Files, err = s.readFiles(w, r, mostRuleset); err != nil {
		return err
	}
	return s.change(w, r, c)
}

// checkRules is POST /v1/check.
func (s *service) checkRules(w http.ResponseWriter, r *http.Request) error {
	var files map[string]string
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == mediaYAML {
		text, err := s.readRules(w, r, mostTexts)
		if err != nil {
			return err
		}
		files = map[string]string{"rules.yaml": text}
	} else {
		var err error
		if files, err = s.readFiles(w, r, mostTexts); err != nil {
			return err
		}
	}
	found, err := s.options.Rulebook.Check(r.Context(), files)
	if err != nil {
		return rulesProblem(err)
	}
	write(w, http.StatusOK, mediaJSON, found)
	return nil
}

// test is POST /v1/test.
func (s *service) test(w http.ResponseWriter, r *http.Request) error {
	files, err := s.readFiles(w, r, mostTexts)
	if err != nil {
		return err
	}
	run, err := s.options.Rulebook.Test(r.Context(), files)
	if err != nil {
		return rulesProblem(err)
	}
	write(w, http.StatusOK, mediaJSON, run)
	return nil
}

// change makes a change and answers what became of it.
func (s *service) change(w http.ResponseWriter, r *http.Request, c *RuleChange) error {
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(changeTime + answerTime)) // a writer without deadlines is a test's
	done, err := s.options.Rulebook.ChangeRules(r.Context(), c)
	if err != nil {
		return notThere(rulesProblem(err), c.Kind.one(), c.Name)
	}
	if done.ETag != "" {
		w.Header().Set("ETag", done.ETag)
	}
	status := http.StatusOK
	if done.Position != "" && !done.InForce {
		status = http.StatusAccepted
		w.Header().Set("Location", "/v1/rules")
		if c.Kind == RulePart {
			w.Header().Set("Location", "/v1/rules/"+url.PathEscape(c.Name))
		}
	}
	write(w, status, mediaJSON, done)
	return nil
}

// changeTime is what a change may take beside what its answer does: checks and tests of many rules
// take a while.
const changeTime = 2 * time.Minute

// changeOf reads who asks for a change, and how it is to be made.
func changeOf(r *http.Request, kind PartKind, name string) (*RuleChange, error) {
	who, err := change(r)
	if err != nil {
		return nil, err
	}
	c := &RuleChange{Who: who, Kind: kind, Name: name, Match: r.Header.Get("If-Match")}
	query := r.URL.Query()
	warm := true
	for name, to := range map[string]*bool{"dry_run": &c.DryRun, "warm": &warm} {
		if !query.Has(name) {
			continue
		}
		if *to, err = strconv.ParseBool(query.Get(name)); err != nil || len(query.Get(name)) < 4 {
			return nil, unknown(name, query.Get(name), []string{"true", "false"})
		}
	}
	c.Cold = !warm
	if c.OnChange = query.Get("on_change"); query.Has("on_change") && !slices.Contains(onChanges, c.OnChange) {
		return nil, unknown("on_change", c.OnChange, onChanges)
	}
	if query.Has("tests") && !slices.Contains(testWords, query.Get("tests")) {
		return nil, unknown("tests", query.Get("tests"), testWords)
	}
	c.ReportTests = query.Get("tests") == "report"
	return c, nil
}

// one is what one of a kind is called.
func (k PartKind) one() string { return strings.TrimSuffix(string(k), "s") }

// pathName is a name that stands in the path.
func pathName(r *http.Request, parameter string) string {
	text := chi.URLParam(r, parameter)
	if name, err := url.PathUnescape(text); err == nil && r.URL.RawPath != "" {
		return name
	}
	return text
}

// revisionOf reads the number of a revision.
func revisionOf(name, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, problem(http.StatusBadRequest, codeParameter, "expected a number from 1 in the parameter %s, found %q", name, shorten(text))
	}
	return n, nil
}

// notThere says that something is not there.
func notThere(err error, what, name string) error {
	switch {
	case errors.Is(err, ErrNoPart):
		return problem(http.StatusNotFound, codeNotFound, "there is no %s %q", what, shorten(name))
	case errors.Is(err, ErrNoVersion):
		return problem(http.StatusNotFound, codeNotFound, "the rule %q has no such revision: /v1/rules/%s/versions has them", shorten(name), url.PathEscape(shorten(name)))
	}
	return err
}

// rulesProblem is what a client is told of a change that was not made.
func rulesProblem(err error) error {
	if e, ok := errors.AsType[*RulesRefused](err); ok {
		p := problem(http.StatusUnprocessableEntity, codeRules, "%s", e.Why)
		if p.Diagnostics, p.Tests = e.Diagnostics, e.Tests; e.Tests != nil {
			p.Code = codeTests
		}
		return p
	}
	switch {
	case errors.Is(err, ErrMatch):
		return problem(http.StatusPreconditionFailed, codePrecondition, "it is not what If-Match says any more: look at what it is now, and send it again with that ETag")
	case errors.Is(err, ErrMoved):
		return problem(http.StatusPreconditionFailed, codePrecondition, "the rules were changed by somebody else again and again meanwhile: look at what they are now, and send it again")
	case errors.Is(err, ErrChanging):
		return busy("too many changes of the rules wait already: send again after a second")
	}
	return err
}

// writeText answers with a text as YAML, if that is what is asked for, or with JSON.
func writeText(w http.ResponseWriter, r *http.Request, text, tag string, v any) error {
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
	w.Header().Set("Vary", "Accept")
	if !wantsYAML(r) {
		write(w, http.StatusOK, mediaJSON, v)
		return nil
	}
	text = strings.TrimRight(text, "\n") + "\n"
	w.Header().Set("Content-Type", mediaYAML)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	io.WriteString(w, text) // if the client is gone, there is nobody to tell
	return nil
}

// wantsYAML says whether a request names YAML and not JSON among what it accepts.
func wantsYAML(r *http.Request) bool {
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	return strings.Contains(accept, mediaYAML) && !strings.Contains(accept, mediaJSON)
}

// readFiles reads files by path.
func (s *service) readFiles(w http.ResponseWriter, r *http.Request, most int64) (map[string]string, error) {
	text, err := s.readRules(w, r, most)
	if err != nil {
		return nil, err
	}
	var all struct {
		Files map[string]*string `json:"files"`
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil || d.More() {
		return nil, problem(http.StatusBadRequest, codeBody, `the body is not the JSON object that is expected here, like {"files": {"rules.yaml": "rules: …"}}`)
	}
	if len(all.Files) == 0 {
		return nil, problem(http.StatusUnprocessableEntity, codeBody, `expected files, found none: they stand in {"files": {"PATH": "TEXT"}}`)
	}
	files := map[string]string{}
	for path, text := range all.Files {
		if text == nil || path == "" || strings.HasPrefix(path, "/") || slices.Contains(strings.Split(path, "/"), "..") || !printable(path) || len(path) > 1000 {
			return nil, problem(http.StatusUnprocessableEntity, codeBody, "expected a path below the folder of the rules, and a text, found %q", shorten(path))
		}
		files[path] = *text
	}
	return files, nil
}

// readRules reads a body with the text of rules, or of files.
func (s *service) readRules(w http.ResponseWriter, r *http.Request, most int64) (string, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return "", problem(http.StatusUnsupportedMediaType, codeEncoding, "expected a body without Content-Encoding, found %q", shorten(encoding))
	}
	if !s.memory.take(int(most)) {
		return "", busy("too many large bodies are on their way: send again after a second")
	}
	defer s.memory.give(int(most))
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return "", problem(http.StatusRequestEntityTooLarge, codeLarge, "expected a body of at most %d bytes", most)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", problem(http.StatusRequestTimeout, codeSlow, "the body came too slowly: expected all of it within %s", s.bounds.Small)
	}
	if err != nil {
		return "", problem(http.StatusBadRequest, codeBadRequest, "the body ended before its end")
	}
	http.NewResponseController(w).SetReadDeadline(time.Time{}) // all has come: what follows is not the client's time
	return string(text), nil
}
