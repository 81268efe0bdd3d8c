package addr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
	"ripcord/pkg/lease"
	"ripcord/pkg/macvlan/macvlantest"
	"ripcord/pkg/neigh"
	"ripcord/pkg/route/routetest"
	"ripcord/pkg/vrrp"
)

// fakeKernel is a kernel in memory; it publishes its changes on the bus, as pkg/link would.
type fakeKernel struct {
	facts *bus.Topic[event.Address]

	mu       sync.Mutex
	standing map[event.AddressKey]bool
	down     bool
	refuse   error // the error of all adds
	stuck    error // the error of all removals
	unlisted error // the error of all lists
	batches  []string
	lists    int
	promoted []string
	hook     func() // called at each removal
}

func (k *fakeKernel) AddBatch(ops []Op) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.batches = append(k.batches, fmt.Sprintf("+%d", len(ops)))
	if k.refuse != nil {
		return k.refuse
	}
	var err error
	for _, op := range ops {
		key := op.key()
		if _, stands := k.standing[key]; stands {
			err = errors.New("file exists")
			continue
		}
		k.standing[key] = true
		k.facts.Publish(event.Address{Index: op.Index, Prefix: op.Prefix, Present: true, Marked: true})
	}
	return err
}

func (k *fakeKernel) Mark(ops []Op) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.batches = append(k.batches, fmt.Sprintf("mark %d", len(ops)))
	for _, op := range ops {
		key := op.key()
		k.standing[key] = true
		k.facts.Publish(event.Address{Index: op.Index, Prefix: op.Prefix, Present: true, Marked: true})
	}
	return nil
}

func (k *fakeKernel) RemoveBatch(ops []Op) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.batches = append(k.batches, fmt.Sprintf("-%d", len(ops)))
	if k.hook != nil {
		k.hook()
	}
	if k.stuck != nil {
		return k.stuck
	}
	for _, op := range ops {
		k.drop(op.key())
	}
	return nil
}

func (k *fakeKernel) drop(key event.AddressKey) {
	delete(k.standing, key)
	k.facts.Publish(event.Address{Cause: event.Cause{Trace: 50}, Index: key.Index, Prefix: key.Prefix, Removals: 1})
}

func (k *fakeKernel) List() (all []Standing, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lists++
	if k.unlisted != nil {
		return nil, k.unlisted
	}
	for key, marked := range k.standing {
		all = append(all, Standing{key.Index, key.Prefix, marked})
	}
	return all, nil
}

func (k *fakeKernel) Up(int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.down
}

func (k *fakeKernel) PromoteSecondaries(_ int, link string) error {
	k.promoted = append(k.promoted, link)
	return nil
}

func (k *fakeKernel) RestoreSecondaries() ([]string, error) { return nil, nil }

// with changes the kernel as another program would.
// count returns how many addresses exist, while the worker may change them.
func (k *fakeKernel) count() (n int) {
	k.with(func() { n = len(k.standing) })
	return n
}

func (k *fakeKernel) with(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

// fakeFirewall records what it drops.
type fakeFirewall struct {
	mu     sync.Mutex
	drops  []string
	refuse error
	gone   func()
	lost   bool   // another program changed what Drop made
	hook   func() // called at each Drop
}

// lose changes what Drop made as another program would.
func (f *fakeFirewall) lose() {
	f.mu.Lock()
	f.lost = true
	f.mu.Unlock()
	f.gone()
}

func (f *fakeFirewall) Stands() (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.lost, nil
}

func (f *fakeFirewall) Drop(all []firewall.Destination) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return f.refuse
	}
	if f.hook != nil {
		f.hook()
	}
	f.drops = append(f.drops, fmt.Sprint(all))
	f.lost = false
	return nil
}

func (f *fakeFirewall) Watch(ctx context.Context, gone func()) {
	f.mu.Lock()
	f.gone = gone
	f.mu.Unlock()
	<-ctx.Done()
}

