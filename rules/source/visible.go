package source

import (
	"strconv"
	"strings"
	"unicode"
)

// Visible writes as escapes what a terminal would obey and what reorders or hides text:
// values of events and words of rules may hold anything.
func Visible(text string) string {
	if strings.IndexFunc(text, unseen) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unseen(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unseen reports whether r is a control character, ends a line, sets the direction of
// text, or is a mark without width.
func unseen(r rune) bool {
	return unicode.IsControl(r) || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff
}
