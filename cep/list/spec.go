package list

import (
	"errors"
	"fmt"
	"strconv"
)

// Kind is a type of entries or of values.
type Kind uint8

const (
	None   Kind = iota // no value
	String             // text of 1 to MaxText bytes of UTF-8
	Number             // a finite float64
	Bool               // true or false; values only
	CIDR               // an IP prefix; entries only
)

var kindNames = [...]string{None: "none", String: "string", Number: "number", Bool: "bool", CIDR: "cidr"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// ParseKind returns the Kind with a name: string, number, bool or cidr.
func ParseKind(name string) (Kind, bool) {
	for k := String; k <= CIDR; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return None, false
}

// Bounds of a List.
const (
	MaxText    = 1024       // bytes of an entry, and of a value
	MaxEntries = 10_000_000 // of a List, those that expired and are not freed included
	MaxBytes   = 1 << 30    // of all entries and values of a List
)

// Spec is what is declared of a List: the types of its entries and values.
type Spec struct {
	Type  Kind // String, Number or CIDR
	Value Kind // None, String, Number or Bool
}

// Check says what is wrong with a Spec.
func (s Spec) Check() error {
	switch s.Type {
	case String, Number, CIDR:
	default:
		return fmt.Errorf("list: entries of type %s: expected string, number or cidr", s.Type)
	}
	switch s.Value {
	case None, String, Number, Bool:
		return nil
	}
	return fmt.Errorf("list: values of type %s: expected string, number or bool", s.Value)
}

// ErrFull is what Put gives when a List has reached MaxEntries or MaxBytes.
var ErrFull = errors.New("the list is full: it holds at most 10,000,000 entries and 1 GiB of text")
