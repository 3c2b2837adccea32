// Package outcome works out what the rules that matched on an event come to: the
// combined score, the action and the reasons of a decision (Decide), and the risk that
// their scores leave on a key and that fades (Risk).
//
// All of it is arithmetic that gives the same bits on every machine: combined scores
// are whole numbers, worked out in whole numbers; a fading risk is a float64 whose
// products are rounded one by one, and the powers of one half come from this package
// and not from math, whose Exp2 differs between architectures.
package outcome
