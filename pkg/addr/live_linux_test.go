package addr

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
	"ripcord/pkg/lease"
	"ripcord/pkg/macvlan/macvlantest"
	"ripcord/pkg/neigh"
	"ripcord/pkg/route"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
	"ripcord/test/netns"
)

// live is a worker on the real kernel, with facts as pkg/link would publish them.
type live struct {
	*Worker
	facts  *bus.Topic[event.Address]
	events *bus.Ring[event.Event]
	bell   bus.Bell
	lost   *bus.Ring[vrrp.Result]
	stop   func()
}

func newLive(t *testing.T, k Kernel, name string, set Set) *live {
	t.Helper()
	sender, err := neigh.OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	link, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	routes, err := route.OpenKernel()
	if err != nil {
		t.Fatal(err)
	}
	wall, err := firewall.OpenKernel()
	if err != nil {
		t.Fatal(err)
	}
	links := bus.NewRetained[string, event.Link]()
	links.Publish(event.Link{
		Name: name, Index: link.Index, AdminUp: true, Usable: true, HardwareAddr: [6]byte(link.HardwareAddr),
	})
	l := &live{facts: new(bus.Topic[event.Address]), bell: bus.NewBell()}
	events, results := new(bus.Topic[event.Event]), new(bus.Topic[vrrp.Result])
	l.events, l.lost = bus.SubscribeRing(events, l.bell, 100), bus.SubscribeRing(results, l.bell, 100)
	set.Instance, set.Interval, set.Miss = "a", time.Hour, 3
	l.Worker = NewWorker(Config{
		Sets: []Set{set}, Lease: lease.New(time.Now()), Links: links, Addresses: l.facts, Results: results,
		Events: events, Minter: event.NewMinter(1), Kernel: k, Routes: routes, Firewall: wall, Sender: sender, Now: time.Now,
		Heard: new(bus.Topic[vrrp.Heard]), Listener: &fakeListener{}, Devices: macvlantest.New(),
		Waiter: newFakeWaiter(),
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	l.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		sender.Close()
		routes.Close()
		wall.Close()
	}
	return l
}

// wait reads events until one has that name.
func (l *live) wait(t *testing.T, name string) event.Event {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case <-l.bell:
		case <-timeout:
			t.Fatalf("no event %s", name)
		}
		events, _ := l.events.Take()
		for _, e := range events {
			if e.Name() == name {
				return e
			}
		}
	}
}

func (l *live) order(kind Kind) { l.Do(Order{Kind: kind, Instances: []string{"a"}}) }

func TestOnlyWhatIsOursIsRemoved(t *testing.T) {
	near, _ := cable(t)
	k, index := kernel(t), indexOf(t, near)
	if err := k.AddBatch(batchOf(index, near, "10.9.0.1/24", 3)); err != nil { // a run that crashed
		t.Fatal(err)
	}
	ip(t, "addr", "add", "192.0.2.2/24", "dev", near) // the owner's own
	l := newLive(t, k, near, Set{Addresses: []Address{
		{Prefix: netip.MustParsePrefix("10.0.0.1/24"), Interface: near},
		{Prefix: netip.MustParsePrefix("192.0.2.2/24"), Interface: near},
		{Prefix: vip6, Interface: near},
	}})
	l.wait(t, "address.removed")
	l.order(Hold)
	l.wait(t, "address.added")
	want := []string{"10.0.0.1/24*", "192.0.2.2/24", "2001:db8::1/64*"}
	if got := on(t, k, index); !slices.Equal(got, want) {
		t.Errorf("held: %v, want %v", got, want)
	}
	ip(t, "addr", "add", "10.0.0.5/24", "dev", near) // a secondary of ours
	l.order(Release)
	l.wait(t, "address.removed")
	want = []string{"10.0.0.5/24", "192.0.2.2/24"}
	if got := on(t, k, index); !slices.Equal(got, want) {
		t.Errorf("released: %v, want %v", got, want)
	}
	l.order(Hold)
	l.wait(t, "address.added")
	l.stop()
	if got := on(t, k, index); !slices.Equal(got, want) {
		t.Errorf("after the end: %v, want %v", got, want)
	}
}

