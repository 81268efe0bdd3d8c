package neigh

import (
	"errors"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// aliveStates are the states of a neighbor that has answered once and is not known to be gone.
const aliveStates = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT

// listNeighbors dumps the kernel's neighbor tables of both families.
func listNeighbors(conn *rtnl.Conn) ([]Sighting, error) {
	var all []Sighting
	var errs []error
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		now := time.Now()
		some, err := rtnl.Dump(conn, rtnl.ListNeighbors(family), decodeNeighbor)
		for i := range some {
			some[i].At = now
		}
		all = append(all, some...)
		if err != nil {
			errs = append(errs, fmt.Errorf("listing neighbors: %w", err))
		}
	}
	return all, errors.Join(errs...)
}

// decodeNeighbor decodes a neighbor message; false if the station may not be present.
func decodeNeighbor(m netlink.Message) (Sighting, bool) {
	n, ok := rtnl.DecodeNeighbor(m)
	return Sighting{Index: n.Index, Address: n.Address, FromTable: true}, ok && n.State&aliveStates != 0
}
