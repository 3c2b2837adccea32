package rules

// Keys and types as they are called in other tools, in lower case and without
// `_`, and what they are called here.
var (
	ruleWords = map[string]string{
		"name": "title", "level": "severity", "priority": "severity", "label": "tags", "labels": "tags", "enabled": "status",
		"event": "on", "events": "on", "eventtype": "on", "eventtypes": "on", "source": "on", "sources": "on", "from": "on",
		"filter": "where", "condition": "where", "partitionby": "key", "groupby": "key", "keyby": "key", "by": "key", "entity": "key",
		"window": "within", "timeframe": "within", "timewindow": "within", "timespan": "within", "maxspan": "within",
		"sequence": "pattern", "followedby": "pattern", "followedbyany": "pattern", "match": "pattern", "detection": "pattern",
		"definitions": "define", "variables": "define", "aftermatch": "skip", "aftermatchskip": "skip",
		"cancel": "unless", "metrics": "measures", "output": "measures", "outputs": "measures", "riskscore": "score",
		"alert": "message", "text": "message", "suppress": "throttle", "suppression": "throttle", "cooldown": "throttle", "decision": "action",
	}
	definitionWords = map[string]string{"on": "type", "event": "type", "eventtype": "type", "condition": "where", "filter": "where", "expr": "where", "if": "where"}
	eventWords      = map[string]string{"timestamp": "time", "eventtime": "time", "schema": "fields", "properties": "fields", "columns": "fields", "key": "id", "sequence": "seq", "order": "seq"}
	kindWords       = map[string]string{
		"text": "string", "str": "string", "varchar": "string", "char": "string", "uuid": "string", "keyword": "string",
		"int": "number", "integer": "number", "bigint": "number", "long": "number", "float": "number", "double": "number", "decimal": "number", "numeric": "number",
		"boolean": "bool", "timestamp": "time", "datetime": "time", "date": "time", "array": "list", "object": "map", "struct": "map", "json": "map",
	}
)
