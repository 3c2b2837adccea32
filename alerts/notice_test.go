package alerts

import (
	"testing"

	"weir/cep"
)

// TestNoticeOf holds that each kind of notice of a Loop has a name of its own.
func TestNoticeOf(t *testing.T) {
	seen := map[NoticeKind]bool{}
	for kind := range cep.NoticeAdopted + 1 {
		n := NoticeOf(&cep.Notice{Kind: kind, Text: "x"})
		if n.Kind == "" || seen[n.Kind] || n.Text != "x" {
			t.Errorf("kind %d is %+v", kind, n)
		}
		seen[n.Kind] = true
	}
}
