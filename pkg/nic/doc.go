// Package nic asks NICs for the state of their link: the driver whether there is
// a carrier (ETHTOOL_GLINK) and why there is none (ethtool's extended state), the
// transceiver for its MII registers. Report is all of that for a person, as
// `ripcord link` prints it.
//
// Client asks; it belongs to one goroutine and opens its sockets when it first needs them.
// Each question may take as long as somebody holds the kernel's RTNL lock. The meaning of the
// answers is decided by pure code: the status register in mii.go, the extended state in
// extended.go.
package nic
