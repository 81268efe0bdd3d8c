package machine

import (
	"slices"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestVerification checks that a takeover is verified when it is due and both verifiers have
// answered its ticket or a later one, or when they are waited for no longer.
func TestVerification(t *testing.T) {
	asked := verification{ticket: 7, about: zero, limit: zero.Add(verifyTimeout)}
	lead := 5 * time.Millisecond
	for _, c := range []struct {
		name     string
		answers  []vrrp.Answered
		at       time.Duration // the instant at which over is called
		over     bool
		deadline time.Duration // if the last Tick was at the takeover
	}{
		{"no answer", nil, 0, false, verifyTimeout},
		{"no answer in time", nil, verifyTimeout, true, verifyTimeout},
		{"one answer", []vrrp.Answered{{Ticket: 7, By: vrrp.Receiver}}, 0, false, verifyTimeout},
		{"both", []vrrp.Answered{{Ticket: 7, By: vrrp.Receiver}, {Ticket: 9, By: vrrp.Confirmer}}, 0, true, 0},
		{"both, before it is due", []vrrp.Answered{{Ticket: 7, By: vrrp.Receiver}, {Ticket: 7, By: vrrp.Confirmer}}, -1, false, 0},
		{"an earlier ticket", []vrrp.Answered{{Ticket: 6, By: vrrp.Receiver}, {Ticket: 7, By: vrrp.Confirmer}}, 0, false, verifyTimeout},
	} {
		v := asked
		for _, a := range c.answers {
			v.answer(a.Ticket, a.By)
		}
		if got := v.over(zero, zero.Add(c.at)); got != c.over {
			t.Errorf("%s: over %v", c.name, got)
		}
		if got := v.deadline(zero, lead, zero).Sub(zero); got != c.deadline {
			t.Errorf("%s: deadline %v, want %v", c.name, got, c.deadline)
		}
		if later := zero.Add(time.Second); v.over(later, later) || !v.deadline(later, lead, zero).Equal(later.Add(-lead)) {
			t.Errorf("%s: it counts for another takeover", c.name)
		}
	}
	if got := asked.late(zero, zero.Add(verifyTimeout+3)); got != 3 {
		t.Errorf("late by %v, the wait for the verifiers included", got)
	}
	var none verification
	if none.answer(0, vrrp.Receiver); none.receiver || none.late(zero, zero.Add(3)) != 3 {
		t.Errorf("the zero value counts as a question: %+v", none)
	}
}

// TestRecovery checks that the first packet after the return proves that the segment forwards,
// enough adverts of one Active end the recovery, and the stations are asked until there is
// proof.
func TestRecovery(t *testing.T) {
	down := zero.Add(3 * time.Second)
	r := newRecovery(zero, 20*time.Second, 50*time.Millisecond)
	if r.prove(zero.Add(-1)) || !r.over(down).Equal(zero.Add(20*time.Second)) {
		t.Errorf("without proof it is over after %v", r.over(down).Sub(zero))
	}
	var asked []time.Duration
	for at := time.Duration(0); at < 2*time.Second; at += 10 * time.Millisecond {
		if r.asks(zero.Add(at)) {
			asked = append(asked, at/time.Millisecond)
		}
	}
	if want := []time.Duration{0, 50, 150, 350, 750, 1250, 1750}; !slices.Equal(asked, want) {
		t.Errorf("asked after %v ms, want %v", asked, want)
	}
	if !r.prove(zero) || r.prove(zero) || !r.over(down).Equal(down) || r.asks(zero.Add(time.Hour)) {
		t.Errorf("with proof: %+v", r)
	}
	if r.count(one, zero.Add(-1), 1) || r.count(one, zero, 2) || r.count(two, zero, 2) || r.count(one, zero, 2) || !r.count(one, zero, 2) {
		t.Errorf("adverts are miscounted: %+v", r)
	}
	if end := zero.Add(20 * time.Second); !r.over(end.Add(1)).Equal(end) {
		t.Error("the recovery lasts longer than its limit")
	}
}

// TestRecoveryInStatus checks that the recovery of a returned link appears in the status with the
// instant at which it ends at the latest.
func TestRecoveryInStatus(t *testing.T) {
	now := zero
	m := New(vrrp.Group{Members: []vrrp.Instance{{
		Virtual:  event.Virtual{Name: "inside", Interface: "eth0", VRID: 51, Family: event.IPv4},
		Priority: 150, Interval: time.Second, Miss: 3, Recovery: vrrp.Recovery{Adverts: 2, Wait: 35 * time.Second},
	}}}, &Tickets{}, now)
	m.Step(now, vrrp.LinkSeen{Link: event.Link{Name: "eth0", Index: 2, Seq: 1, Usable: true, Primary4: ours4}})
	m.Step(now, vrrp.Start{})
	m.Step(now, vrrp.LinkSeen{Link: event.Link{Name: "eth0", Index: 2, Seq: 2, Primary4: ours4}})
	now = now.Add(time.Minute)
	m.Step(now, vrrp.LinkSeen{Link: event.Link{Name: "eth0", Index: 2, Seq: 3, Usable: true, Primary4: ours4}})
	want := []vrrp.FaultStatus{{Source: "eth0", Reason: event.Recovery, Since: now, Until: now.Add(35 * time.Second)}}
	if got := m.Status(now).Members[0].Faults; !slices.Equal(got, want) {
		t.Errorf("the faults are %+v, want %+v", got, want)
	}
}

// TestPairs checks that a pair of senders is recognized in either order, for an hour, until both
// resign together.
func TestPairs(t *testing.T) {
	a, b := &member{index: 0}, &member{index: 1}
	key := pairOf(a, one, b, two)
	if key != pairOf(b, two, a, one) || key == pairOf(a, two, b, one) {
		t.Errorf("%+v", key)
	}
	var p pairs
	if p.has(key, zero) || p.remove(key) {
		t.Error("known as different before any advert was heard")
	}
	p.add(key, zero)
	if !p.has(key, zero.Add(distinctFor-1)) || !p.remove(key) || p.has(key, zero) {
		t.Error("a pair is forgotten too early, or not by remove")
	}
	p.add(key, zero)
	if p.has(key, zero.Add(distinctFor)) || len(p) != 0 {
		t.Error("a pair is not forgotten")
	}
}

// TestFaults checks that a fault keeps its beginning while its text changes, and that the map is
// dropped with the last fault.
func TestFaults(t *testing.T) {
	var l faults
	key := faultKey{"eth0", event.InterfaceDown}
	if !l.add(key, "first", zero) || l.add(key, "second", zero.Add(1)) {
		t.Error("add reports an existing fault as new, or a new one as existing")
	}
	if got := l[key]; !got.since.Equal(zero) || got.err != "second" {
		t.Errorf("%+v", got)
	}
	l.remove(faultKey{"eth1", event.InterfaceDown})
	if !l.has(key) {
		t.Error("another fault was removed")
	}
	if l.remove(key); l != nil || l.has(key) {
		t.Errorf("%+v", l)
	}
}

// TestHoldOff checks that each failure doubles the hold-off, unless nothing was missing for a
// long time.
func TestHoldOff(t *testing.T) {
	var i impairment
	now := zero
	fail := func(lacking bool) time.Duration {
		i.fail(now, lacking)
		i.fail(now, true) // more is missing during the same time as Active
		return i.wait
	}
	for n, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		if got := fail(n > 0); got != want*time.Second {
			t.Errorf("hold-off %d is %v, want %v s", n, got, want)
		}
		i.enter(false)
	}
	i.end(now)
	now = now.Add(maxHoldOff)
	if got := fail(false); got != maxHoldOff {
		t.Errorf("nothing was missing for 5 min: %v", got)
	}
	i.end(now)
	now = now.Add(maxHoldOff + 1)
	if got := fail(false); got != minHoldOff {
		t.Errorf("nothing was missing for longer: %v", got)
	}
}