func (f *fakeFirewall) with(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeFirewall) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	drops := f.drops
	f.drops = nil
	return drops
}

// fakePackets records the frames of a worker.
type fakePackets struct {
	mu     sync.Mutex
	sent   []string
	calls  int
	refuse func(n int) error // of the n-th frame since the last take
	hook   func()            // called at each frame, in the goroutine that sends
}

func (p *fakePackets) Send(frames []neigh.Frame) {
	p.mu.Lock()
	p.calls++
	hook := p.hook
	for i, f := range frames {
		if p.refuse != nil {
			frames[i].Err = p.refuse(len(p.sent))
		}
		p.sent = append(p.sent, fmt.Sprintf("%d:%x", f.Index, f.Data[6:12]))
	}
	p.mu.Unlock()
	if hook == nil {
		return
	}
	for range frames {
		hook()
	}
}

func (p *fakePackets) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent := p.sent
	p.sent, p.calls = nil, 0
	return sent
}

// fakeWaiter waits by a timer and a channel.
type fakeWaiter struct{ woken chan struct{} }

func newFakeWaiter() *fakeWaiter { return &fakeWaiter{make(chan struct{}, 1)} }

func (w *fakeWaiter) WaitUntil(t time.Time) {
	var over <-chan time.Time
	if !t.IsZero() {
		timer := time.NewTimer(time.Until(t))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-w.woken:
	}
}

func (w *fakeWaiter) Wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// fakeListener observes the stations that a test sends to it.
type fakeListener struct{ seen chan neigh.Sighting }

func (l *fakeListener) Listen(ctx context.Context, seen func(neigh.Sighting)) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-l.seen:
			seen(s)
		}
	}
}

// rig is a worker in a bubble of virtual time.
type rig struct {
	*Worker
	kernel   *fakeKernel
	routes   *routetest.Kernel
	wall     *fakeFirewall
	devs     *macvlantest.Kernel
	packets  *fakePackets
	lease    *lease.Lease
	links    *bus.Retained[string, event.Link]
	events   *bus.Ring[event.Event]
	placed   func() []vrrp.Placed // since the last call
	leases   func() []string      // the reports of lost leases, since the last call
	heard    *bus.Topic[vrrp.Heard]
	forward  *bus.Ring[vrrp.Result]
	listener *fakeListener
	set      map[string]string // settings of the kernel, under its lock
	stop     func() error
}

func newRig(t *testing.T, sets []Set, standing ...Standing) *rig {
	return newRigWith(t, sets, new(fakeFirewall), standing...)
}

func newRigWith(t *testing.T, sets []Set, wall *fakeFirewall, standing ...Standing) *rig {
	return newRigOf(t, sets, wall, macvlantest.New(), standing...)
}

func newRigOf(t *testing.T, sets []Set, wall *fakeFirewall, devs *macvlantest.Kernel, standing ...Standing) *rig {
	return startRig(t, sets, wall, devs, nil, standing...)
}

// startRig starts a rig of these parts; without a kernel it has the fake one.
func startRig(t *testing.T, sets []Set, wall *fakeFirewall, devs *macvlantest.Kernel, k Kernel, standing ...Standing) *rig {
	r := makeRig(sets, wall, devs, k, standing...)
	r.begin(t)
	return r
}

