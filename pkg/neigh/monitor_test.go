package neigh

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/wire"
)

// TestAsk requires that every station that was observed or sent adverts is asked, and that only the
// first answer proves that the segment forwards.
func TestAsk(t *testing.T) {
	r := newRig(t, Set{Instance: "a", Link: "eth0"})
	r.sight(Sighting{Index: eth0, Address: host4})
	r.adverts = []Advert{{"a", host4.Next(), r.now}, {"elsewhere", host4.Next().Next(), r.now}}
	r.Ask("eth0", "eth9")
	r.pass(0)
	var questions []string
	for _, station := range []any{host4.Next(), host4} {
		questions = append(questions, fmt.Sprint(station))
	}
	expect(t, "stations", questions, "[192.0.2.13 192.0.2.12]")
	expect(t, "frames", r.take(), []string{
		fmt.Sprintf("%d:%x", eth0, wire.AppendARPRequest(nil, ownMAC, own4, host4.Next())),
		fmt.Sprintf("%d:%x", eth0, wire.AppendARPRequest(nil, ownMAC, own4, host4)),
	})
	answer := Sighting{Index: eth0, Address: host4.Next(), Answer: true}
	r.sight(answer)
	r.sight(answer)
	expect(t, "forwards", r.forwards, "[eth0 0s]")
	r.pass(time.Minute)
	expect(t, "frames of an Ask that is over", r.take(), "[]")
}

// TestAskReportsMemberships requires that the memberships are reported before the questions, and
// again after an answer; not without a carrier, and not on links with unicast adverts.
func TestAskReportsMemberships(t *testing.T) {
	r := newRig(t, Set{Instance: "a", Link: "eth0", Group: wire.Group4}, Set{Instance: "six", Link: "eth0", Group: wire.Group6},
		Set{Instance: "unicast", Link: "eth0"})
	r.sight(Sighting{Index: eth0, Address: host4})
	var reports []string
	for _, b := range [][]byte{
		wire.AppendReport(nil, ownMAC, own4, wire.Group4), wire.AppendStateReport(nil, ownMAC, own4, wire.Group4),
		wire.AppendReport(nil, ownMAC, own6, wire.Group6), wire.AppendStateReport(nil, ownMAC, own6, wire.Group6),
	} {
		reports = append(reports, fmt.Sprintf("%d:%x", eth0, b))
	}
	r.Ask("eth0", "eth9")
	r.pass(0)
	question := fmt.Sprintf("%d:%x", eth0, wire.AppendARPRequest(nil, ownMAC, own4, host4))
	expect(t, "frames of an Ask", r.take(), append(reports[:4:4], question))
	r.sight(Sighting{Index: eth0, Address: host4, Answer: true})
	expect(t, "after the answer", r.take(), reports)
	r.sight(Sighting{Index: eth0, Address: host4, Answer: true})
	expect(t, "after another", r.take(), "[]")
	dead := usable
	dead.Usable = false
	r.Link(dead)
	r.Ask("eth0")
	r.pass(0)
	expect(t, "without carrier", r.take(), "[]")
}

// TestDeadline requires that each concern has its own deadline, also if another's is later.
func TestDeadline(t *testing.T) {
	r := newRig(t, onDevice())
	due := func(what string, want time.Duration) {
		t.Helper()
		if at, ok := r.Deadline(r.now); !ok || at.Sub(start) != want {
			t.Errorf("%s: due at %v, want %v", what, at.Sub(start), want)
		}
	}
	r.taken = 0
	r.pass(9500 * time.Millisecond)
	expect(t, "the adverts are taken each 5 s", r.taken, 2)
	r.Apply(r.now, r)
	due("the settings", proxyEvery)
	r.pass(time.Second) // at 10.5 s
	r.names = []string{"a"}
	r.pass(700 * time.Millisecond)
	r.hold()                       // at 11.2 s
	r.pass(900 * time.Millisecond) // the links are checked at 12 s
	r.Apply(r.now, r)
	due("stations are asked from the device", 12200*time.Millisecond)
}

// TestDeadlineOfNothing: a Monitor without sets has nothing to do.
func TestDeadlineOfNothing(t *testing.T) {
	m := NewMonitor(Config{Adverts: func() []Advert { return nil }})
	m.Apply(start, &rig{Monitor: m})
	if due, ok := m.Deadline(start); ok {
		t.Errorf("the deadline is %v", due)
	}
}
