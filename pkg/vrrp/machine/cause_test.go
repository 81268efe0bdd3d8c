package machine

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// fixture returns a group of two members in Backup, and the instant of its start.
func fixture() (m *Machine, zero time.Time) {
	zero = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	group := vrrp.Group{Name: "edge"}
	for i, name := range []string{"inside", "outside"} {
		group.Members = append(group.Members, vrrp.Instance{
			Virtual:  event.Virtual{Name: name, Group: "edge", Interface: []string{"eth0", "eth1"}[i], VRID: 51, Family: event.IPv4},
			Priority: 100, Interval: time.Second, Miss: 3, Preempt: true,
		})
	}
	m = New(group, &Tickets{}, zero)
	for i, name := range []string{"eth0", "eth1"} {
		m.Step(zero, vrrp.LinkSeen{Link: event.Link{Name: name, Index: i + 2, Usable: true, Primary4: netip.MustParseAddr("192.0.2.2")}})
	}
	m.Step(zero, vrrp.Start{})
	return m, zero
}

// serve makes the fixture Active.
func serve(m *Machine) (at time.Time, effects []vrrp.Effect) {
	for m.State() != event.Active {
		at, _ = m.Deadline()
		effects = m.Step(at, vrrp.Tick{Cause: event.Cause{Trace: 99, At: at}})
	}
	return at, effects
}

// TestCauseIsCarried checks that the consequences of a fact carry its cause, even across a timer
// (docs/architecture.md#time).
func TestCauseIsCarried(t *testing.T) {
	m, zero := fixture()
	source := netip.MustParseAddr("192.0.2.9")
	m.Step(zero, vrrp.Heard{Instance: "inside", Source: source, Priority: 200, Interval: time.Second, Cause: event.Cause{Trace: 1, At: zero}})
	m.Step(zero, vrrp.Heard{Instance: "outside", Source: source, Priority: 200, Interval: time.Second, Cause: event.Cause{Trace: 2, At: zero}})
	resigned := event.Cause{Trace: 3, At: zero.Add(time.Millisecond)}
	m.Step(zero.Add(2*time.Millisecond), vrrp.Heard{Instance: "outside", Source: source, Cause: resigned})
	at, effects := serve(m)
	wantCause(t, effects, resigned, at)

	pulled := event.Cause{Trace: 4, At: at.Add(time.Second)}
	now := at.Add(time.Second + time.Microsecond)
	effects = m.Step(now, vrrp.LinkSeen{Link: event.Link{Name: "eth0", Index: 2, Cause: pulled}})
	wantCause(t, effects, pulled, now)
}

// TestTimeoutIsItsOwnCause checks that the cause of a takeover after silence is the end of the
// wait, however late the Tick and the answers are.
func TestTimeoutIsItsOwnCause(t *testing.T) {
	m, zero := fixture()
	due := zero.Add(vrrp.ActiveDownInterval(100, time.Second, 3))
	at, effects := serve(m)
	if late := at.Sub(due); late != verifyTimeout {
		t.Errorf("served %v after the deadline, want %v", late, verifyTimeout)
	}
	wantCause(t, effects, event.Cause{Trace: 99, At: due}, at)
}

// TestConfirmedAddressesHaveTheCauseOfTheTakeover checks that the order to hold the addresses,
// which waits for the reports of the first adverts, has the cause of the takeover and not that of
// a report. Otherwise the event address.added is not part of the takeover's story.
func TestConfirmedAddressesHaveTheCauseOfTheTakeover(t *testing.T) {
	for name, last := range map[string]vrrp.Input{
		"reported": vrrp.Probed{Instance: "outside", Cause: event.Cause{Trace: 7}},
		"timeout":  vrrp.Tick{Cause: event.Cause{Trace: 8}},
	} {
		t.Run(name, func(t *testing.T) {
			m, zero := fixture()
			due := zero.Add(vrrp.ActiveDownInterval(100, time.Second, 3))
			for i, instance := range []string{"inside", "outside"} {
				m.Step(due.Add(-time.Millisecond), vrrp.Heard{
					Instance: instance, Source: netip.MustParseAddr("192.0.2.9"), Priority: 50, Interval: time.Second,
					Cause: event.Cause{Trace: event.Trace(i + 1), At: due.Add(-time.Millisecond)},
				})
			}
			at, effects := serve(m)
			m.Step(at, vrrp.Probed{Instance: "inside", Cause: event.Cause{Trace: 6, At: at}})
			effects = append(effects, m.Step(at.Add(time.Minute), last)...)
			holds := slices.DeleteFunc(effects, func(e vrrp.Effect) bool { _, hold := e.(vrrp.Hold); return !hold })
			if want := []vrrp.Effect{vrrp.Hold{Cause: event.Cause{Trace: 99, At: due}}}; !reflect.DeepEqual(holds, want) {
				t.Errorf("orders to hold the addresses: %+v, want %+v", holds, want)
			}
		})
	}
}

func wantCause(t *testing.T, effects []vrrp.Effect, want event.Cause, now time.Time) {
	t.Helper()
	if len(effects) == 0 {
		t.Fatal("no effects")
	}
	for _, e := range effects {
		var got event.Cause
		switch e := e.(type) {
		case vrrp.Advertise:
			got = e.Cause
		case vrrp.Arm:
			got = e.Cause
		case vrrp.Hold:
			got = e.Cause
		case vrrp.Mute:
			got = e.Cause
		case vrrp.Resign:
			got = e.Cause
		case vrrp.Release:
			got = e.Cause
		case vrrp.Report:
			got = e.Event.When().Cause
			if e.Event.When().At != now {
				t.Errorf("%s has the time %v, want %v", e.Event.Name(), e.Event.When().At, now)
			}
		}
		if got != want {
			t.Errorf("%T follows from %+v, want %+v", e, got, want)
		}
	}
}
