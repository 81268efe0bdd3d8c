package machine

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// TestMachineProperties gives a group random facts at random instants, and checks the invariants
// after each of them.
func TestMachineProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"time":     w.passTime,
			"deadline": w.toDeadline,
			"tick":     func(t *rapid.T) { w.step(t, vrrp.Tick{Cause: w.cause(0)}) },
			"heard":    w.hear,
			"link":     w.changeLink,
			"answer":   w.answer,
			"stalled":  func(t *rapid.T) { w.step(t, vrrp.Stalled{Cause: w.cause(0), Instance: w.instance(t), Gap: w.gap(t)}) },
			"slept":    func(t *rapid.T) { w.step(t, vrrp.Slept{Cause: w.cause(0), Gap: w.gap(t)}) },
			"lease": func(t *rapid.T) {
				resigned := rapid.Bool().Draw(t, "resigned")
				w.step(t, vrrp.LeaseLost{Cause: w.cause(0), Instance: w.instance(t), Gap: w.gap(t), Resigned: resigned})
			},
			"sends": func(t *rapid.T) {
				w.step(t, vrrp.Sends{Cause: w.cause(0), Instance: w.instance(t), InRow: rapid.IntRange(0, 5).Draw(t, "row")})
			},
			"probed": func(t *rapid.T) {
				refused := rapid.SampledFrom([][]netip.Addr{nil, {wire.Group4}}).Draw(t, "refused")
				w.step(t, vrrp.Probed{Cause: w.cause(0), Instance: w.instance(t), Refused: refused})
			},
			"condition": func(t *rapid.T) {
				reason := rapid.SampledFrom(event.Conditions[:]).Draw(t, "reason")
				w.step(t, vrrp.Condition{Cause: w.cause(0), Instance: w.instance(t), Reason: reason, Err: "", On: rapid.Bool().Draw(t, "on")})
			},
			"rejoined": func(t *rapid.T) { w.step(t, vrrp.Rejoined{Cause: w.cause(0), Instance: w.instance(t)}) },
			"placed": func(t *rapid.T) {
				missing := rapid.SampledFrom([][]string{nil, {"x"}, {"x", "y"}}).Draw(t, "missing")
				w.step(t, vrrp.Placed{Cause: w.cause(0), Instance: w.instance(t), Missing: missing, Degree: vrrp.Degree(rapid.IntRange(0, 2).Draw(t, "degree")), Refused: rapid.Bool().Draw(t, "refused")})
			},
			"forwards": func(t *rapid.T) {
				w.step(t, vrrp.Forwards{Cause: w.cause(0), Interface: rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(t, "link")})
			},
			"watched": w.watched,
			"start":   func(t *rapid.T) { w.step(t, vrrp.Start{Cause: w.cause(0)}) },
			"stop":    func(t *rapid.T) { w.step(t, vrrp.Stop{Cause: w.cause(0)}) },
		})
		w.mustServe(t)
	})
}

// world is a machine, a second one that receives the same inputs, and the knowledge of an
// observer of both.
type world struct {
	m, twin *Machine
	now     time.Time
	traces  *event.Minter
	links   map[string]event.Link
	seq     uint64
	asked   uint64
	started bool
	ticked  bool            // the present tick follows another one at the same instant
	opens   time.Time       // the end of the startup_delay
	held    map[string]bool // by instance
	// confirming is set while the first adverts are not known to have left.
	confirming bool
	sending    map[string]bool
	armed      map[string]time.Time
	watching   map[string]netip.Addr   // by instance
	summarized map[string]bool         // by instance
	silent     map[string]vrrp.Watched // by instance: the last report, if no advert arrived since
}

