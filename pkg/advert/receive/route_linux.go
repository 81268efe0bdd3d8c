package receive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// routes asks the kernel how it would route received packets.
type routes struct{ conn *rtnl.Conn }

// routeTimeout is how long the kernel may take: it needs no lock for the answer.
const routeTimeout = 100 * time.Millisecond

// delivers reports whether the kernel would deliver to an IP socket a packet from source that
// arrives on a link for dest, a multicast group of which the link is a member or one of its
// addresses. It would not if the source is its own address, or does not pass the reverse path
// filter (rp_filter). An error means that this cannot be known.
func (q *routes) delivers(index int, source, dest netip.Addr) (bool, error) {
	if q.conn == nil {
		conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE, Timeout: routeTimeout})
		if err != nil {
			return false, fmt.Errorf("open a socket for route requests: %w", err)
		}
		q.conn = conn
	}
	header := make([]byte, unix.SizeofRtMsg)
	header[0], header[1], header[2] = unix.AF_INET, 32, 32 // the lengths of both prefixes
	ae := netlink.NewAttributeEncoder()
	ae.Bytes(unix.RTA_DST, dest.AsSlice())
	ae.Bytes(unix.RTA_SRC, source.AsSlice())
	ae.Bytes(unix.RTA_IIF, binary.NativeEndian.AppendUint32(nil, uint32(index)))
	attributes, err := ae.Encode()
	if err != nil {
		return false, fmt.Errorf("encode a request for a route: %w", err)
	}
	_, err = q.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETROUTE}, Data: append(header, attributes...),
	})
	for _, refused := range []error{unix.EINVAL, unix.EXDEV, unix.EHOSTUNREACH, unix.ENETUNREACH} {
		if errors.Is(err, refused) {
			return false, nil
		}
	}
	return err == nil, err
}

func (q *routes) close() {
	if q.conn != nil {
		_ = q.conn.Close()
	}
}