func TestWhatSomebodyRemovedIsPutBack(t *testing.T) {
	near, _ := cable(t)
	k, index := kernel(t), indexOf(t, near)
	l := newLive(t, k, near, Set{Addresses: []Address{{Prefix: vip4, Interface: near}}})
	defer l.stop()
	l.order(Hold)
	l.wait(t, "address.added")
	for i := range 5 {
		if lost, _ := l.lost.Take(); len(lost) != 0 {
			t.Errorf("lost after %d removals", i)
		}
		ip(t, "addr", "del", vip4.String(), "dev", near)
		l.facts.Publish(event.Address{Cause: event.Cause{Trace: 5}, Index: index, Prefix: vip4, Removals: 1})
		if e := l.wait(t, "address.restored"); e.When().Cause.Trace != 5 {
			t.Errorf("cause %v", e.When().Cause)
		}
		l.facts.Publish(event.Address{Index: index, Prefix: vip4, Present: true, Marked: true})
	}
	if got := on(t, k, index); !slices.Equal(got, []string{"192.0.2.1/24*"}) {
		t.Errorf("stands %v", got)
	}
}

// TestConfigureOnTheWire requires that only an address of a new configuration is announced, and
// that removed addresses leave the owner's addresses of their subnet in place.
func TestConfigureOnTheWire(t *testing.T) {
	near, far := cable(t)
	k, index, fd := kernel(t), indexOf(t, near), netns.Capture(t, far)
	set := func(prefixes ...string) Set {
		s := Set{Instance: "a", Interval: time.Hour, Miss: 3, Announce: Announce{Count: 1}}
		for _, p := range prefixes {
			s.Addresses = append(s.Addresses, Address{Prefix: netip.MustParsePrefix(p), Interface: near})
		}
		return s
	}
	configure := func(l *live, to Set) { l.Do(Order{Kind: Configure, Sets: []Set{to}}) }
	l := newLive(t, k, near, set("10.0.0.1/24", "10.0.0.2/24"))
	defer l.stop()
	l.order(Hold)
	l.wait(t, "address.added")
	for range 2 {
		netns.NextAnnouncement(t, fd)
	}
	ip(t, "addr", "add", "10.0.0.9/24", "dev", near) // a secondary of ours
	configure(l, set("10.0.0.2/24", "2001:db8::1/64"))
	l.wait(t, "address.added")
	link, err := net.InterfaceByName(near)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := netns.NextAnnouncement(t, fd), wire.AppendNA(nil, [6]byte(link.HardwareAddr), vip6.Addr()); !bytes.Equal(got, want) {
		t.Errorf("announced %x, want %x", got, want)
	}
	want := []string{"10.0.0.2/24*", "10.0.0.9/24", "2001:db8::1/64*"}
	if got := on(t, k, index); !slices.Equal(got, want) {
		t.Errorf("stand: %v, want %v", got, want)
	}

	labeled := set("10.0.0.2/24", "2001:db8::1/64")
	labeled.Addresses[0].Label = near + ":x"
	configure(l, labeled)
	l.wait(t, "address.added")
	if got := on(t, k, index); !slices.Equal(got, want) {
		t.Errorf("with a label there are: %v, want %v", got, want)
	}
	if out := ip(t, "-o addr show label", near+":x"); !strings.Contains(out, "10.0.0.2/24") {
		t.Errorf("with the label: %s", out)
	}
	l.Do(Order{Kind: Configure})
	l.wait(t, "address.removed")
	if got := on(t, k, index); !slices.Equal(got, []string{"10.0.0.9/24"}) {
		t.Errorf("after all was removed: %v", got)
	}
}

func TestAnnouncementsOnTheWire(t *testing.T) {
	near, far := cable(t)
	k, fd := kernel(t), netns.Capture(t, far)
	l := newLive(t, k, near, Set{
		Announce:  Announce{Count: 2},
		Addresses: []Address{{Prefix: vip4, Interface: near}, {Prefix: vip6, Interface: near}},
	})
	defer l.stop()
	l.order(Hold)

	link, err := net.InterfaceByName(near)
	if err != nil {
		t.Fatal(err)
	}
	mac := [6]byte(link.HardwareAddr)
	garp, na := wire.AppendGARP(nil, mac, vip4.Addr()), wire.AppendNA(nil, mac, vip6.Addr())
	for i, want := range [][]byte{garp, na, garp, na} {
		if got := netns.NextAnnouncement(t, fd); !bytes.Equal(got, want) {
			t.Errorf("frame %d:\n%x, want\n%x", i, got, want)
		}
	}
}
