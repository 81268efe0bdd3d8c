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

// TestSocketSend checks that a batch is one datagram with all its messages, and that no message
// costs memory of its own.
func TestSocketSend(t *testing.T) {
	s, err := OpenSocket(unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	batch := make([]netlink.Message, 64)
	for i := range batch {
		batch[i] = netlink.Message{Header: netlink.Header{Type: netlink.Noop, Flags: netlink.Request}, Data: []byte{1, 2, 3, 4, 5}}
	}
	send := func() {
		if err := s.Send(batch); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, send); n > 4 {
		t.Errorf("a batch of %d messages allocates %v times", len(batch), n)
	}
	sent, err := split(nil, s.out)
	if err != nil || len(sent) != len(batch) || string(sent[63].Data) != string(batch[63].Data) {
		t.Errorf("sent %v, %v; want %v", sent, err, batch)
	}
}
