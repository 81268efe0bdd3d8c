// Package daemon is wiring only: it builds the parts from a configuration,
// starts them in the order of the flow of facts, and stops them against it.
//
// Run may be called in any program, a test too: it owns no signal and no
// global. Every goroutine that it starts has ended when it returns.
package daemon
