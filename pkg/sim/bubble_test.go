package sim

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/send"
	"ripcord/pkg/advert/send/sendtest"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/router"
	"ripcord/pkg/router/routertest"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// The tests of this file run the parts that the simulator does without, with their goroutines: bus,
// Router and Engine, in virtual time on a simulated LAN.

// flight is the time that a frame takes on the wire.
const flight = 100 * time.Microsecond

// bubble is a LAN of real routers with one segment per interface name.
type bubble struct {
	t       *testing.T
	routers []*living

	mu   sync.Mutex
	seen []seen // the frames sent, in order
}

// seen is a frame that a router sent.
type seen struct {
	at       time.Time
	router   string
	instance string
	priority uint8
}

// living is a router with its goroutines.
type living struct {
	lan       *bubble
	name      string
	host      byte
	groups    []vrrp.Group
	addresses *routertest.Journal
	router    *router.Router

	links   *bus.Retained[string, event.Link]
	heard   bus.Topic[vrrp.Heard]
	results bus.Topic[vrrp.Result]
	events  bus.Topic[event.Event]
	minter  *event.Minter

	mu   sync.Mutex
	dead bool            // it sends nothing any more
	out  map[string]bool // unplugged cables
	seq  uint64
	ends []func()
}

// power creates and starts a router with its cables plugged in.
func (b *bubble) power(host byte, groups []vrrp.Group) *living {
	r := &living{
		lan: b, name: fmt.Sprintf("r%d", host), host: host, groups: groups, addresses: &routertest.Journal{},
		links: bus.NewRetained[string, event.Link](), minter: event.NewMinter(0), out: make(map[string]bool),
	}
	b.routers = append(b.routers, r)
	counters := make(stats.Map)
	for _, m := range groups[0].Members {
		counters[m.Name] = new(stats.Counters)
		r.publishLink(m.Interface)
	}
	lease := lease.New(time.Now())
	engine := send.New(send.Config{
		Stats: counters, Lease: lease, Sender: r, Waiter: sendtest.NewWaiter(),
		Results: &r.results, Events: &r.events, Minter: r.minter, Now: time.Now,
	})
	r.router = router.New(router.Config{
		Groups: groups, Stats: counters, Links: r.links, Heard: &r.heard, Results: &r.results, Events: &r.events,
		Engine: engine, Addresses: routertest.Addresses{Journal: r.addresses},
		Receiver:  routertest.Receiver{Results: &r.results},
		Confirmer: routertest.Confirmer{Journal: new(routertest.Journal), Results: &r.results},
		Lease:     lease, Minter: r.minter, Alarm: routertest.NewAlarm(), Now: time.Now,
	})
	r.start(engine.Run)
	r.start(r.router.Run)
	return r
}

// start starts a part of the router. stop ends the parts in the reverse order of their start.
func (r *living) start(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	r.ends = append(r.ends, func() {
		cancel()
		if err := <-done; err != nil {
			r.lan.t.Error(err)
		}
	})
}

func (r *living) stop() {
	for i := len(r.ends) - 1; i >= 0; i-- {
		r.ends[i]()
	}
	r.ends = nil
}

// kill ends a router without a last advert.
func (r *living) kill() {
	r.mu.Lock()
	r.dead = true
	r.mu.Unlock()
	r.stop()
}

// pull unplugs a cable, and reports that to the router at once.
func (r *living) pull(iface string) {
	r.mu.Lock()
	r.out[iface] = true
	r.mu.Unlock()
	r.publishLink(iface)
}

func (r *living) publishLink(iface string) {
	r.mu.Lock()
	r.seq++
	l := event.Link{
		Cause: r.minter.Cause(time.Now()), Seq: r.seq, Name: iface, Index: 1, Usable: !r.out[iface], AdminUp: true,
		Primary4: netip.AddrFrom4([4]byte{192, 0, 2, r.host}),
	}
	r.mu.Unlock()
	if !l.Usable {
		l.Downs = 1
	}
	r.links.Publish(l)
}

func (r *living) plugged(iface string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.dead && !r.out[iface]
}

// Open implements send.Sender.
func (r *living) Open(string, *advert.Frames) {}

