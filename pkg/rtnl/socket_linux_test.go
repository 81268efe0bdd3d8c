package rtnl

import (
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// FuzzSplit splits any datagram.
func FuzzSplit(f *testing.F) {
	m, err := netlink.Message{Header: netlink.Header{Length: 20, Type: unix.RTM_NEWLINK}, Data: []byte{1, 2, 3, 4}}.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m)
	f.Add(append(m, m...))
	f.Fuzz(func(t *testing.T, b []byte) {
		messages, err := split(nil, b)
		total := 0
		for _, m := range messages {
			total += unix.SizeofNlMsghdr + len(m.Data)
		}
		if total > len(b) || err == nil && len(b)-total >= unix.SizeofNlMsghdr+3 && total == 0 {
			t.Fatalf("%d of %d bytes, %v", total, len(b), err)
		}
	})
}