// TestMayYield checks that the fault address-lost may be raised once, until an Active is heard
// that serves: one that is not impaired, or that goes on.
func TestMayYield(t *testing.T) {
	var i impairment
	if !i.mayYield() || i.mayYield() {
		t.Fatal("the fault may be raised never, or twice")
	}
	h := &vrrp.Heard{Cause: event.Cause{At: zero.Add(servesAfter)}, Priority: vrrp.Impaired}
	i.hear(h, zero, vrrp.Impaired)
	i.hear(h, time.Time{}, vrrp.Impaired)
	if i.mayYield() {
		t.Error("the fault may be raised again after an impaired Active that may hold nothing")
	}
	i.hear(h, zero.Add(-1), vrrp.Impaired)
	if !i.mayYield() {
		t.Error("the fault may not be raised again after an impaired Active that goes on")
	}
	h.Priority = vrrp.Impaired + 1
	i.hear(h, zero, vrrp.Impaired)
	if !i.mayYield() {
		t.Error("the fault may not be raised again after a healthy Active")
	}
}

// TestShortfall checks that a change of the missing objects is reported as such, that a hold-off
// ends at its instant, and that a member without a shortfall has no hold-off.
func TestShortfall(t *testing.T) {
	var none *shortfall
	none.holdOff(zero)
	if none.over(zero) || none.names() != nil {
		t.Error("there is a shortfall")
	}
	l := &shortfall{}
	in := vrrp.Placed{Missing: []string{"x"}, Degree: vrrp.Partial}
	if !l.note(in) || l.note(in) || l.degree != vrrp.Partial || !slices.Equal(l.names(), in.Missing) {
		t.Errorf("%+v", l)
	}
	if l.over(zero) {
		t.Error("a hold-off is over although the member is Active")
	}
	l.holdOff(zero)
	if l.over(zero.Add(-1)) || !l.over(zero) {
		t.Error("the hold-off is not over exactly at its end")
	}
	in.Refused = true
	l.note(in)
	if l.holdOff(zero); l.over(zero.Add(time.Hour)) {
		t.Error("objects that the kernel rejects are tried again")
	}
}

