// Package wire has the parts that states are written of: varints in their shortest
// form, eight bytes least significant first, bools, and texts with their length before
// them. What a Writer wrote a Reader reads, and nothing else: each value has one form, so
// that equal states have equal bytes.
//
// A Reader never panics, whatever the bytes, and asks for no more memory than their
// length explains if its caller makes room by Count.
package wire
