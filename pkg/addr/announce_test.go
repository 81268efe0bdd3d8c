package addr

import (
	"errors"
	"testing"

	"ripcord/pkg/event"
)

// TestAnnouncer requires that an address is announced while it exists, with the present MAC of its
// link, and that a failure is returned once until unmute, and not for a link that is down.
func TestAnnouncer(t *testing.T) {
	s := newScene()
	s.link(event.Link{Name: "eth0", Index: eth0, AdminUp: true, Usable: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}})
	p := new(fakePackets)
	a := newAnnouncer(s.ledger, p)
	a.begin(at(0), "a")
	expect(t, "without a count", len(a.apply(at(0))), 0)
	a.start(at(0), "a", 1, Announce{Count: 1})
	a.apply(at(0))
	expect(t, "though it is not held", p.take(), "[]")

	s.order(Hold, "a")
	a.start(at(0), "a", 1, Announce{Count: 1})
	a.apply(at(0))
	expect(t, "held", p.take(), "[7:020000000001]")
	if due, ok := a.deadline(); ok {
		t.Errorf("everything is announced, and %v is due", due)
	}

	p.refuse = func(int) error { return errors.New("no room") }
	fail := func() int {
		a.start(at(0), "a", 1, Announce{Count: 1})
		return len(a.apply(at(0)))
	}
	expect(t, "failures", []int{fail(), fail()}, "[1 0]")
	a.unmute("a")
	expect(t, "failures once it is unmuted", fail(), 1)
	a.unmute("a")
	s.link(event.Link{Name: "eth0", Index: eth0, AdminUp: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}})
	expect(t, "failures on a link that is down", fail(), 0)
}