func newWorld(t *rapid.T) *world {
	interval := rapid.SampledFrom([]time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second})
	group := vrrp.Group{Name: "edge", LastStanding: rapid.Bool().Draw(t, "last standing")}
	priority := rapid.SampledFrom([]uint8{1, 100, 254, vrrp.Owner}).Draw(t, "priority")
	preempt := rapid.Bool().Draw(t, "preempt")
	recovery := vrrp.Recovery{Adverts: rapid.IntRange(1, 3).Draw(t, "recovery adverts"), Wait: rapid.SampledFrom([]time.Duration{
		0, 50 * time.Millisecond, 20 * time.Second}).Draw(t, "recovery wait")}
	delays := []time.Duration{0, 0, 2 * time.Second, 20 * time.Second}
	watching := vrrp.Watching{Interval: rapid.SampledFrom([]time.Duration{0, 50 * time.Millisecond}).Draw(t, "probe"), Miss: 3}
	routers := rapid.SampledFrom([]int{0, 2}).Draw(t, "routers")
	preemptDelay := rapid.SampledFrom(delays).Draw(t, "preempt delay")
	startupDelay := rapid.SampledFrom(delays).Draw(t, "startup delay")
	for _, v := range []event.Virtual{
		{Name: "four", Interface: "eth0", VRID: 51, Family: event.IPv4},
		{Name: "six", Interface: "eth0", VRID: 51, Family: event.IPv6},
		{Name: "outside", Interface: "eth1", VRID: 52, Family: event.IPv4},
	} {
		group.Members = append(group.Members, vrrp.Instance{
			Virtual: v, Priority: priority, Preempt: preempt, AutoChecksum: true, Recovery: recovery,
			PreemptDelay: preemptDelay, StartupDelay: startupDelay, Watching: watching, Routers: routers,
			Version:  rapid.SampledFrom([]wire.Version{wire.V3, wire.V3, wire.V2}).Draw(t, "version"),
			Interval: interval.Draw(t, "interval"), Miss: rapid.IntRange(1, 4).Draw(t, "miss"),
		})
	}
	w := &world{
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), traces: event.NewMinter(0),
		links:   map[string]event.Link{"eth0": {Name: "eth0"}, "eth1": {Name: "eth1"}},
		sending: make(map[string]bool), held: make(map[string]bool), armed: make(map[string]time.Time),
		watching: make(map[string]netip.Addr), summarized: make(map[string]bool), silent: make(map[string]vrrp.Watched),
	}
	w.m = New(group, &Tickets{}, w.now)
	w.twin = New(group, &Tickets{}, w.now)
	if rapid.Bool().Draw(t, "booted") {
		w.boot(t)
	}
	return w
}

func (w *world) cause(age time.Duration) event.Cause { return w.traces.Cause(w.now.Add(-age)) }

func (w *world) instance(t *rapid.T) string {
	return rapid.SampledFrom([]string{"four", "six", "outside", "elsewhere"}).Draw(t, "instance")
}

func (w *world) gap(t *rapid.T) time.Duration {
	return time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "gap"))
}

func (w *world) passTime(t *rapid.T) {
	most := rapid.SampledFrom([]time.Duration{time.Millisecond, 100 * time.Millisecond, 5 * time.Second, time.Hour}).Draw(t, "most")
	w.now = w.now.Add(time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, "passed")))
}

// toDeadline advances the time to the machine's deadline, or nearly so.
func (w *world) toDeadline(t *rapid.T) {
	at, ok := w.m.Deadline()
	if !ok {
		t.Skip("there is no deadline")
	}
	if early := rapid.Bool().Draw(t, "early"); early {
		at = at.Add(-1)
	}
	if at.After(w.now) {
		w.now = at
	}
	w.step(t, vrrp.Tick{Cause: w.cause(0)})
}

func (w *world) hear(t *rapid.T) {
	sources := []string{"192.0.2.1", "192.0.2.9"}
	instance := w.instance(t)
	if instance == "six" {
		sources = []string{"fe80::1", "fe80::9"}
	}
	age := time.Duration(rapid.SampledFrom([]int64{0, 0, 0, int64(time.Millisecond), int64(time.Second)}).Draw(t, "age"))
	w.step(t, vrrp.Heard{
		Cause: w.cause(age), Instance: instance,
		Source:   netip.MustParseAddr(rapid.SampledFrom(sources).Draw(t, "source")),
		Version:  rapid.SampledFrom([]wire.Version{wire.V3, wire.V3, wire.V2}).Draw(t, "their version"),
		Priority: rapid.SampledFrom([]uint8{0, 0, 1, 50, 100, 200, 255}).Draw(t, "their priority"),
		Interval: rapid.SampledFrom([]time.Duration{10 * time.Millisecond, time.Second, 5 * time.Second}).Draw(t, "their interval"),
		Checksum: rapid.SampledFrom([]checksumForm{0, 1}).Draw(t, "checksum"),
	})
}

// watched reports the liveness of the Active that an instance watches, or of another Active.
func (w *world) watched(t *rapid.T) {
	in := vrrp.Watched{
		Cause: w.cause(0), Instance: w.instance(t), Liveness: vrrp.Liveness(rapid.IntRange(0, 3).Draw(t, "liveness")),
		OtherStations: vrrp.OtherStations(rapid.IntRange(0, 2).Draw(t, "others")), Since: w.now.Add(-time.Duration(rapid.IntRange(0, 300).Draw(t, "silent")) * time.Millisecond),
	}
	if in.Active = w.watching[in.Instance]; rapid.IntRange(0, 9).Draw(t, "stranger") == 0 {
		in.Active = netip.MustParseAddr("192.0.2.77")
	}
	if delete(w.silent, in.Instance); in.Liveness == vrrp.Silent && in.Active.IsValid() && in.Active == w.watching[in.Instance] {
		w.silent[in.Instance] = in
	}
	w.step(t, in)
}

