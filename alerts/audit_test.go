package alerts

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"weir/cep"
)

// TestAuditHash holds the hash to what docs/http.md says of it.
func TestAuditHash(t *testing.T) {
	var first, second AuditEntry
	first.Author, first.What = "ann", "rule.put"
	first.Chain(0, AuditHash{})
	second = Audited(&cep.Audited{Audit: cep.Audit{Author: "Jö", Reason: "why\n", What: "list.entry.put", ID: "cards/c1", Before: "{}", After: "{}"}, Sequence: 7, Appended: 1500, Refused: "full"}, 2)
	second.Chain(first.Number, first.Hash)
	want := sha256.Sum256([]byte("64:" + first.Hash.String() + ",1:2,30:1970-01-01T00:00:00.000001500Z,3:Jö,4:why\n,14:list.entry.put,8:cards/c1,2:{},2:{},4:full,3:2-7,"))
	if second.Hash.String() != hex.EncodeToString(want[:]) {
		t.Errorf("%s, want %x", second.Hash, want)
	}
	if !first.Chained(0, AuditHash{}) || !second.Chained(1, first.Hash) || second.Chained(0, AuditHash{}) || first.Previous.String() != "" {
		t.Error("the chain does not hold")
	}
	changed := second
	if changed.After = "{} "; changed.Chained(1, first.Hash) {
		t.Error("a change was not found")
	}
}

func TestAuditFilter(t *testing.T) {
	e := AuditEntry{Audit: cep.Audit{Author: "ann", What: "list.entry.put", ID: "cards/c1"}, At: 10}
	for _, f := range []AuditFilter{{}, {What: "list"}, {What: "list.entry"}, {What: "list.entry.put"}, {ID: "cards"}, {ID: "cards/c1"}, {Author: "ann"}, {From: 10, To: 11}} {
		if !f.Match(&e) {
			t.Errorf("%+v", f)
		}
	}
	for _, f := range []AuditFilter{{What: "lis"}, {What: "list.entry.put.x"}, {ID: "card"}, {ID: "cards/c"}, {Author: "an"}, {From: 11}, {To: 10}} {
		if f.Match(&e) {
			t.Errorf("%+v", f)
		}
	}
	if strings.Contains(e.PositionText(), "0") {
		t.Error(e.PositionText())
	}
}
