package addr

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
)

var (
	epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	vip4  = netip.MustParsePrefix("192.0.2.1/24")
	vip6  = netip.MustParsePrefix("2001:db8::1/64")
)

const eth0 = 7

func at(d time.Duration) time.Time { return epoch.Add(d) }

func testSets() []Set {
	return []Set{
		{Instance: "a", Interval: time.Second, Miss: 3, Addresses: []Address{{Prefix: vip4, Interface: "eth0"}}},
		{Instance: "b", Interval: time.Second, Miss: 3, Addresses: []Address{{Prefix: vip6, Interface: "eth0"}}},
		{Instance: "twin", Interval: time.Second, Miss: 3, Addresses: []Address{{Prefix: vip4, Interface: "eth0"}}},
	}
}

// scene is a ledger with a kernel that executes all requests.
type scene struct {
	*ledger
	kernel    []Standing
	now       time.Duration
	adds, rms []Op
	news
}

func newScene(standing ...Standing) *scene {
	s := &scene{ledger: newLedger(testSets()), kernel: standing}
	s.link(event.Link{Name: "eth0", Index: eth0, AdminUp: true, Usable: true})
	s.step(0)
	return s
}

// step lets the worker make a turn so much later, after a dump.
func (s *scene) step(later time.Duration) {
	s.now += later
	now := at(s.now)
	s.observe(s.kernel)
	s.news = s.settle(now)
	s.rms = s.removes(now, event.Cause{Trace: 99})
	for _, op := range s.rms {
		s.kernel = slices.DeleteFunc(s.kernel, func(k Standing) bool { return k.Index == op.Index && k.Prefix == op.Prefix })
	}
	s.removed(s.rms)
	s.adds, _ = s.ledger.adds(now)
	for _, op := range s.adds {
		s.kernel = append(s.kernel, Standing{op.Index, op.Prefix, true})
	}
	s.added(s.adds)
	more := s.settle(now)
	s.moved = append(s.moved, more.moved...)
}

func (s *scene) order(kind Kind, names ...string) {
	for _, name := range names {
		if kind == Hold {
			s.hold(at(s.now), event.Cause{Trace: 1}, name)
		} else {
			s.release(at(s.now), event.Cause{Trace: 2}, name)
		}
	}
	s.step(time.Millisecond)
}

// somebodyRemoves removes an address from the kernel.
func (s *scene) somebodyRemoves(p netip.Prefix) {
	s.kernel = slices.DeleteFunc(s.kernel, func(k Standing) bool { return k.Prefix == p })
	if !s.fact(event.Address{Cause: event.Cause{Trace: 50}, Index: eth0, Prefix: p, Removals: 1}) {
		panic("the removal of a held address must ask for a dump")
	}
}

// told formats the operations and events of the last step.
func (s *scene) told() string {
	var words []string
	for _, op := range s.rms {
		words = append(words, "-"+op.Prefix.String())
	}
	for _, op := range s.adds {
		words = append(words, "+"+op.Prefix.String())
	}
	for _, m := range s.moved {
		words = append(words, strings.TrimPrefix(m.Name(), "address.")+":"+m.Instance)
	}
	for _, name := range s.ledger.order {
		if is, _ := missingAddresses(s.ledger, s.held[name]); len(is.missing) > 0 {
			words = append(words, "MISSING:"+name)
		}
	}
	return strings.Join(words, " ")
}

