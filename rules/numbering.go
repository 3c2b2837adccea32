package rules

import (
	"fmt"

	"weir/cep"
	"weir/rules/expr"
)

// numbering gives types and fields their numbers.
type numbering struct {
	types    []string // in order of name
	typeIDs  map[string]cep.TypeID
	fields   []string // in the order in which they were first read
	fieldIDs map[string]cep.FieldID
	reads    []cep.Read // in the order in which they were first made
	readIDs  map[string]cep.ReadID

	declared map[string][]string // declared fields by type, once somebody has asked
}

// newNumbering numbers types by their order.
func newNumbering(types map[string]bool) *numbering {
	n := &numbering{types: sortedKeys(types), typeIDs: map[string]cep.TypeID{}, fieldIDs: map[string]cep.FieldID{}, readIDs: map[string]cep.ReadID{}, declared: map[string][]string{}}
	for i, t := range n.types {
		n.typeIDs[t] = cep.TypeID(i)
	}
	return n
}

// field gives the number of a field, a new one if it was not read before.
func (n *numbering) field(path string) cep.FieldID {
	id, ok := n.fieldIDs[path]
	if !ok {
		id = cep.FieldID(len(n.fields))
		n.fieldIDs[path] = id
		n.fields = append(n.fields, path)
	}
	return id
}

// ids gives the numbers of types; nil for nil.
func (n *numbering) ids(types []string) []cep.TypeID {
	var ids []cep.TypeID
	for _, t := range types {
		ids = append(ids, n.typeIDs[t])
	}
	return ids
}

// namesOf lists the declared fields of a type in order. The list is kept: every
// rule asks, and a type may have thousands of them.
func (n *numbering) namesOf(name string, schema *schema) []string {
	list, ok := n.declared[name]
	if !ok {
		list = []string{}
		if schema != nil {
			list = sortedKeys(schema.fields)
		}
		n.declared[name] = list
	}
	return list
}

// read gives the number of a read of a feature, a new one if it was not made before.
func (n *numbering) read(r expr.Read) cep.ReadID {
	key := fmt.Sprintf("%d %t %t %s", r.Feature, r.Args == nil, r.Own, r.ID)
	id, ok := n.readIDs[key]
	if !ok {
		id = cep.ReadID(len(n.reads))
		n.readIDs[key] = id
		n.reads = append(n.reads, r.Read)
	}
	return id
}
