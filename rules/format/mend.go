package format

import (
	"cmp"
	"slices"
	"strings"

	"weir/rules"
	"weir/rules/source"
)

// mend quotes what YAML misreads. The error is what is left, of type
// source.Errors.
func mend(path, text string) (string, error) {
	text, err := mendYAML(path, text)
	if err != nil {
		return "", err
	}
	return mendRules(path, text), nil
}

// mostRead bounds, in bytes, what is read again to mend a text: about a second. Only of a
// large file with hundreds of errors is it too little.
const mostRead = 4 << 20

// mendYAML makes a text YAML. It goes on as long as there are edits for places that
// it has not edited: each may show the reader of YAML what is wrong behind it.
func mendYAML(path, text string) (string, error) {
	first := yamlErrors(path, text)
	var edited []source.Edit // the places
	read := 0
	for err := first; err != nil; err = yamlErrors(path, text) {
		fixes := slices.DeleteFunc(fixesOf(err), func(e source.Edit) bool {
			return slices.ContainsFunc(edited, func(old source.Edit) bool { return overlap(e, old) })
		})
		if read += len(text); len(fixes) == 0 || read > mostRead {
			return "", lasting(first, err)
		}
		mended, places := editAll(text, fixes)
		for i, old := range edited {
			edited[i] = moved(old, fixes)
		}
		text, edited = mended, append(edited, places...)
	}
	return text, nil
}

// moved gives where a place is after edits elsewhere.
func moved(e source.Edit, edits []source.Edit) source.Edit {
	by := 0
	for _, other := range edits {
		if other.To <= e.From {
			by += len(other.New) - (other.To - other.From)
		}
	}
	return source.Edit{From: e.From + by, To: e.To + by}
}

// lasting gives the errors that keep a text from being mended: with their places
// in the text as it was, if they were found there.
func lasting(first, left source.Errors) source.Errors {
	first = slices.DeleteFunc(slices.Clone(first), func(d source.Diagnostic) bool { return d.Fix != nil })
	if len(first) > 0 {
		return first
	}
	return left
}

func overlap(a, b source.Edit) bool { return a.From < b.To && b.From < a.To }

func yamlErrors(path, text string) source.Errors {
	var found source.Findings
	found.Parse(path, text)
	return errorsIn(found.All())
}

func errorsIn(found []source.Diagnostic) source.Errors {
	err, _ := source.ErrorsIn(found).(source.Errors)
	return err
}

// fixesOf gives the edits that findings propose, in order and none within another.
func fixesOf(found []source.Diagnostic) []source.Edit {
	var fixes []source.Edit
	for _, d := range found {
		if d.Fix != nil {
			fixes = append(fixes, *d.Fix)
		}
	}
	slices.SortStableFunc(fixes, func(a, b source.Edit) int { return cmp.Compare(a.From, b.From) })
	last := source.Edit{}
	return slices.DeleteFunc(fixes, func(e source.Edit) bool {
		if overlap(e, last) {
			return true
		}
		last = e
		return false
	})
}

// mendRules quotes expressions that ` #` cut, or that YAML takes for a list or
// mapping. What stands behind ` #` may well be a comment, behind an expression
// that is wrong: an edit is made only if nothing is wrong in its place any more.
func mendRules(path, text string) string {
	for {
		before := ruleErrors(path, text)
		fixes := fixesOf(before)
		if len(fixes) == 0 {
			return text
		}
		tried, places := editAll(text, fixes)
		src := source.New(path, tried)
		wrong := map[int]bool{} // edits by place
		for _, d := range ruleErrors(path, tried) {
			at := src.Offset(d.Line, d.Column)
			i, _ := slices.BinarySearchFunc(places, at, func(e source.Edit, at int) int { return cmp.Compare(e.To, at+1) })
			if i < len(places) && places[i].From <= at {
				wrong[i] = true
			}
		}
		var good []source.Edit
		for i, fix := range fixes {
			if !wrong[i] {
				good = append(good, fix)
			}
		}
		mended, _ := editAll(text, good)
		if len(good) == 0 || yamlErrors(path, mended) != nil || len(ruleErrors(path, mended)) >= len(before) {
			return text
		}
		text = mended
	}
}

func ruleErrors(path, text string) source.Errors {
	return errorsIn(rules.Check([]source.File{{Path: path, Text: text}}).Findings)
}

// editAll makes edits that are in order, and says where each stands afterwards.
func editAll(text string, edits []source.Edit) (edited string, places []source.Edit) {
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(text[at:e.From])
		places = append(places, source.Edit{From: b.Len(), To: b.Len() + len(e.New)})
		b.WriteString(e.New)
		at = e.To
	}
	b.WriteString(text[at:])
	return b.String(), places
}
