package cep

import "fmt"

// Boot is what the body of a record of kind PackedBoot says: which program folds the log from
// then on.
type Boot struct {
	Version string // of weir
	Engine  uint64 // EngineRevision
}

const bootForm = "weir %s, engine revision %d"

// String is the body.
func (b Boot) String() string { return fmt.Sprintf(bootForm, b.Version, b.Engine) }

// ParseBoot reads what String wrote; false: it is something else, like an empty note.
func ParseBoot(text string) (b Boot, ok bool) {
	n, err := fmt.Sscanf(text, "weir %s engine revision %d", &b.Version, &b.Engine)
	if err != nil || n != 2 || len(b.Version) < 2 {
		return Boot{}, false
	}
	b.Version = b.Version[:len(b.Version)-1] // its comma
	return b, b.String() == text
}
