package neigh

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/rtnl"
	"ripcord/pkg/wire"
	"ripcord/test/netns"
)

func TestDecodeNeighbor(t *testing.T) {
	four, six := host4.AsSlice(), host6.AsSlice()
	for _, tt := range []struct {
		name string
		data []byte
		want netip.Addr
	}{
		{"reachable", neighbor(unix.NUD_REACHABLE, unix.NDA_DST, four), host4},
		{"stale, IPv6", neighbor(unix.NUD_STALE, unix.NDA_DST, six), host6},
		{"failed", neighbor(unix.NUD_FAILED, unix.NDA_DST, four), netip.Addr{}},
		{"being asked", neighbor(unix.NUD_INCOMPLETE, unix.NDA_DST, four), netip.Addr{}},
		{"needs none", neighbor(unix.NUD_NOARP, unix.NDA_DST, four), netip.Addr{}},
		{"no address", neighbor(unix.NUD_STALE, unix.NDA_LLADDR, four), netip.Addr{}},
		{"a bad address", neighbor(unix.NUD_STALE, unix.NDA_DST, four[:3]), netip.Addr{}},
		{"cut", neighbor(unix.NUD_STALE, unix.NDA_DST, four)[:17], netip.Addr{}},
		{"empty", nil, netip.Addr{}},
	} {
		got, ok := decodeNeighbor(netlink.Message{Data: tt.data})
		if ok != tt.want.IsValid() || ok && (got.Address != tt.want || got.Index != eth0) {
			t.Errorf("%s: %+v, %t, want %v", tt.name, got, ok, tt.want)
		}
	}
}

// FuzzNeighbor passes messages about neighbors to decodeNeighbor. A message that it accepts is
// about a station that may be present, and encodes to the same again.
func FuzzNeighbor(f *testing.F) {
	for _, data := range [][]byte{
		neighbor(unix.NUD_REACHABLE, unix.NDA_DST, host4.AsSlice()), neighbor(unix.NUD_STALE, unix.NDA_DST, host6.AsSlice()),
	} {
		if _, ok := decodeNeighbor(netlink.Message{Data: data}); !ok {
			f.Fatalf("the seed %x is not a neighbor", data)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, ok := decodeNeighbor(netlink.Message{Data: data})
		if !ok {
			return
		}
		if !s.Address.IsValid() || s.Answer || len(data) < 12 {
			t.Fatalf("%x is decoded as %+v", data, s)
		}
		again := neighbor(unix.NUD_STALE, unix.NDA_DST, s.Address.AsSlice())
		copy(again[4:8], data[4:8]) // the index
		if got, ok := decodeNeighbor(netlink.Message{Data: again}); !ok || got != s {
			t.Errorf("%+v, encoded again, is decoded as %+v", s, got)
		}
	})
}

// TestListener requires that on a real cable the listener receives ARP and neighbor discovery of
// the other end, and not what this machine sends, and that it reads the kernel's tables.
func TestListener(t *testing.T) {
	near, far := cable(t)
	ip(t, "link", "set", near, "addrgenmode", "eui64")
	ip(t, "addr", "add", "fe80::99/64", "nodad", "dev", near)
	ip(t, "neigh", "add", "203.0.113.5", "lladdr", "02:00:00:00:00:05", "nud", "stale", "dev", near)
	listener, err := OpenListener()
	if err != nil {
		t.Fatal(err)
	}
	sender, err := OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan Sighting, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { defer close(done); listener.Listen(ctx, func(s Sighting) { seen <- s }) }()

	index := indexOf(t, near)
	send := func(link string, frame []byte) {
		t.Helper()
		one := []Frame{{Index: indexOf(t, link), Data: frame}}
		if sender.Send(one); one[0].Err != nil {
			t.Fatal(one[0].Err)
		}
	}
	// want sends a frame at the far end, again and again, until the station a is observed: the kernel
	// drops neighbor discovery for a moment after the link has come up.
	want := func(what string, frame []byte, a netip.Addr, answer bool) {
		t.Helper()
		again := time.NewTicker(100 * time.Millisecond)
		defer again.Stop()
		for timeout := time.After(20 * time.Second); ; {
			if frame != nil {
				send(far, frame)
			}
			for wait := true; wait; {
				select {
				case s := <-seen:
					if s.Address == own4 && s.Index == index {
						t.Errorf("%s: the listener receives what this machine sends", what)
					}
					if s.Index == index && s.Address == a && s.Answer == answer {
						if age := time.Since(s.At); age < 0 || age > 20*time.Second {
							t.Errorf("%s: %+v, %v old", what, s, age)
						}
						return
					}
				case <-again.C:
					wait = false
				case <-timeout:
					t.Fatalf("%s: the station was not observed", what)
				}
			}
		}
	}
	want("the kernel's neighbor", nil, netip.MustParseAddr("203.0.113.5"), false)

	other, ours := [6]byte{2, 0, 0, 0, 0, 9}, netns.MAC(t, near)
	send(near, wire.AppendARPRequest(nil, ours, own4, host4))
	want("a question by ARP", wire.AppendARPRequest(nil, other, host4, own4), host4, false)
	reply := wire.AppendARPRequest(nil, other, host4, own4)
	copy(reply, ours[:])
	reply[21] = 2
	want("a reply by ARP", reply, host4, true)
	want("a solicitation", wire.AppendNS(nil, other, host6, netip.MustParseAddr("fe80::99")), host6, false)
	want("an advertisement", wire.AppendNA(nil, other, netip.MustParseAddr("2001:db8::5")), netip.MustParseAddr("2001:db8::5"), true)

	cancel()
	<-done
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	_ = sender.Close()
}

// neighbor returns an RTM_NEWNEIGH message.
func neighbor(state uint16, attribute uint16, value []byte) []byte {
	b := make([]byte, 12)
	if b[0] = 2; len(value) == 16 { // AF_INET
		b[0] = 10
	}
	binary.NativeEndian.PutUint32(b[4:], eth0)
	binary.NativeEndian.PutUint16(b[8:], state)
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, attribute)
	return append(b, value...)
}

// TestTablesThatCannotBeRead requires that a failure to read the neighbor tables is recorded.
func TestTablesThatCannotBeRead(t *testing.T) {
	netns.Need(t)
	listener, err := OpenListener()
	if err != nil {
		t.Fatal(err)
	}
	listener.Questions = event.NewQuestions(event.NewWarnings(func(event.Event) {}))
	listener.list = func(*rtnl.Conn) ([]Sighting, error) { return nil, errors.New("no buffer space available") }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); listener.Listen(ctx, func(Sighting) {}) }()
	for limit := time.Now().Add(20 * time.Second); len(listener.Questions.Failures()) == 0 && time.Now().Before(limit); {
		time.Sleep(10 * time.Millisecond)
	}
	if got := listener.Questions.Failures(); len(got) != 1 || got[0].Question != event.AskNeighbors {
		t.Errorf("recorded are %+v, want one failure to read the neighbor tables", got)
	}
	cancel()
	<-done
	_ = listener.Close()
}