// Send implements send.Sender: the switch delivers to all other routers.
func (r *living) Send(batch []advert.Message) {
	for i := range batch {
		m := &batch[i]
		m.Err = nil
		in := r.instance(m.Instance)
		if !r.plugged(in.Interface) {
			continue // the kernel accepts the frame, but the cable is unplugged
		}
		var a wire.Advert
		if err := a.Decode(m.Payload, wire.Path{Source: m.Source, Dest: wire.GroupOf(in.Family), HopLimit: wire.HopLimit}); err != nil {
			r.lan.t.Errorf("%s sent an invalid advert: %v", r.name, err)
			continue
		}
		r.lan.mu.Lock()
		r.lan.seen = append(r.lan.seen, seen{time.Now(), r.name, m.Instance, a.Priority})
		r.lan.mu.Unlock()
		source := m.Source // the engine reuses the message when Send returns
		for _, to := range r.lan.routers {
			if to != r {
				time.AfterFunc(flight, func() { to.receive(in, source, a) })
			}
		}
	}
}

func (r *living) receive(in *vrrp.Instance, source netip.Addr, a wire.Advert) {
	if r.plugged(in.Interface) {
		r.heard.Publish(vrrp.Heard{
			Cause: r.minter.Cause(time.Now()), Instance: in.Name, Source: source,
			Priority: a.Priority, Interval: a.Interval, Checksum: a.Checksum,
		})
	}
}

func (r *living) instance(name string) *vrrp.Instance {
	for i := range r.groups[0].Members {
		if m := &r.groups[0].Members[i]; m.Name == name {
			return m
		}
	}
	panic("no such instance")
}

func (r *living) state() event.State { return r.router.Groups()[0].State }

// sent returns the frames that a router sent since the last call of forget.
func (b *bubble) sent(router string) (frames []seen) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.seen {
		if s.router == router {
			frames = append(frames, s)
		}
	}
	return frames
}

func (b *bubble) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = nil
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestFailoverInVirtualTime checks two faults of the Active. When one of its cables is pulled it
// resigns on the other member in the same instant, and the best Backup has both members after its
// Skew_Time. When it is killed the best Backup has them exactly one Active_Down_Interval after
// the last advert.
func TestFailoverInVirtualTime(t *testing.T) {
	const interval = 100 * time.Millisecond
	tests := []struct {
		name       string
		priorities []uint8 // of the Active, of its successor, of others
		pull       string  // the cable to pull; empty: the Active is killed
		resigned   string  // the segment on which priority 0 is sent
	}{
		{"inside pulled", []uint8{150, 100}, "eth0", "outside"},
		{"outside pulled", []uint8{150, 100}, "eth1", "inside"},
		{"pulled, three routers", []uint8{150, 120, 100}, "eth0", "outside"},
		{"killed", []uint8{150, 100}, "", ""},
		{"killed, three routers", []uint8{150, 120, 100}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bubble{t: t}
				for i, p := range tt.priorities {
					b.power(byte(20-i), edge(p, interval))
				}
				first, second := b.routers[0], b.routers[1]
				pass(time.Second)
				if first.state() != event.Active || second.state() != event.Backup {
					t.Fatalf("after a second the routers are %v and %v", first.state(), second.state())
				}
				second.addresses.Take()
				last := b.sent(first.name)
				b.forget()

				// The instant at which the wait of the successor begins, and its length.
				begin, wait := time.Now().Add(flight), vrrp.SkewTime(tt.priorities[1], interval)
				if tt.pull != "" {
					now := time.Now()
					first.pull(tt.pull)
					synctest.Wait()
					if got, want := b.sent(first.name), (seen{now, first.name, tt.resigned, 0}); len(got) != 1 || got[0] != want {
						t.Errorf("the Active sent %v, want exactly %v", got, want)
					}
				} else {
					begin = last[len(last)-1].at.Add(flight)
					wait = vrrp.ActiveDownInterval(tt.priorities[1], interval, 3)
					first.kill()
				}
				end := begin.Add(wait)
				pass(time.Until(end) - 1)
				if got := b.sent(second.name); len(got) > 0 {
					t.Errorf("a nanosecond before the takeover the successor sent %v", got)
				}
				pass(1)
				want := []seen{
					{end, second.name, "inside", tt.priorities[1]}, {end, second.name, "outside", tt.priorities[1]},
				}
				if got := b.sent(second.name); len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
					t.Errorf("the successor sent\n%v, want\n%v", got, want)
				}
				if got := second.addresses.Take(); len(got) != 1 || got[0] != "hold inside outside" {
					t.Errorf("the addresses of the successor are %q", got)
				}
				pass(time.Second)
				for i, r := range b.routers[1:] {
					if want := []event.State{event.Active, event.Backup}[i]; r.state() != want {
						t.Errorf("a second after the takeover %s is %v", r.name, r.state())
					}
				}
				for _, r := range b.routers {
					r.stop()
				}
			})
		})
	}
}
