package main

import (
	"context"
	"fmt"
	"time"

	"weir/cep"
	"weir/cep/stream"
)

const (
	// askEvery is how often it is looked for how long the log has owed an answer.
	askEvery = 100 * time.Millisecond

	// answerTime is how long the log may owe one: beyond it nothing is taken in. It is started
	// again only where it does not answer for much longer (stream.Log.Health, twice): a disk
	// that is busy with a checkpoint was seen to hold it up for two seconds.
	answerTime = 600 * time.Millisecond

	// mendTime is how long the second question waits at most.
	mendTime = 15 * time.Second
)

// watchLog asks the log whether it answers, and starts it again where it does not.
func (v *service) watchLog(ctx context.Context) {
	clock := time.NewTicker(askEvery)
	defer clock.Stop()
	told := make(chan struct{}, 1)
	asked, open := time.Now().Add(-watchEvery), false
	for {
		select {
		case <-ctx.Done():
			if open {
				<-told
			}
			return
		case <-told:
			open = false
		case now := <-clock.C:
			if !open && now.Sub(asked) >= watchEvery {
				asked, open = now, true
				go func() {
					v.askLog(ctx)
					told <- struct{}{}
				}()
			}
			owing := v.stream.Silent()
			if open {
				owing = max(owing, now.Sub(asked))
			}
			v.health.owing.Store(int64(owing))
		}
	}
}

// askLog asks the log whether it answers.
func (v *service) askLog(ctx context.Context) {
	err := v.stream.Health(ctx)
	if err == nil || ctx.Err() != nil {
		v.health.logDown.Store(nil)
		return
	}
	why := err.Error()
	v.health.logDown.Store(&why)
	v.seldom.Warn("the log does not answer", "error", err)
	if err := v.mend(ctx); err != nil && ctx.Err() == nil {
		v.seldom.Warn("the log could not be started again", "error", err)
	}
}

// mend starts the log again if it does not answer. Both the loop and who looks at its health
// notice that: one of them starts it.
func (v *service) mend(ctx context.Context) error {
	v.mending.Lock()
	defer v.mending.Unlock()
	asking, cancel := context.WithTimeout(ctx, mendTime)
	defer cancel()
	if v.stream.Health(asking) == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	v.seldom.Warn("the log is started again")
	before, _ := v.stream.LastAppended()
	err := v.stream.Restart(ctx)
	if last, _ := v.stream.LastAppended(); last < before {
		v.server.Forget() // nothing is taken in before the files are compared
	}
	return err
}

// logDown is why nothing can be appended to the log at the moment; empty: it can.
func (v *service) logDown() string {
	if why := v.health.logDown.Load(); why != nil {
		return *why
	}
	if text := v.stream.Waits(); text != "" {
		return "waiting: " + text
	}
	if !v.stream.Admitted() {
		return "it was started again, and is being compared with alerts and state"
	}
	if owing := time.Duration(v.health.owing.Load()); owing > answerTime {
		return fmt.Sprintf("it has not answered for %s", owing.Round(askEvery))
	}
	return ""
}

// compared is the log as the loop reads it: only from a server that the files were compared
// with. After a restart that is the next run's.
type compared struct{ *stream.Log }

// Read is cep.Log.
func (c compared) Read(ctx context.Context, after uint64, dst []cep.Logged) ([]cep.Logged, error) {
	n := len(dst)
	dst, err := c.Log.Read(ctx, after, dst)
	if err == nil && !c.Admitted() {
		return dst[:n], fmt.Errorf("%w: it was started again", stream.ErrUnavailable)
	}
	return dst, err
}
