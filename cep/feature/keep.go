package feature

// keep is what a feature keeps of a key beyond a few words.
type keep interface {
	// drop forgets what is kept under times before edge.
	drop(f *feature, edge int64)
	// newest is the time under which the newest is kept, and the steps that such
	// times are held in (0: any). It is asked of windows that events leave one by one.
	newest(f *feature) (at, step int64, ok bool)
	// empty reports whether nothing is kept.
	empty() bool
	// bytes is the memory it takes.
	bytes() int
	// encode writes what decode of the same type reads.
	encode(f *feature, w *writer)
	decode(f *feature, r *reader)
}
