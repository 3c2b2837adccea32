package cep

import "weir/failpoint"

// prepared is what was made of a checkpoint.
type prepared struct {
	rules  *Rules
	engine *Engine
	latest bool // as Checkpoint.Latest was
	drop   bool // as Checkpoint.Drop was
	err    error
}

// Prepare restores the state of a checkpoint, which takes nothing but what stands in it, so
// that the Loop that begins with it need not. compile and shards are those of LoopOptions.
func (c *Checkpoint) Prepare(compile func(body []byte) (*Rules, error), shards int) {
	if c.RulesAt == 0 {
		return
	}
	p := c.restore(compile, shards)
	c.prepared = &p
}

// restore makes an Engine of the state.
func (c *Checkpoint) restore(compile func(body []byte) (*Rules, error), shards int) (p prepared) {
	p.latest, p.drop = c.Latest, c.Drop
	p.err = guarded("compiling its rules", func() (err error) {
		p.rules, err = compileFor(compile, shards, c.Rules)
		return err
	})
	if p.err != nil {
		return p
	}
	p.err = guarded("restoring it", func() (err error) {
		if len(c.State) == 0 {
			p.engine = NewEngine(p.rules.Ruleset, p.rules.Options)
			return nil
		}
		o := p.rules.Options
		o.Saved, o.Drop = c.Latest, c.Drop
		failpoint.Panic([]byte("restore"))
		p.engine, err = RestoreSections(p.rules.Ruleset, o, c.State, c.Begins)
		return err
	})
	return p
}

// compileFor makes the rules of a record, for an Engine of so many shards.
func compileFor(compile func(body []byte) (*Rules, error), shards int, body []byte) (*Rules, error) {
	rules, err := compile(body)
	if err != nil {
		return nil, err
	}
	rules.Options.Shards, rules.Options.Freezes = shards, true
	return rules, nil
}
