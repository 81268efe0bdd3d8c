package receive

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// TestReceiverReconfigures checks a new set of instances: the sockets that are still needed stay
// the same and lose nothing, one that is not needed is closed, and a new one is opened at once.
func TestReceiverReconfigures(t *testing.T) {
	l := adverttest.NewLAN(t)
	one, two := l.Cable(1, 0), l.Cable(2, 0)
	e := listen(t, on(one.Name)...)
	e.publish(one)
	e.publish(two)
	reconfigure := func(instances ...vrrp.Instance) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := e.Reconfigure(ctx, adverttest.Each(instances)); err != nil {
			t.Fatal(err)
		}
	}
	send := func(cable int) {
		index, four, six := l.RemoteEnd(cable)
		l.Sender(openSender).Send([]advert.Message{adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))})
	}
	raw := socketKey{link: one.Name, family: event.IPv4}
	fd := e.wanted[raw].port.fd // the receiver sleeps

	send(1) // stands in the socket while the set changes
	reconfigure(append(on(one.Name), on(two.Name)...)...)
	send(2)
	if got := len(e.takes(4)); got != 4 {
		t.Errorf("heard %d adverts of 4", got)
	}
	if e.wanted[raw].port == nil || e.wanted[raw].port.fd != fd {
		t.Error("a socket that is still needed was opened again")
	}

	// Another VRID on the same socket: the filter follows.
	four := on(one.Name)[0]
	four.VRID, four.Name = 77, "another"
	reconfigure(append([]vrrp.Instance{four}, on(two.Name)...)...)
	send(1)
	send(2)
	e.takes(2)
	if got := e.take(); len(got) > 0 {
		t.Errorf("heard more: %s", who(got))
	}
	if got := e.wanted[raw].port.spec().vrids; !slices.Equal(got, []uint8{77}) {
		t.Errorf("the filter is for VRIDs %v", got)
	}

	reconfigure(on(two.Name)...)
	for at, w := range e.wanted {
		if at.link != two.Name || w.port == nil {
			t.Errorf("after %s is gone there is %+v", one.Name, at)
		}
	}
}

// TestReceiverForgetsFamily checks that adverts that wait in the packet socket are ignored after
// the last instance of their family, or of the link, was removed.
func TestReceiverForgetsFamily(t *testing.T) {
	for name, stays := range map[string][2]int{"IPv4 stays": {0, 1}, "IPv6 stays": {1, 2}, "none stays": {}} {
		t.Run(name, func(t *testing.T) {
			l := adverttest.NewLAN(t)
			link := l.Cable(1, 0)
			e := following(t, link)
			e.audit() // nothing was delivered yet, so both VRIDs are watched
			index, four, six := l.RemoteEnd(1)
			l.Sender(openSender).Send([]advert.Message{adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))})
			packet := e.wanted.packetOf(link.Name)
			for heard, end := 0, time.Now().Add(5*time.Second); heard < 2; time.Sleep(time.Millisecond) {
				for _, f := range []event.Family{event.IPv4, event.IPv6} { // the packet socket gets them before
					e.drain(e.wanted[socketKey{link.Name, f}], time.Now())
				}
				taken, _ := e.heard.Take()
				if heard += len(taken); time.Now().After(end) {
					t.Fatal("the adverts did not arrive")
				}
			}
			next := on(link.Name)[stays[0]:stays[1]]
			e.next = &reconfiguration{adverttest.Each(next), make(chan struct{})}
			e.reconfigure()
			if open := packet.port != nil; open != (len(next) > 0) || open && len(packet.families) != 1 {
				t.Errorf("open %t, for %d families", open, len(packet.families))
			}
			e.drain(packet, time.Now())
		})
	}
}

