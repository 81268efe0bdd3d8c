// Package event has a struct for each event of the log, and the facts about links and addresses
// that other packages share.
//
// Everything in it is a value: it shares nothing, locks nothing, and never reads the clock.
// Packages that must not import one another (pkg/link, pkg/advert, pkg/addr) exchange these
// values on the bus.
package event