func (w *world) changeLink(t *rapid.T) {
	name := rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(t, "link")
	w.seq++
	link := event.Link{Name: name, Seq: w.seq, Cause: w.cause(0), Index: rapid.IntRange(2, 3).Draw(t, "index")}
	link.Usable = rapid.IntRange(0, 2).Draw(t, "usable") > 0
	link.Downs = rapid.IntRange(0, 1).Draw(t, "downs")
	link.Primary4 = rapid.SampledFrom([]netip.Addr{{}, ours4, ours4, ours4.Next()}).Draw(t, "address")
	link.LinkLocal6 = rapid.SampledFrom([]netip.Addr{{}, ours6, ours6, ours6.Next()}).Draw(t, "link-local")
	w.links[name] = link
	w.step(t, vrrp.LinkSeen{Link: link})
}

func (w *world) answer(t *rapid.T) {
	back := rapid.Uint64Range(0, min(w.asked, 1)).Draw(t, "back")
	w.step(t, vrrp.Answered{Ticket: w.asked - back, By: rapid.SampledFrom([]vrrp.Verifier{vrrp.Receiver, vrrp.Confirmer}).Draw(t, "by")})
}

var ours4, ours6 = netip.MustParseAddr("192.0.2.5"), netip.MustParseAddr("fe80::5")

func (w *world) boot(t *rapid.T) {
	for _, name := range []string{"eth0", "eth1"} {
		w.seq++
		w.links[name] = event.Link{Name: name, Seq: w.seq, Index: 2, Usable: true, Primary4: ours4, LinkLocal6: ours6}
		w.step(t, vrrp.LinkSeen{Link: w.links[name]})
	}
	w.step(t, vrrp.Start{Cause: w.cause(0)})
}

// step gives an input to both machines, and checks the effects.
func (w *world) step(t *rapid.T, in vrrp.Input) {
	before := w.m.State()
	effects := w.m.Step(w.now, in)
	if again := w.twin.Step(w.now, in); !reflect.DeepEqual(effects, again) {
		t.Fatalf("%#v: the same facts had different effects:\n%#v\n%#v", in, effects, again)
	}
	switch in := in.(type) {
	case vrrp.Heard:
		if s := w.silent[in.Instance]; in.Source == s.Active && !in.Cause.At.Before(s.Since) {
			delete(w.silent, in.Instance)
		}
	case vrrp.Start:
		if !w.started {
			w.opens = w.now.Add(w.m.Config().Members[0].StartupDelay)
		}
		w.started = true
	case vrrp.Stop:
		w.started = false
	case vrrp.Tick:
		// A tick may change an instant for which another one prepares, such as that of a takeover
		// whose verifiers have yet to be asked, but the next tick must leave nothing to do.
		if at, ok := w.m.Deadline(); ok && !at.After(w.now) && !w.ticked {
			w.ticked = true
			w.step(t, vrrp.Tick{Cause: w.cause(0)})
			w.ticked = false
		} else if ok && !at.After(w.now) {
			t.Fatalf("two ticks at %v leave a deadline of %v: busy loop", w.now, at)
		}
	}
	w.checkState(t)
	w.checkEffects(t, effects)
	w.checkArmed(t, in)
	w.checkMove(t, before, effects, in)
}

// mustServe checks that a group whose links work, that hears no Active and has no condition takes
// over in the end, whatever happened before, even if its verifiers do not answer.
func (w *world) mustServe(t *rapid.T) {
	w.boot(t)
	for _, m := range w.m.Config().Members {
		for _, reason := range event.Conditions {
			w.step(t, vrrp.Condition{Cause: w.cause(0), Instance: m.Name, Reason: reason})
		}
	}
	for end := w.now.Add(time.Minute); w.now.Before(end); {
		at, ok := w.m.Deadline()
		if !ok {
			break
		}
		if at.After(w.now) {
			w.now = at
		}
		w.step(t, vrrp.Tick{Cause: w.cause(0)})
	}
	if w.m.State() != event.Active {
		t.Fatalf("no other router serves, but the group is %v: %+v", w.m.State(), w.m.Status(w.now))
	}
}
