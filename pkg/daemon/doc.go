// Package daemon only connects the parts: it builds them from a configuration, starts them in the
// order of the flow of facts, and stops them in the opposite order.
//
// Run may be called in any program, also in a test: it owns no signal and no global. Every
// goroutine that it starts has ended when it returns.
package daemon
