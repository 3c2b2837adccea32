package cep

import "fmt"

// Mode says what a record of rules wants to become of the open matches of a rule that means
// something else from there on.
type Mode uint8

const (
	ModeDefault Mode = iota // they are carried where that can be, else dropped
	ModeReset               // they are dropped
	ModeCarry               // they go on under what the rule means now
	ModeDrain               // they go on under what the rule meant, and no others begin under it
)

var modeNames = []string{"default", "reset", "carry", "drain"}

func (m Mode) String() string { return modeNames[m] }

// ParseMode reads what String wrote.
func ParseMode(text string) (Mode, error) {
	for i, name := range modeNames {
		if name == text {
			return Mode(i), nil
		}
	}
	return ModeDefault, fmt.Errorf("%q says nothing of open matches: expected carry, drain, reset or default", text)
}

// MarshalText writes a Mode as String does.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText is ParseMode.
func (m *Mode) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMode(string(text))
	return err
}

// Change is what a record of rules asks for one rule that it changes, adds or removes.
type Change struct {
	Mode Mode `json:"mode"`           // what becomes of open matches
	Warm bool `json:"warm,omitempty"` // if it begins, it is to see what came before: a run-in
}
