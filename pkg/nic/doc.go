// Package nic asks NICs for the state of their link: it asks the driver whether there is a carrier
// (ETHTOOL_GLINK) and why there is none (ethtool's extended state), and the transceiver for its MII
// registers. Report contains all answers for a person, as `ripcord link` prints them.
//
// A Client asks; it belongs to one goroutine and opens its sockets when it first needs them. Each
// question may take as long as another process holds the kernel's RTNL lock. Pure code interprets
// the answers: mii.go the status register, extended.go the extended state.
package nic
