package alerts

import "weir/cep"

// Notice tells the operator of something.
type Notice struct {
	Number   uint64       `json:"number"` // from 1, rising
	Kind     NoticeKind   `json:"kind"`
	At       int64        `json:"-"` // wall clock, nanoseconds since the epoch; 0: unknown
	Position cep.Position `json:"-"` // of the log, as far as the alerts had come
	Rule     string       `json:"rule,omitempty"`
	Text     string       `json:"text"`
}

// NoticeKind says what a Notice is about.
type NoticeKind string

const (
	OverLimit NoticeKind = "over_limit" // a rule makes more alerts in a minute than are kept
	Rebased   NoticeKind = "rebased"    // alerts and state were put on another position
	Fallback  NoticeKind = "fallback"   // a checkpoint is damaged, an older one was used

	// These are of a cep.Loop.
	Differs    NoticeKind = "differs"
	Rules      NoticeKind = "rules"
	Damaged    NoticeKind = "damaged"
	Panicked   NoticeKind = "panicked"
	Skipped    NoticeKind = "skipped"
	Checkpoint NoticeKind = "checkpoint"
	Adopted    NoticeKind = "adopted"
	Dropped    NoticeKind = "dropped"
	RunIn      NoticeKind = "run_in"
	Joined     NoticeKind = "joined"
)

// loopKinds are by cep.NoticeKind.
var loopKinds = [...]NoticeKind{
	cep.NoticeDiffers: Differs, cep.NoticeRules: Rules, cep.NoticeDamaged: Damaged,
	cep.NoticePanic: Panicked, cep.NoticeSkipped: Skipped, cep.NoticeCheckpoint: Checkpoint,
	cep.NoticeAdopted: Adopted, cep.NoticeDropped: Dropped,
	cep.NoticeLane: RunIn, cep.NoticeJoined: Joined,
}

// NoticeOf is what there is to store of what a Loop says.
func NoticeOf(n *cep.Notice) Notice {
	return Notice{Kind: loopKinds[n.Kind], Position: n.Position, Text: n.Text}
}

// Loss is a part of the log that was lost.
type Loss struct {
	Number   uint64
	At       int64        // wall clock when it was found, nanoseconds since the epoch
	From, To cep.Position // the last record that is still there, and the last that effects are known of
	Records  uint64       // lost, as far as is known
	Since    int64        // append time of the record at From, nanoseconds since the epoch; 0: unknown
	Until    int64        // wall clock at which the last effects were stored; 0: unknown
	Alerts   uint64       // stored alerts that came from it: they are marked unlogged
	Reason   string       // why it was acknowledged
	AckedAt  int64        // wall clock; 0: nobody has acknowledged it
}

// Stray is an event that was not matched, or a change of a list that was not made.
type Stray struct {
	Number     uint64 // of its kind, from 1: how many there were up to it
	Kind       StrayKind
	Position   cep.Position // that the commit reached which it came with
	Source     int          // as the engine numbers inputs
	Line       int          // in it, from 1
	Column     int          // of a rejected one, in bytes from 1; 0: none
	Reason     string
	Type, ID   string // of a conflict; Type also of what was sent to the subject of a type
	Raw        string // as it came, as far as Length says
	Length     int    // of the whole, in bytes; Raw may be less
	DetectedAt int64  // wall clock, nanoseconds since the epoch; 0: unknown
}

// StrayKind says why an event was not matched.
type StrayKind uint8

const (
	LateStray     StrayKind = iota // older than lateness allows
	RejectedStray                  // a line that is no event
	ConflictStray                  // the type and id of another one
	RefusedStray                   // a change of a list
	StrayKinds    = iota           // how many kinds there are
)

func (k StrayKind) String() string {
	return [StrayKinds]string{"late", "rejected", "conflict", "refused"}[k]
}