// makeRig makes a rig whose worker does not run yet.
func makeRig(sets []Set, wall *fakeFirewall, devs *macvlantest.Kernel, k Kernel, standing ...Standing) *rig {
	facts, events, results := new(bus.Topic[event.Address]), new(bus.Topic[event.Event]), new(bus.Topic[vrrp.Result])
	r := &rig{
		kernel: &fakeKernel{facts: facts, standing: make(map[event.AddressKey]bool)},
		routes: routetest.New(), wall: wall, devs: devs, packets: new(fakePackets), lease: lease.New(time.Now()),
		links:  bus.NewRetained[string, event.Link](),
		events: bus.SubscribeRing(events, bus.NewBell(), 1000),
	}
	for _, s := range standing {
		r.kernel.standing[event.AddressKey{Index: s.Index, Prefix: s.Prefix}] = s.Marked
	}
	ring, lost := bus.SubscribeRing(results, bus.NewBell(), 100), bus.SubscribeRing(results, bus.NewBell(), 100)
	r.heard, r.listener = new(bus.Topic[vrrp.Heard]), &fakeListener{make(chan neigh.Sighting)}
	r.forward = bus.SubscribeRing(results, bus.NewBell(), 100)
	r.link(eth0, 1)
	if k == nil {
		k = r.kernel
	}
	warnings := event.NewWarnings(func(e event.Event) { events.Publish(e) })
	r.Worker = NewWorker(Config{
		Sets: sets, Lease: r.lease, Links: r.links, Addresses: facts, Results: results, Events: events, Heard: r.heard, Listener: r.listener,
		Warnings: warnings, Questions: event.NewQuestions(warnings),
		Setting: r.setting,
		Minter:  event.NewMinter(1000), Kernel: k, Routes: r.routes, Firewall: r.wall, Devices: r.devs, Sender: r.packets, Now: time.Now,
		Waiter: newFakeWaiter(),
	})
	r.leases = func() (out []string) {
		all, _ := lost.Take()
		for _, a := range all {
			if a, ok := a.(vrrp.LeaseLost); ok {
				out = append(out, fmt.Sprint(a.Instance, " ", a.Gap, " ", a.Resigned))
			}
		}
		return out
	}
	r.placed = func() (out []vrrp.Placed) {
		all, _ := ring.Take()
		for _, a := range all {
			if a, ok := a.(vrrp.Placed); ok {
				out = append(out, a)
			}
		}
		return out
	}
	return r
}

// begin runs the worker.
func (r *rig) begin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = func() error { cancel(); return <-done }
	t.Cleanup(cancel)
	synctest.Wait()
}

func (r *rig) setting(key string) (string, error) {
	r.kernel.mu.Lock()
	defer r.kernel.mu.Unlock()
	value, ok := r.set[key]
	if !ok {
		return "", fs.ErrNotExist
	}
	return value, nil
}

// link publishes eth0 with that index and a MAC that ends in mac.
func (r *rig) link(index int, mac byte) {
	r.links.Publish(event.Link{
		Seq: uint64(mac), Name: "eth0", Index: index, AdminUp: true, Usable: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, mac},
	})
}

// pass lets time pass, while the loop stamps its lease.
func (r *rig) pass(d time.Duration) {
	for ; d > 0; d -= 100 * time.Millisecond {
		r.lease.Stamp(time.Now())
		time.Sleep(min(d, 100*time.Millisecond))
	}
	synctest.Wait()
}

func (r *rig) do(kind Kind, names ...string) {
	r.Do(Order{Kind: kind, Cause: event.Cause{Trace: 7, At: time.Now()}, Instances: names})
	synctest.Wait()
}

// names returns the events since the last call.
func (r *rig) names() string {
	events, _ := r.events.Take()
	var names []string
	for _, e := range events {
		names = append(names, strings.TrimPrefix(e.Name(), "address."))
	}
	return strings.Join(names, " ")
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// many returns an instance of n addresses.
func many(n int, a Announce) []Set {
	set := Set{Instance: "a", Interval: time.Second, Miss: 3, Announce: a}
	ip := netip.MustParseAddr("192.0.2.1")
	for range n {
		set.Addresses = append(set.Addresses, Address{Prefix: netip.PrefixFrom(ip, 24), Interface: "eth0"})
		ip = ip.Next()
	}
	return []Set{set}
}

// missing formats the reports about missing things since the last call: the instance, the degree,
// and the number.
func (r *rig) missing() []string {
	var all []string
	for _, p := range r.placed() {
		all = append(all, fmt.Sprintf("%s:%d:%d", p.Instance, p.Degree, len(p.Missing)))
	}
	slices.Sort(all)
	return all
}
