// Package web serves Weir over HTTP: events come in, alerts can be read, and the service says
// how it is. It is the only package that does so. What it needs it asks through the
// interfaces of Options, which whoever builds the service fills in.
//
// # What holds
//
// An answer 2xx to events says that every line it counts as accepted is as durable as the
// log is configured to make it. A problem to a request of which some lines are durable says
// how many: its members accepted and position. They are always the first ones.
//
// Memory is bounded (Bounds.Memory): bodies are read, checked and posted in pieces of about a
// megabyte while the rest comes. At each bound the request is refused with a problem that
// says which one, and a counter of /metrics rises.
//
// Nothing of an event is logged, and no key stands in a metric.
package web
