package daemon

import (
	"golang.org/x/sys/unix"

	"ripcord/pkg/control"
)

// These are the descriptors that the router needs for itself: sockets that are always open, and
// those that are open for a while, as for a virtual MAC.
const (
	reservedDescriptors = 64
	descriptorsEachLink = 4
)

// connections returns how many clients may connect to each of the control socket and
// control.listen, so that the router always has a descriptor for its own work on that many links.
func connections(links int) int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return control.MaxConnections
	}
	return connectionsOf(limit.Cur, links)
}

// connectionsOf is connections for a process with that limit of descriptors.
func connectionsOf(descriptors uint64, links int) int {
	reserved := uint64(reservedDescriptors + descriptorsEachLink*links)
	if descriptors <= reserved {
		return 2
	}
	return int(min(control.MaxConnections, max(2, (descriptors-reserved)/2)))
}
