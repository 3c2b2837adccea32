package cep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// panickingFiles are files in which saving panics the first few times.
type panickingFiles struct {
	*heldFiles
	begins, adds, commits atomic.Int64 // panics to come
}

func (f *panickingFiles) Begin(c *Checkpoint, whole bool) (CheckpointWriter, error) {
	if f.begins.Add(-1) >= 0 {
		panic("begin")
	}
	w, err := f.heldFiles.Begin(c, whole)
	return &panickingWriter{w, f}, err
}

type panickingWriter struct {
	CheckpointWriter
	files *panickingFiles
}

func (w *panickingWriter) Add(entries []byte) error {
	if w.files.adds.Add(-1) >= 0 {
		panic("add")
	}
	return w.CheckpointWriter.Add(entries)
}

func (w *panickingWriter) Commit() (Position, error) {
	if w.files.commits.Add(-1) >= 0 {
		panic("commit")
	}
	return w.CheckpointWriter.Commit()
}

// What panics beside stepping does not end the loop: a look fails, a checkpoint is given up,
// counted and told, and the next one, of all of the state, is one to begin with.
func TestPanicsBesideStepping(t *testing.T) {
	rs, o := zoo(t), Options{Lateness: 10 * time.Second, Order: EagerOrder, Freezes: true}
	files := &panickingFiles{heldFiles: &heldFiles{crash: func(string) bool { return false }}}
	var told []Notice
	l := NewLoop(LoopOptions{Log: &heldLog{}, Sink: files, Checkpoints: files, Notify: func(n *Notice) { told = append(told, *n) }})
	l.engine = NewEngine(rs, o)
	for i, c := range []struct {
		what  string
		fault func()
	}{
		{"saving it panicked", func() { files.begins.Store(1) }},
		{"saving it panicked", func() { files.adds.Store(1) }},
		{"saving it panicked", func() { files.commits.Store(1) }},
		{"freezing the state panicked", func() { l.engine.frozen = &Frozen{g: l.engine} }},
		{"", func() {}},
	} {
		line := fmt.Sprintf(`{"type":"pay","ts":%d,"card":"c","merchant":"m","kind":"a","amount":1}`, 1000*(i+1))
		l.engine.Step([]Record{{Data: []byte(line), Line: 1}}, new(Effects))
		l.at = Position{1, uint64(i + 1)}
		c.fault()
		if err := l.freeze(); err != nil {
			t.Fatal(err)
		}
		l.saveAll()
		if s := l.saving; s != nil {
			if err := l.settle(t.Context(), <-s.ends()); err != nil {
				t.Fatal(err)
			}
		}
		if c.what == "" {
			break
		}
		if len(told) != i+1 || l.unsaved != uint64(i+1) {
			t.Fatalf("fault %d: %d checkpoints were given up, told: %+v", i, l.unsaved, told)
		}
		if n := told[i]; n.Kind != NoticeCheckpoint || n.Stack == "" || !strings.Contains(n.Text, c.what) {
			t.Errorf("fault %d: %+v", i, n)
		}
	}
	if len(files.checkpoints) != 1 || l.saved.Sequence != 5 {
		t.Fatalf("%d checkpoints are kept, up to %s", len(files.checkpoints), l.saved)
	}
	g, err := Restore(rs, o, files.checkpoints[0].State)
	if err != nil {
		t.Fatal(err)
	}
	if g.Stats().Events != 5 || string(g.Append(nil)) != string(l.engine.Append(nil)) {
		t.Error("the checkpoint that was saved in the end has another state")
	}
}

// A look that panics fails, and the loop goes on.
func TestPanicOfALook(t *testing.T) {
	log := &heldLog{most: 1, ended: func() {}, stepped: func() uint64 { return 1 << 60 }}
	l := NewLoop(LoopOptions{Log: log})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, nil, &Recovery{Incarnation: 1}, Mark{}) }()
	if err := l.Look(t.Context(), func(*Engine) { panic("look") }); err == nil || !strings.Contains(err.Error(), "a look at the state panicked") {
		t.Errorf("a look that panics: %v", err)
	}
	if err := l.Look(t.Context(), func(g *Engine) { g.Stats() }); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Encoding a part of the state panics between two batches: as above.
func TestPanicOfASlice(t *testing.T) {
	for _, atEnd := range []bool{false, true} {
		rs := zoo(t)
		log := &heldLog{most: 1, ended: func() {}, stepped: func() uint64 { return 1 << 60 }}
		log.Append(context.Background(), &Packed{Kind: PackedRules, Body: []byte("rules")})
		files := &heldFiles{crash: func(string) bool { return false }}
		var told []Notice
		l := NewLoop(LoopOptions{Log: log, Sink: files, Checkpoints: files, Notify: func(n *Notice) { told = append(told, *n) }})
		l.engine = NewEngine(rs, Options{Freezes: true})
		l.at = Position{1, 1}
		if err := l.freeze(); err != nil {
			t.Fatal(err)
		}
		l.saving.frozen.work[0] = func(int) bool { panic("encode") }
		if atEnd {
			if err := l.end(); err != nil {
				t.Fatal(err)
			}
		} else {
			if err := l.checkpoint(); err != nil {
				t.Fatal(err)
			}
			if err := l.settle(t.Context(), <-l.saving.ends()); err != nil {
				t.Fatal(err)
			}
			if len(told) != 1 || !strings.Contains(told[0].Text, "encoding the state panicked") || l.unsaved != 1 {
				t.Errorf("told %+v", told)
			}
			l.at.Sequence++
			if err := l.end(); err != nil {
				t.Fatal(err)
			}
		}
		if len(files.checkpoints) != 1 {
			t.Fatalf("%d checkpoints", len(files.checkpoints))
		}
		if _, err := Restore(rs, Options{}, files.checkpoints[0].State); err != nil {
			t.Error(err)
		}
	}
}

func TestParseBoot(t *testing.T) {
	b := Boot{"v1.2.3-4+dirty", 7}
	if got, ok := ParseBoot(b.String()); !ok || got != b {
		t.Errorf("%q is read as %+v, %t", b, got, ok)
	}
	for _, text := range []string{"", "a note", "weir x, engine revision", "weir x, engine revision 07", "weir , engine revision 7"} {
		if got, ok := ParseBoot(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

// A checkpoint whose rules or state panic is one that cannot be begun with, and says where it was;
// nothing is stepped.
func TestPanicOfACheckpoint(t *testing.T) {
	rs := zoo(t)
	state := NewEngine(rs, Options{}).Append(nil)
	broken := *rs
	broken.Rules = append([]*Rule{nil}, rs.Rules...)
	for what, compile := range map[string]func([]byte) (*Rules, error){
		"compiling its rules panicked": func([]byte) (*Rules, error) { panic("compile") },
		"restoring it panicked":        func([]byte) (*Rules, error) { return &Rules{Ruleset: &broken}, nil },
	} {
		l := NewLoop(LoopOptions{Log: &heldLog{}, Compile: compile})
		c := &Checkpoint{Mark: Mark{Position: Position{1, 7}}, RulesAt: 1, State: state}
		err := l.Run(t.Context(), c, &Recovery{Incarnation: 1}, Mark{})
		u, ok := errors.AsType[*Unusable](err)
		if !ok || u.Position.Sequence != 7 || u.Stack == "" || !strings.Contains(u.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
