package addr

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// ndMsgLen is the length of struct ndmsg (linux/neighbour.h).
const ndMsgLen = 12

// alive are the states of a neighbour that has answered once and is not known
// to be gone.
const alive = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT

// neighbours dumps the neighbour tables of both families.
func (k *netlinkKernel) neighbours() ([]Sighting, error) {
	var all []Sighting
	var errs []error
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		if err := k.deadline(); err != nil {
			return all, err
		}
		data := make([]byte, ndMsgLen)
		data[0] = family
		answers, err := k.conn.Execute(netlink.Message{
			Header: netlink.Header{Type: unix.RTM_GETNEIGH, Flags: netlink.Request | netlink.Dump}, Data: data,
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("listing neighbours: %w", err))
			continue
		}
		now := time.Now()
		for _, a := range answers {
			if s, ok := parseNeighbour(a.Data); ok {
				s.At = now
				all = append(all, s)
			}
		}
	}
	return all, errors.Join(errs...)
}

// parseNeighbour reads an RTM_NEWNEIGH; it is not ok where it tells of no
// station that may be there.
func parseNeighbour(data []byte) (s Sighting, ok bool) {
	if len(data) < ndMsgLen || binary.NativeEndian.Uint16(data[8:])&alive == 0 {
		return s, false
	}
	attributes, err := netlink.NewAttributeDecoder(data[ndMsgLen:])
	if err != nil {
		return s, false
	}
	s.Index = int(int32(binary.NativeEndian.Uint32(data[4:])))
	for attributes.Next() {
		if attributes.Type() == unix.NDA_DST {
			s.Address, ok = netip.AddrFromSlice(attributes.Bytes())
		}
	}
	return s, ok && attributes.Err() == nil
}
