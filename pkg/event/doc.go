// Package event has a struct for each event of the log, and the facts about links and addresses that
// other packages share.
//
// Everything here is a value: nothing is shared, nothing locks, and nothing
// asks for the time. Packages that must not import one another (pkg/link,
// pkg/advert, pkg/addr) exchange these values on the bus.
package event