// TestReported checks that a shortfall is reported at most once in 10 s, and that its end is
// reported if its beginning was.
func TestReported(t *testing.T) {
	var r reported
	if r.due(false, zero) || !r.due(true, zero) || r.due(true, zero.Add(minHoldOff-1)) || !r.due(true, zero.Add(minHoldOff)) {
		t.Errorf("%+v", r)
	}
	if !r.due(false, zero) || r.due(false, zero) {
		t.Error("the end is reported never, or twice")
	}
}

// TestAlone checks that a member waits to serve alone until it does, and that the wait is only
// ever extended.
func TestAlone(t *testing.T) {
	a := alone{from: zero}
	if a.postpone(zero.Add(-1)); !a.from.Equal(zero) {
		t.Errorf("shortened to %v", a.from)
	}
	if a.postpone(zero.Add(1)); !a.from.Equal(zero.Add(1)) || !a.waits() {
		t.Errorf("postponed to %v, waits: %v", a.from, a.waits())
	}
	if a.serves = true; a.waits() || (&alone{}).waits() {
		t.Error("it waits although it serves already, or may not serve")
	}
}

// TestTakeoverReason checks that a resignation takes precedence over a lower-priority Active, that
// over a dead machine, and that over the silence that ends last.
func TestTakeoverReason(t *testing.T) {
	lower := func(m *member) {
		m.others.Hear(&vrrp.Heard{Cause: event.Cause{At: zero}, Source: one, Priority: 50, Interval: time.Second}, m.timing())
	}
	for _, c := range []struct {
		name   string
		change func(first, last *member)
		last   bool // whether the last member carries it
		want   event.Reason
	}{
		{"silence", func(first, last *member) {}, true, event.ActiveTimeout},
		{"a lower Active", func(first, last *member) { lower(first) }, false, event.LowerPriorityActive},
		{"a lower Active, after the delay", func(first, last *member) { lower(first); first.delayed = true }, false, event.PreemptHoldTimeout},
		{"a lower Active, for an owner", func(first, last *member) { lower(first); first.Priority = vrrp.Owner }, false, event.OwnerPreempt},
		{"a dead machine", func(first, last *member) { first.dead = &event.Cause{} }, false, event.PeerDead},
		{"a lower Active and a dead machine", func(first, last *member) { lower(first); last.dead = &event.Cause{} }, false, event.LowerPriorityActive},
		{"a resignation", func(first, last *member) { lower(first); last.resigned = &resignation{} }, true, event.PeerResigned},
	} {
		var l members
		for i := range 2 {
			m := newMember(&vrrp.Instance{Priority: 100, Interval: time.Second, Miss: 3, Preempt: true}, i, vrrp.Impaired)
			m.downAt = zero.Add(time.Duration(i))
			l = append(l, m)
		}
		c.change(l[0], l[1])
		if m, got := l.takeover(zero); got != c.want || (m == l[1]) != c.last {
			t.Errorf("%s: %s of member %d", c.name, got, m.index)
		}
	}
}
