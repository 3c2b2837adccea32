package web

// RunIn is how far rules have come that are warming: what lies on the log is matched with them,
// beside what comes, before they are in force.
type RunIn struct {
	Rules    []string `json:"rules" doc:"that are run in together, by id"`
	Position string   `json:"position" doc:"of the record on the log that published them"`
	From     string   `json:"from,omitempty" doc:"of the first record that is matched again; absent: it has not begun yet"`
	Since    string   `json:"since,omitempty" doc:"when that record was appended, RFC 3339"`
	Done     float64  `json:"done" minimum:"0" maximum:"1" doc:"the share of the records that are matched again"`
	Left     uint64   `json:"records_left" doc:"of the log, that are still to be matched again; some come while it runs"`
	Before   uint64   `json:"matches_before" doc:"of these rules, completed before they were published: they are counted, and make no alert"`
	Joined   string   `json:"joined,omitempty" doc:"position of the record from which on the rules are in force; absent: they are warming"`
	Fault    string   `json:"fault,omitempty" doc:"why it has stopped: the rules sleep until the next start or publish"`
}
