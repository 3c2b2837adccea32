package outcome

import "strconv"

// Action is what a decision answers. A stricter one is greater.
type Action uint8

const (
	Allow Action = iota
	Review
	Challenge
	Block
)

var actionNames = [...]string{Allow: "allow", Review: "review", Challenge: "challenge", Block: "block"}

func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return "action " + strconv.Itoa(int(a))
}

// ParseAction returns the Action with a name: allow, review, challenge or block.
func ParseAction(name string) (Action, bool) {
	for a, n := range actionNames {
		if n == name {
			return Action(a), true
		}
	}
	return Allow, false
}
