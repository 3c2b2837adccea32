package expr

import (
	"testing"

	"weir/cep"
	"weir/cep/list"
)

// TestMayBeNil: what an expression is nil by, beside what fails.
func TestMayBeNil(t *testing.T) {
	env := Env{
		Current: true,
		Fields: func(path string) (FieldInfo, bool) {
			return FieldInfo{Kind: map[string]cep.Kind{"text": cep.Text, "list": cep.List}[path]}, true
		},
		Params: map[string]cep.Value{"n": cep.NumberValue(1)},
		Lists:  []List{{Name: "fx", Spec: list.Spec{Type: list.String, Value: list.Number}}, {Name: "vip", Spec: list.Spec{Type: list.String}}},
	}
	for text, want := range map[string]bool{
		`there`: false, `gone`: true, `nil`: true, `1`: false, `params.n`: false, `ts`: false, `type`: false,
		`there + 1`: false, `there + gone`: true, `gone == 1`: false, `gone > 1 || there`: false,
		`gone ?? there`: false, `gone ?? nil`: true, `there ?? gone`: false,
		`gone > 1 ? there : 1`: false, `there > 1 ? gone : 1`: true,
		`list[0]`: true, `text[0:2]`: false, `list[0:2]`: false, `[gone]`: false, `{"a": gone}`: false,
		`count(gone)`: false, `sum(gone)`: false, `mean(gone)`: true, `lower(gone)`: true, `lower(text)`: false,
		`list_value("fx", text)`: true, `list_value("fx", text, 1)`: false, `list_value("fx", gone, 1)`: false, `list_value("fx", text, gone)`: true,
		`in_list("vip", text)`: false, `in_list("vip", gone)`: true,
		`let x = gone; there`: false, `let x = there; gone`: true,
		`no such +`: false,
	} {
		got := MayBeNil(text, env, func(f FieldOf) bool { return f.Path == "gone" })
		if got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
}