// TestReceiverHearsGroups checks instances of one link with several multicast groups: each
// receives the adverts for its group, also after a new set of instances has other groups.
func TestReceiverHearsGroups(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	named := func(name string, f event.Family, group string) vrrp.Instance {
		in := on(link.Name)[0]
		if in.Family != f {
			in = on(link.Name)[1]
		}
		in.Name, in.Multicast = name, netip.MustParseAddr(group)
		return in
	}
	e := listen(t, named("a", event.IPv4, "224.0.0.18"), named("b", event.IPv4, "224.0.0.99"), named("c", event.IPv6, "ff02::99"))
	e.publish(link)
	hears := func(want string, groups ...string) {
		t.Helper()
		index, four, six := l.RemoteEnd(1)
		var batch []advert.Message
		for _, text := range groups {
			f := adverttest.Frames(index, four)
			if strings.Contains(text, ":") {
				f = adverttest.Frames(index, six)
			}
			m := adverttest.Message(f)
			ad := wire.Advert{}
			if err := ad.Decode(m.Payload, wire.Path{Source: f.Source, Dest: f.Copies[0].To, HopLimit: wire.HopLimit}); err != nil {
				t.Fatal(err)
			}
			m.To = netip.MustParseAddr(text)
			m.Payload = ad.Append(nil, f.Source, m.To)
			batch = append(batch, m)
		}
		l.Sender(openSender).Send(batch)
		var got []string
		for _, h := range e.takes(len(strings.Fields(want))) {
			got = append(got, h.Instance)
		}
		if slices.Sort(got); strings.Join(got, " ") != want {
			t.Errorf("heard by %v, want %s", got, want)
		}
	}
	hears("a b c", "224.0.0.18", "224.0.0.99", "ff02::12", "ff02::99")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	next := []vrrp.Instance{named("b", event.IPv4, "239.0.0.1"), named("c", event.IPv6, "ff05::12")}
	if err := e.Reconfigure(ctx, adverttest.Each(next)); err != nil {
		t.Fatal(err)
	}
	hears("b c", "224.0.0.18", "224.0.0.99", "239.0.0.1", "ff02::99", "ff05::12")
	if err := e.Reconfigure(ctx, adverttest.Each(next[:1])); err != nil {
		t.Fatal(err)
	}
	hears("b", "239.0.0.1", "224.0.0.99")
	e.Verify(e.ticket + 1)
	e.ticket++
	for _, r := range e.until(func(r vrrp.Result) bool { a, ok := r.(vrrp.Answered); return ok && a.Ticket == e.ticket }) {
		if r, ok := r.(vrrp.Rejoined); ok {
			t.Errorf("%s was found deaf", r.Instance)
		}
	}
}

// TestReceiverEndsOutdatedWarnings checks that a new set of instances ends the warnings about links
// and peers that an instance no longer has, and keeps the others.
func TestReceiverEndsOutdatedWarnings(t *testing.T) {
	peers := []netip.Addr{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("192.0.2.78")}
	instance := func(name, link string, peers []netip.Addr) vrrp.Instance {
		in := on(link)[0]
		in.Name, in.Unicast.Peers = name, peers
		return in
	}
	e := idle(t, instance("stays", "eth0", peers), instance("moves", "eth0", peers))
	for _, name := range []string{"stays", "moves"} {
		for reason, subjects := range map[event.WarningReason][]string{
			event.WarnOwnPeer: {peers[0].String(), peers[1].String()}, event.WarnFragments: {"eth0"}, event.WarnReversePath: {"eth0"},
		} {
			for _, subject := range subjects {
				e.cfg.Warnings.Report(event.Warning{Instance: name, Reason: reason, Subject: subject, Text: "x"})
			}
		}
		e.wanted[socketKey{link: "eth0", family: event.IPv4}].families[event.IPv4].deliveries.routers[name].dropped = true
		e.cfg.Warnings.Report(event.Warning{Instance: name, Reason: event.WarnInputFiltered, Text: "x"})
	}
	next := []vrrp.Instance{instance("stays", "eth0", peers), instance("moves", "eth1", peers[:1])}
	e.next = &reconfiguration{adverttest.Each(next), make(chan struct{})}
	e.reconfigure()
	inForce := func(name string) (all []string) {
		for _, w := range e.cfg.Warnings.Of(name) {
			all = append(all, string(w.Reason)+" "+w.Subject)
		}
		return all
	}
	if got := inForce("stays"); len(got) != 5 {
		t.Errorf("the instance that stays has the warnings %q, want all 5", got)
	}
	if got := inForce("moves"); !slices.Equal(got, []string{"own-peer 192.0.2.77"}) {
		t.Errorf("the instance on another link has the warnings %q", got)
	}

	// Once an advert is delivered, the report of the firewall ends also after a reload.
	raw := e.wanted[socketKey{link: "eth0", family: event.IPv4}]
	if raw.families[event.IPv4].deliveries.deliver("stays", adverttest.T0, adverttest.T0) == nil {
		t.Error("the reload lost that a firewall is reported")
	}
}
