package web

import "testing"

// Answers that were given before the log has lost its end are forgotten, also those of requests
// that end after that; a repetition goes on with what the log has.
func TestAnswersAreCleared(t *testing.T) {
	a := newAnswers(Bounds{Answers: 10, AnswerBytes: 1 << 20, Repeat: 1 << 40})
	begin := func(key byte) (now, before *answer) {
		t.Helper()
		now, before, err := a.begin(t.Context(), [16]byte{key})
		if err != nil {
			t.Fatal(err)
		}
		return now, before
	}
	done, _ := begin(1)
	done.answer = &Answer{Accepted: 1}
	a.end(done)
	under, _ := begin(2)
	a.clear()
	under.answer = &Answer{Accepted: 2}
	a.end(under)
	if kept, _ := a.counts(); kept != 0 || a.held != 0 || len(a.queue) != 0 {
		t.Errorf("%d answers are kept, %d bytes", kept, a.held)
	}
	for _, key := range []byte{1, 2} {
		now, before := begin(key)
		if before != nil {
			t.Errorf("request %d is known", key)
		}
		now.answer = &Answer{}
		a.end(now)
		if now, before = begin(key); before == nil {
			t.Errorf("request %d is not known after it was repeated", key)
		}
		a.end(now)
	}
}
