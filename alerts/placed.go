package alerts

// Placed is a stored version of an alert with its place in the order of storing, from 1.
// Places rise by one and are not given again.
type Placed struct {
	Item
	Order uint64
}

// Leaving is how far what leaves the process has come, topic by topic: versions of alerts by
// their Order, strays by their Number. All up to there were published.
type Leaving struct {
	Alerts  uint64
	Strays  [StrayKinds]uint64
	Started bool // something says how far it has come
}
