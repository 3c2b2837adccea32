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
	featureWords    = map[string]string{
		"event": "on", "events": "on", "type": "on", "types": "on", "eventtype": "on", "source": "on", "from": "on",
		"groupby": "key", "partitionby": "key", "keyby": "key", "by": "key", "entity": "key", "per": "key",
		"aggregate": "value", "aggregation": "value", "agg": "value", "function": "value", "expression": "value", "field": "value", "metric": "value",
		"filter": "where", "condition": "where", "if": "where",
		"window": "over", "within": "over", "last": "over", "period": "over", "timeframe": "over", "duration": "over", "lookback": "over",
		"sliding": "over", "fixed": "tumbling", "gap": "session", "tz": "timezone", "zone": "timezone", "granularity": "resolution", "step": "resolution",
		"approximate": "approx", "excludeself": "exclude_current", "excludecurrentevent": "exclude_current",
	}
	listWords = map[string]string{
		"entries": "type", "of": "type", "kind": "type", "values": "value", "valuetype": "value", "path": "file", "csv": "file", "source": "file",
		"comment": "description", "title": "description", "header": "columns", "fields": "columns",
	}
	eventWords = map[string]string{"timestamp": "time", "eventtime": "time", "schema": "fields", "properties": "fields", "columns": "fields", "key": "id", "sequence": "seq", "order": "seq"}
	kindWords  = map[string]string{
		"text": "string", "str": "string", "varchar": "string", "char": "string", "uuid": "string", "keyword": "string",
		"int": "number", "integer": "number", "bigint": "number", "long": "number", "float": "number", "double": "number", "decimal": "number", "numeric": "number",
		"boolean": "bool", "timestamp": "time", "datetime": "time", "date": "time", "array": "list", "object": "map", "struct": "map", "json": "map",
	}
)
