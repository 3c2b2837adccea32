package rules

import (
	"fmt"
	"strings"

	"weir/cep"
	"weir/rules/expr"
	"weir/rules/source"
)

// scope is the events that an expression may see: it resolves their fields.
type scope struct {
	schemas schemas
	numbers *numbering
	types   []string // names of the event types
	all     bool     // of all types; types are those declared
	loose   bool     // what else they may be is not known: any name is a field
	either  bool     // they are of one of the types, it is not known which

	known []string // names of declared fields, once somebody has asked
	clash []string // fields that were asked for and have several types
}

// info gives what the scope's schemas say of a field: one kind, or where it has
// two, both as they stand in text.
func (s *scope) info(path string) (info expr.FieldInfo, clash string, ok bool) {
	dynamic := s.loose || s.all && len(s.types) == 0
	declared := ""
	for _, name := range s.types {
		schema := s.schemas[name]
		if schema == nil {
			dynamic = true
			continue
		}
		kind, has := schema.kind(path)
		switch {
		case !has:
		case declared == "":
			declared, info.Kind = name, kind
		case kind != info.Kind && s.either:
			dynamic = true
		case kind != info.Kind && clash == "":
			clash = fmt.Sprintf("%s in %s and %s in %s", kindText(info.Kind), source.Tick(declared), kindText(kind), source.Tick(name))
		}
	}
	if declared == "" {
		info.Dynamic = true
		return info, "", dynamic
	}
	if dynamic || s.all || clash != "" {
		info.Kind = cep.Nil // events of a type that is not declared may hold anything
	}
	return info, clash, true
}

func kindText(k cep.Kind) string {
	if k == cep.Nil {
		return "any value"
	}
	return k.String()
}

// field resolves a field for an expression and numbers it.
func (s *scope) field(path string) (expr.FieldInfo, bool) {
	info, clash, ok := s.info(path)
	if !ok {
		return info, false
	}
	if clash != "" {
		s.clash = append(s.clash, path)
	}
	if s.numbers != nil {
		info.ID = s.numbers.field(path)
	}
	return info, true
}

// names lists the declared fields. They are kept: every expression asks.
func (s *scope) names() []string {
	if s.known == nil {
		s.known = s.listNames()
	}
	return s.known
}

func (s *scope) listNames() []string {
	if len(s.types) == 1 {
		return s.numbers.namesOf(s.types[0], s.schemas[s.types[0]])
	}
	set := map[string]bool{}
	for _, t := range s.types {
		if schema := s.schemas[t]; schema != nil {
			for name := range schema.fields {
				set[name] = true
			}
		}
	}
	return sortedKeys(set)
}

// declares says whether an event type of the scope declares a field.
func (s *scope) declares(name string) bool {
	for _, t := range s.types {
		if schema := s.schemas[t]; schema != nil {
			if _, ok := schema.fields[name]; ok {
				return true
			}
		}
	}
	return false
}

// typeList puts the types of a scope in words.
func (s *scope) typeList() string {
	if s.all {
		return "any event type"
	}
	names := make([]string, len(s.types))
	for i, t := range s.types {
		names[i] = source.Tick(t)
	}
	return strings.Join(names, ", ")
}
