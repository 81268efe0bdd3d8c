// Package daemon only connects the parts: it builds them from a configuration, starts them in the
// order of the flow of facts, and stops them in the opposite order.
//
// Run may be called in any program, also in a test: it owns no signal and no global. Every part has
// ended when it returns, unless its error names the part as hanging. Only goroutines that wait for a
// call which may never return can then be left, as for the look-up of a user; they end with it.
package daemon
