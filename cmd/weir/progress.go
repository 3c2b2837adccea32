package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows on a terminal how much of the input has been read.
type progress struct {
	bar    *progressbar.ProgressBar // nil: nobody sees it
	events inputs
}

// startProgress shows a bar if stderr is a terminal, unless an output (toStdout) goes to
// the terminal too and the two would overwrite each other.
func startProgress(events inputs, toStdout bool, std *streams) *progress {
	p := &progress{events: events}
	if !terminal(std.err) || toStdout && terminal(std.out) {
		return p
	}
	p.bar = newBar(events.size(), "reading", std, progressbar.OptionShowBytes(true))
	return p
}

// newBar shows a bar on stderr.
func newBar(size int64, what string, std *streams, more ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(size, append(more,
		progressbar.OptionSetWriter(std.err),
		progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine; it turns as bytes come
		progressbar.OptionClearOnFinish(),
	)...)
}

func (p *progress) update() {
	if p.bar != nil {
		p.bar.Set64(p.events.done())
	}
}

func (p *progress) stop() {
	if p.bar != nil {
		p.bar.Finish()
	}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
