package addr

import (
	"errors"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// alive are the states of a neighbor that has answered once and is not known to be
// gone.
const alive = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT

// neighbours dumps the neighbor tables of both families.
func (k *netlinkKernel) neighbours() ([]Sighting, error) {
	var all []Sighting
	var errs []error
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		now := time.Now()
		some, err := rtnl.Dump(k.conn, rtnl.ListNeighbors(family), aliveNeighbor)
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

// aliveNeighbor reads a neighbor message; false if the station may not be there.
func aliveNeighbor(m netlink.Message) (Sighting, bool) {
	n, ok := rtnl.DecodeNeighbor(m)
	return Sighting{Index: n.Index, Address: n.Address, FromTable: true}, ok && n.State&alive != 0
}
