package rules

// Keys and types as they are called in other tools, in lower case and without
// `_` and `-`, and what they are called here.
var (
	rulesetWords = map[string]string{
		"schema": "events", "schemas": "events", "types": "events", "eventtypes": "events",
		"variables": "params", "vars": "params", "parameters": "params", "constants": "params", "settings": "params",
		"detections": "rules", "patterns": "rules", "queries": "rules",
		"risks": "risk", "riskscores": "risk", "policies": "policy", "decision": "policy", "decisions": "policy", "thresholds": "policy", "actions": "policy",
		"aggregates": "features", "aggregations": "features", "velocities": "features", "counters": "features",
	}
	defaultWords = map[string]string{
		"window": "within", "timeframe": "within", "timewindow": "within", "timespan": "within", "maxspan": "within",
		"suppress": "throttle", "suppression": "throttle", "cooldown": "throttle", "dedup": "throttle",
	}
	ruleWords = map[string]string{
		"ruleid": "id", "name": "title", "level": "severity", "priority": "severity", "label": "tags", "labels": "tags", "enabled": "status", "state": "status",
		"desc": "description", "comment": "description", "note": "description", "language": "lang",
		"event": "on", "events": "on", "eventtype": "on", "eventtypes": "on", "source": "on", "sources": "on", "logsource": "on", "from": "on", "stream": "on",
		"filter": "where", "condition": "where", "partitionby": "key", "groupby": "key", "keyby": "key", "by": "key", "entity": "key", "keys": "key",
		"window": "within", "timeframe": "within", "timewindow": "within", "timespan": "within", "maxspan": "within", "duration": "within",
		"sequence": "pattern", "followedby": "pattern", "followedbyany": "pattern", "match": "pattern", "detection": "pattern", "steps": "pattern",
		"definitions": "define", "variables": "define", "conditions": "define", "aftermatch": "skip", "aftermatchskip": "skip",
		"if": "when", "trigger": "when", "expression": "when", "onchange": "edge", "windowend": "window_close", "onclose": "window_close", "holdfor": "hold", "blockfor": "hold",
		"cancel": "unless", "until": "unless", "metrics": "measures", "output": "measures", "outputs": "measures", "select": "measures", "riskscore": "score",
		"alert": "message", "text": "message", "msg": "message", "suppress": "throttle", "suppression": "throttle", "cooldown": "throttle", "dedup": "throttle", "decision": "action",
	}
	featureWords = map[string]string{
		"event": "on", "events": "on", "type": "on", "types": "on", "eventtype": "on", "source": "on", "from": "on",
		"groupby": "key", "partitionby": "key", "keyby": "key", "by": "key", "entity": "key", "per": "key",
		"aggregate": "value", "aggregation": "value", "agg": "value", "function": "value", "expression": "value", "field": "value", "metric": "value",
		"filter": "where", "condition": "where", "if": "where",
		"window": "over", "within": "over", "last": "over", "period": "over", "timeframe": "over", "duration": "over", "lookback": "over",
		"sliding": "over", "fixed": "tumbling", "gap": "session", "tz": "timezone", "zone": "timezone", "granularity": "resolution", "step": "resolution",
		"approximate": "approx", "excludeself": "exclude_current", "excludecurrentevent": "exclude_current",
	}
	hoppingWords = map[string]string{
		"length": "size", "window": "size", "duration": "size", "over": "size", "advance": "every", "slide": "every", "step": "every", "hop": "every", "period": "every", "interval": "every",
	}
	riskWords = map[string]string{
		"groupby": "key", "partitionby": "key", "keyby": "key", "by": "key", "entity": "key", "per": "key", "on": "key", "of": "key",
		"decay": "half_life", "fade": "half_life", "over": "half_life", "window": "half_life", "life": "half_life", "ttl": "half_life",
	}
	policyWords = map[string]string{
		"aggregate": "combine", "aggregation": "combine", "combination": "combine", "method": "combine", "strategy": "combine", "score": "combine", "scores": "combine",
		"manual": "review", "flag": "review", "alert": "review", "stepup": "challenge", "mfa": "challenge", "verify": "challenge",
		"deny": "block", "decline": "block", "reject": "block",
	}
	listWords = map[string]string{
		"of": "type", "kind": "type", "values": "value", "valuetype": "value", "path": "file", "csv": "file", "source": "file",
		"comment": "description", "title": "description", "header": "columns", "fields": "columns",
	}
	definitionWords = map[string]string{"on": "type", "event": "type", "eventtype": "type", "types": "type", "condition": "where", "filter": "where", "expr": "where", "if": "where", "when": "where"}
	eventWords      = map[string]string{"timestamp": "time", "eventtime": "time", "schema": "fields", "properties": "fields", "columns": "fields", "key": "id", "eventid": "id", "sequence": "seq", "order": "seq"}
	kindWords       = map[string]string{
		"text": "string", "str": "string", "varchar": "string", "char": "string", "uuid": "string", "keyword": "string",
		"int": "number", "integer": "number", "int32": "number", "int64": "number", "float32": "number", "float64": "number", "bigint": "number", "long": "number", "float": "number", "double": "number", "decimal": "number", "numeric": "number",
		"boolean": "bool", "timestamp": "time", "datetime": "time", "date": "time", "array": "list", "object": "map", "struct": "map", "json": "map",
	}
)

const (
	besideRules = "it stands beside `rules`, for all of them"
	inRule      = "it belongs to a rule"
	inType      = "it belongs to an event type, beside its `fields`"
	setOrder    = "it is a setting of a run, for all rules: `weir run --order eager`, or `watermark`, as without it"
	setLateness = "it is a setting of a run, for all rules: `weir run --lateness D`; or of a test"
)

// Keys that stand at another place than where they were written, and where.
var (
	rulesetApart = map[string]string{
		"derive": inType, "fields": inType, "when": inRule, "pattern": inRule, "define": inRule, "hold": inRule, "window_close": inRule,
		"order": setOrder, "lateness": setLateness,
		"within": "write it in a rule, or in `defaults` for all", "throttle": "write it in a rule, or in `defaults` for all",
	}
	defaultApart = map[string]string{"hold": "a rule that holds says so itself", "score": inRule, "action": inRule, "severity": inRule, "edge": inRule}
	ruleApart    = map[string]string{"features": besideRules, "lists": besideRules, "risk": besideRules, "policy": besideRules, "defaults": besideRules, "derive": inType, "half_life": "it belongs to a risk", "order": setOrder, "lateness": setLateness}
)
