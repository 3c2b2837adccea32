//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestHit runs itself in another process, which passes two places three times each.
func TestHit(t *testing.T) {
	if os.Getenv("WEIR_FAILPOINT") != "" {
		for i := range 3 {
			Hit("other")
			fmt.Println("passed", i+1)
			Hit("here")
		}
		return
	}
	for _, c := range []struct {
		point  string
		passed int
		ended  string
	}{
		{"here:2", 2, "signal: killed"},
		{"other:1", 0, "signal: killed"},
		{"here:4", 3, ""},
		{"elsewhere:1", 3, ""},
		{"here", 0, "exit status 2"},
		{"here:0", 0, "exit status 2"},
	} {
		p := exec.Command(os.Args[0], "-test.run=TestHit")
		p.Env = append(os.Environ(), "WEIR_FAILPOINT="+c.point)
		out, err := p.Output()
		ended := ""
		if err != nil {
			ended = err.Error()
		}
		if n := strings.Count(string(out), "passed"); n != c.passed || ended != c.ended {
			t.Errorf("%s: %d places were passed, then %q; expected %d, %q", c.point, n, ended, c.passed, c.ended)
		}
	}
}
