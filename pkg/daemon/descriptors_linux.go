package daemon

import (
	"golang.org/x/sys/unix"

	"ripcord/pkg/control"
)

// Descriptors that the router needs for itself: sockets that are open all the time, and those
// that are opened for a while, as for a virtual MAC.
const (
	reservedDescriptors = 64
	descriptorsEachLink = 4
)

// connections returns how many clients may be connected to each of the control socket and
// control.listen, so that the router never lacks a descriptor for its own work on that many links.
func connections(links int) int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return control.MaxConnections
	}
	return connectionsOf(limit.Cur, links)
}

// connectionsOf is connections for a process that may have that many descriptors.
func connectionsOf(descriptors uint64, links int) int {
	reserved := uint64(reservedDescriptors + descriptorsEachLink*links)
	if descriptors <= reserved {
		return 2
	}
	return int(min(control.MaxConnections, max(2, (descriptors-reserved)/2)))
}
