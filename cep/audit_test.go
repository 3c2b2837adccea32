package cep

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestAuditPacked checks that a record says who brings it, and is refused where that is no
// author, or stands on events.
func TestAuditPacked(t *testing.T) {
	who := &Audit{Author: "ann", Reason: "too\nloud", What: "rule.put", ID: "probe", Before: "a", After: "b"}
	for _, p := range []Packed{
		{Kind: PackedRules, Body: []byte("rules"), Audit: who},
		{Kind: PackedAdvance, Time: -7, Audit: who},
		{Kind: PackedTick, Audit: who},
	} {
		data := p.Append(nil)
		got, err := Unpack(data)
		if err != nil || !reflect.DeepEqual(got, p) || data[0] != auditedVersion {
			t.Errorf("%d: %+v, %v", p.Kind, got, err)
		}
		for n := range len(data) {
			if p, err := Unpack(data[:n]); err == nil && p.Kind != PackedRules {
				t.Errorf("%d bytes of %d: %+v", n, len(data), p)
			}
		}
	}
	nobody := Packed{Kind: PackedTick, Audit: &Audit{What: "rule.put"}}
	if _, err := Unpack(nobody.Append(nil)); err == nil {
		t.Error("nobody")
	}
	events := Packed{Kind: PackedRules, Audit: who}
	data := events.Append(nil)
	data[1] = byte(PackedEvents)
	if _, err := Unpack(append(data, 0)); err == nil {
		t.Error("events with an author")
	}
}

func TestAuditCheck(t *testing.T) {
	good := Audit{Author: "Ann Ö", Reason: "", What: "list.entry.put"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(a *Audit){
		"an author":       func(a *Audit) { a.Author = "" },
		"what is done":    func(a *Audit) { a.What = "" },
		"printable":       func(a *Audit) { a.Author = "a\nb" },
		"as the author":   func(a *Audit) { a.Author = strings.Repeat("a", MaxAuthor+1) },
		"as the reason":   func(a *Audit) { a.Reason = strings.Repeat("a", MaxReason+1) },
		"as the id":       func(a *Audit) { a.ID = strings.Repeat("a", MaxAuditID+1) },
		"as the after":    func(a *Audit) { a.After = strings.Repeat("a", MaxAudited+1) },
		"as the before":   func(a *Audit) { a.Before = strings.Repeat("a", MaxAudited+1) },
		"UTF-8":           func(a *Audit) { a.Reason = "\xff" },
		"as the what":     func(a *Audit) { a.What = strings.Repeat("a", MaxWhat+1) },
		"printable text ": func(a *Audit) { a.What = "a\tb" },
	} {
		a := good
		spoil(&a)
		if err := a.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestCutAudited(t *testing.T) {
	if got := CutAudited("short"); got != "short" {
		t.Error(got)
	}
	for _, long := range []string{strings.Repeat("a", MaxAudited+1), strings.Repeat("ö", MaxAudited), strings.Repeat("€", MaxAudited)} {
		got := CutAudited(long)
		if len(got) > MaxAudited || len(got) < MaxAudited-4 || !utf8.ValidString(got) || !strings.HasSuffix(got, "bytes") {
			t.Errorf("%d bytes, …%q", len(got), got[len(got)-30:])
		}
	}
}
