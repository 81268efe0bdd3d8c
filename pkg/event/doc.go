// Package event is the vocabulary of ripcord: what can happen, one struct for
// each event of the log, and what everybody must know of links and addresses.
//
// Everything here is a value: nothing is shared, nothing locks, and nothing
// asks for the time. Packages that must not know one another (pkg/link,
// pkg/advert, pkg/addr) meet in these values on the bus.
package event
