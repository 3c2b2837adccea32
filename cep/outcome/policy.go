package outcome

import (
	"fmt"
	"strconv"
)

// Combine says how the scores of several rules become one.
type Combine uint8

const (
	Max     Combine = iota // the highest
	Sum                    // their sum, at most 100
	NoisyOr                // 100·(1 − ∏(1 − s/100)): as if each were the chance of an independent cause
)

var combineNames = [...]string{Max: "max", Sum: "sum", NoisyOr: "noisy_or"}

func (c Combine) String() string {
	if int(c) < len(combineNames) {
		return combineNames[c]
	}
	return "combine " + strconv.Itoa(int(c))
}

// ParseCombine returns the Combine with a name: max, sum or noisy_or.
func ParseCombine(name string) (Combine, bool) {
	for c, n := range combineNames {
		if n == name {
			return Combine(c), true
		}
	}
	return Max, false
}

// MaxScore is the highest score, of a rule and combined. The lowest is 0.
const MaxScore = 100

// Policy says how scores are combined and from which combined score on an action
// follows. The zero Policy is that of a ruleset without one: Max, and no action.
type Policy struct {
	Combine                  Combine
	Review, Challenge, Block float64 // the least score for the action, up to MaxScore; 0: none
}

// Check says what is wrong with a Policy: a score out of bounds, or a stricter action
// that follows from a lower score than a milder one, which could never come then.
func (p Policy) Check() error {
	if int(p.Combine) >= len(combineNames) {
		return fmt.Errorf("policy: no way to combine scores: %s", p.Combine)
	}
	milder, least := Allow, 0.0
	for a, score := range [...]float64{Review: p.Review, Challenge: p.Challenge, Block: p.Block} {
		switch {
		case !(score >= 0 && score <= MaxScore):
			return fmt.Errorf("policy: %s from a score of %g: expected one above 0 and up to %d", Action(a), score, MaxScore)
		case score == 0:
			continue
		case score <= least:
			return fmt.Errorf("policy: %s from a score of %g, but %s from %g: a stricter action needs a higher score", Action(a), score, milder, least)
		}
		milder, least = Action(a), score
	}
	return nil
}

// Action is what follows from a combined score.
func (p Policy) Action(score int) Action {
	s := float64(score)
	switch {
	case p.Block > 0 && s >= p.Block:
		return Block
	case p.Challenge > 0 && s >= p.Challenge:
		return Challenge
	case p.Review > 0 && s >= p.Review:
		return Review
	}
	return Allow
}

// combine makes one score of several, which are ordered from the highest.
func (c Combine) combine(scores []Reason) int {
	switch c {
	case Sum:
		sum := 0
		for i := range scores {
			sum = min(sum+scores[i].Score, MaxScore)
		}
		return sum
	case NoisyOr:
		return noisyOr(scores)
	}
	if len(scores) == 0 {
		return 0
	}
	return scores[0].Score
}

// one is 1 in the units of noisyOr.
const one = 1e16

// noisyOr multiplies what the scores leave of 1, and rounds the rest of 100 to the
// nearest whole number, one half up. Up to eight scores the product is exact; from the
// ninth on each product is rounded to the nearest unit.
func noisyOr(scores []Reason) int {
	left := uint64(one)
	for i := range scores {
		left = (left*uint64(MaxScore-scores[i].Score) + 50) / 100
	}
	return int((one - left + one/200) / (one / 100))
}