// TestLedger tests sentences of docs/architecture.md#ours, and what follows from them.
func TestLedger(t *testing.T) {
	theirs4 := Standing{eth0, vip4, false}
	other := netip.MustParsePrefix("192.0.2.9/24")
	cases := []struct {
		name     string
		standing []Standing
		act      func(s *scene)
		want     string
	}{
		{"what is held is added", nil,
			func(s *scene) { s.order(Hold, "a", "b") }, "+192.0.2.1/24 +2001:db8::1/64 added:a added:b"},
		{"what is released is removed", nil,
			func(s *scene) { s.order(Hold, "a", "b"); s.order(Release, "a", "b") }, "-2001:db8::1/64 -192.0.2.1/24 removed:a removed:b"},
		{"held twice: nothing", nil,
			func(s *scene) { s.order(Hold, "a"); s.order(Hold, "a") }, ""},
		{"released though not held: nothing", nil,
			func(s *scene) { s.order(Release, "a") }, ""},
		{"leftovers of a crashed run are found by the mark", []Standing{{eth0, vip4, true}, {3, other, true}, {eth0, other, false}},
			func(*scene) {}, "-192.0.2.9/24 -192.0.2.1/24 removed: removed:a"},
		{"one that stands there without it is used, never added", []Standing{theirs4},
			func(s *scene) { s.order(Hold, "a") }, "foreign:a"},
		{"nor with another prefix length", []Standing{{eth0, netip.MustParsePrefix("192.0.2.1/32"), false}},
			func(s *scene) { s.order(Hold, "a") }, "foreign:a"},
		{"never removed", []Standing{theirs4},
			func(s *scene) { s.order(Hold, "a"); s.order(Release, "a") }, ""},
		{"the same address on another link is no matter", []Standing{{3, vip4, false}},
			func(s *scene) { s.order(Hold, "a") }, "+192.0.2.1/24 added:a"},
		{"if they take theirs away, ours comes", []Standing{theirs4},
			func(s *scene) { s.order(Hold, "a"); s.somebodyRemoves(vip4); s.step(time.Second) }, "+192.0.2.1/24 restored:a"},
		{"one removed by someone else is put back", nil,
			func(s *scene) { s.order(Hold, "a"); s.somebodyRemoves(vip4); s.step(time.Second) }, "+192.0.2.1/24 restored:a"},
		{"however often it is removed: never missing while it is put back", nil,
			func(s *scene) {
				s.order(Hold, "a")
				for range 5 {
					s.somebodyRemoves(vip4)
					s.step(time.Second / 2)
				}
			}, "+192.0.2.1/24 restored:a"},
		{"but not told each time", nil,
			func(s *scene) {
				s.order(Hold, "a")
				for range 6 {
					s.somebodyRemoves(vip4)
					s.step(time.Second / 2)
				}
			}, "+192.0.2.1/24"},
		{"gone with its link: waits, and is no fault of somebody", nil,
			func(s *scene) {
				s.order(Hold, "b")
				s.somebodyRemoves(vip6)
				s.observe(s.kernel)
				for _, index := range s.doubtful(at(s.now)) {
					s.up(at(s.now), index, false)
				}
				s.step(time.Millisecond)
			}, ""},
		{"put back once the link is up again", nil,
			func(s *scene) {
				s.order(Hold, "b")
				for range 3 {
					s.somebodyRemoves(vip6)
					s.observe(s.kernel)
					s.up(at(s.now), eth0, false)
					s.step(time.Second / 2)
					s.observe(s.kernel)
					for _, index := range s.doubtful(at(s.now)) {
						s.up(at(s.now), index, true)
					}
					s.step(time.Millisecond)
				}
			}, "+2001:db8::1/64 restored:b"},
		{"gone as its link was down for a moment: no fault of somebody", nil,
			func(s *scene) {
				s.order(Hold, "b")
				for i := range 3 {
					s.somebodyRemoves(vip6)
					s.link(event.Link{Seq: uint64(i), Name: "eth0", Index: eth0, AdminUp: true, Downs: 1})
					s.step(time.Second)
				}
			}, "+2001:db8::1/64 restored:b"},
		{"no such link: told at once", nil,
			func(s *scene) { s.link(event.Link{Name: "eth0"}); s.order(Hold, "a") }, "failed:a"},
		{"not in place just before 1 s: not missing", nil,
			func(s *scene) {
				s.link(event.Link{Name: "eth0"})
				s.order(Hold, "a")
				s.step(time.Second - time.Millisecond - 1)
			}, ""},
		{"not in place 1 s after it was ordered: missing", nil,
			func(s *scene) {
				s.link(event.Link{Name: "eth0"})
				s.order(Hold, "a")
				s.step(time.Second - time.Millisecond)
			}, "MISSING:a"},
		{"and later", nil,
			func(s *scene) {
				s.link(event.Link{Name: "eth0"})
				s.order(Hold, "a")
				s.step(time.Second)
				s.step(time.Second)
			}, "MISSING:a"},
		{"added when the link appears", nil,
			func(s *scene) {
				s.link(event.Link{Name: "eth0"})
				s.order(Hold, "a")
				s.link(event.Link{Name: "eth0", Index: 8, AdminUp: true})
				s.step(time.Millisecond)
			}, "+192.0.2.1/24 added:a"},
		{"held by two: stays while one holds it", nil,
			func(s *scene) { s.order(Hold, "a", "twin"); s.order(Release, "a") }, ""},
		{"held by two: goes with the last", nil,
			func(s *scene) { s.order(Hold, "a", "twin"); s.order(Release, "a"); s.order(Release, "twin") }, "-192.0.2.1/24 removed:twin"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(c.standing...)
			c.act(s)
			if got := s.told(); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestLedgerCauses(t *testing.T) {
	s := newScene()
	s.order(Hold, "a")
	if got := s.moved[0]; got.Cause.Trace != 1 || got.Took != time.Millisecond {
		t.Errorf("added: cause %v, took %v; want the order's cause, 1ms", got.Cause, got.Took)
	}
	s.somebodyRemoves(vip4)
	s.step(time.Second)
	if got := s.moved[0]; got.Cause.Trace != 50 {
		t.Errorf("restored: cause %v, want that of the fact", got.Cause)
	}
	s.order(Release, "a")
	if got := s.moved[0]; got.Cause.Trace != 2 {
		t.Errorf("removed: cause %v, want the order's", got.Cause)
	}
}

func TestLedgerFactsThatAgreeCostNothing(t *testing.T) {
	s := newScene()
	s.order(Hold, "a")
	facts := []struct {
		fact event.Address
		want bool
	}{
		{event.Address{Index: eth0, Prefix: vip4, Present: true, Marked: true}, false},
		{event.Address{Index: eth0, Prefix: vip4, Present: true}, true},
		{event.Address{Index: eth0, Prefix: vip4}, true},
		{event.Address{Index: eth0, Prefix: netip.MustParsePrefix("203.0.113.5/24"), Present: true}, false},
		{event.Address{Index: eth0, Prefix: vip6}, false},
	}
	for _, f := range facts {
		if got := s.fact(f.fact); got != f.want {
			t.Errorf("%+v: dump %v, want %v", f.fact, got, f.want)
		}
	}
}

func TestLedgerRefusals(t *testing.T) {
	s := newScene()
	s.hold(at(0), event.Cause{Trace: 1}, "a")
	ops, _ := s.ledger.adds(at(0))
	refuse := func(when time.Duration) news { return s.fail(at(when), ops, errors.New("no room")) }
	if n := refuse(0); len(n.moved) != 1 || n.moved[0].Kind != event.AddressFailed {
		t.Fatalf("the first refusal: %+v", n.moved)
	}
	if n := refuse(retryEvery); len(n.moved) != 0 {
		t.Errorf("the same refusal was reported twice: %+v", n.moved)
	}
	if ops, _ := s.ledger.adds(at(retryEvery - 1)); len(ops) != 0 {
		t.Errorf("tried again too early")
	}
	if due, ok := s.deadline(); !ok || due != at(retryEvery) {
		t.Errorf("deadline %v %v, want the next attempt", due, ok)
	}
	if ops, _ := s.ledger.adds(at(retryEvery)); len(ops) != 1 {
		t.Errorf("not tried again")
	}
	s.settle(at(inPlaceWithin))
	if is, settled := missingAddresses(s.ledger, s.held["a"]); len(is.missing) != 1 || !settled || !strings.Contains(is.missing[0], "no room") {
		t.Errorf("missing: %+v, want the text of the refusal", is)
	}
}
