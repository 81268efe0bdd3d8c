package validate

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// TestOwnAddress checks that an advert from our own address is logged at error and counted,
// unless it may be one of ours that was returned, that it is never accepted, and that the warning
// ends with such adverts.
func TestOwnAddress(t *testing.T) {
	ownMAC, other := [6]byte{2, 0, 0, 0, 0, 1}, [6]byte{2, 0, 0, 0, 0, 2}
	extra := netip.MustParseAddr("198.51.100.7") // of another link
	for name, c := range map[string]struct {
		source   netip.Addr
		from     [6]byte
		change   func(*wire.Advert)
		virtual  bool
		plain    bool // our adverts leave from the link's own MAC
		weighted bool // weights may change our priority
		sent     int  // adverts of ours before each
		rejected bool
		by       func(*Packet)
	}{
		"another MAC":                                     {source: own4, from: other, sent: 1, rejected: true},
		"of another link":                                 {source: extra, from: other, sent: 1, rejected: true},
		"our MAC, as ours":                                {source: own4, from: ownMAC, sent: 1},
		"our MAC, another priority":                       {source: own4, from: ownMAC, sent: 1, change: func(a *wire.Advert) { a.Priority = 77 }, rejected: true},
		"our MAC, a priority by weights":                  {source: own4, from: ownMAC, sent: 1, change: func(a *wire.Advert) { a.Priority = 77 }, weighted: true},
		"our MAC, an owner's priority":                    {source: own4, from: ownMAC, sent: 1, change: func(a *wire.Advert) { a.Priority = 255 }, weighted: true, rejected: true},
		"our MAC, another interval":                       {source: own4, from: ownMAC, sent: 1, change: func(a *wire.Advert) { a.Interval *= 2 }, rejected: true},
		"our MAC, a resignation":                          {source: own4, from: ownMAC, sent: 1, change: func(a *wire.Advert) { a.Priority = 0 }},
		"our MAC, and we sent nothing":                    {source: own4, from: ownMAC, rejected: true},
		"our MAC, but we have a virtual":                  {source: own4, from: ownMAC, sent: 1, virtual: true, rejected: true},
		"our MAC, as ours beside a virtual":               {source: own4, from: ownMAC, sent: 1, virtual: true, plain: true},
		"our virtual MAC, from which none of ours leaves": {source: own4, from: wire.VirtualMAC(event.IPv4, 51), sent: 1, virtual: true, plain: true, rejected: true},
		"our virtual MAC, as ours":                        {source: own4, from: wire.VirtualMAC(event.IPv4, 51), sent: 1, virtual: true},
		"another virtual router":                          {source: own4, from: other, change: func(a *wire.Advert) { a.VRID = 99 }},
		"by the raw socket":                               {source: own4, from: other, by: func(p *Packet) { p.Early = false }},
		"a peer's, by the packet socket":                  {source: peer4, from: other},
	} {
		t.Run(name, func(t *testing.T) {
			in := virtual4()
			in.VirtualMAC, in.LinkMACAdverts, in.Weighted = c.virtual, c.plain, c.weighted
			b := newBench(in, elsewhere())
			var logged []event.Event
			warnings := event.NewWarnings(func(e event.Event) { logged = append(logged, e) })
			b.Warn(warnings)
			b.Learn(event.Link{Name: "eth0", Index: 2, Primary4: own4, HardwareAddr: ownMAC, Owned: &[]netip.Addr{own4}})
			b.Learn(event.Link{Name: "eth1", Index: 3, Owned: &[]netip.Addr{extra, netip.MustParseAddr("fe80::1")}})
			ad := advert4()
			ad.Priority, ad.Interval = in.Priority, in.Interval
			if c.change != nil {
				c.change(&ad)
			}
			now := t0
			var errors int
			for range 5 {
				now = now.Add(time.Second)
				b.stats[in.Name].AddN(stats.AdvertisementSent, uint64(c.sent))
				p := Packet{
					Interface: "eth0", Family: event.IPv4, At: now, Early: true, From: c.from,
					Data: ipv4(c.source, wire.Group4, 255, ad.Append(nil, c.source, wire.Group4)),
				}
				if c.by != nil {
					c.by(&p)
				}
				v := b.Accept(&p, now)
				if v.Valid {
					t.Fatal("the advert was accepted")
				}
				if v.Rejected != c.rejected {
					t.Fatalf("rejected %v", v.Rejected)
				}
				for _, e := range v.Events {
					if e, ok := e.(event.AdvertRejected); ok && e.Level() == event.Error && e.Reason == "own-address" {
						errors++
					}
				}
			}
			want, counted := 0, uint64(0)
			if c.rejected {
				want, counted = 1, 5
			}
			if errors != want || len(warnings.All()) != want || len(logged) != want || b.stats[in.Name].Get(stats.OwnAddressErrors) != counted {
				t.Errorf("%d errors, warnings %+v, logged %v, counted %d", errors, warnings.All(), logged, b.stats[in.Name].Get(stats.OwnAddressErrors))
			}
			if at, ok := b.Next(); ok != c.rejected {
				t.Errorf("next %v, %v", at, ok)
			}
			b.Flush(now.Add(time.Minute), false)
			if len(warnings.All()) > 0 {
				t.Errorf("a minute later: %+v", warnings.All())
			}
		})
	}
}

// elsewhere returns an instance on another link.
func elsewhere() vrrp.Instance {
	in := virtual4()
	in.Name, in.Interface = "elsewhere", "eth1"
	return in
}

// TestWhoseAddress checks that a link-local address of another link may belong to any router
// here, and that a shared address belongs to its owner.
func TestWhoseAddress(t *testing.T) {
	b := newBench(virtual4(), elsewhere())
	local := netip.MustParseAddr("fe80::77")
	b.Learn(event.Link{Name: "eth0", Index: 2, Owned: &[]netip.Addr{own4, vip4}})
	b.Learn(event.Link{Name: "eth1", Index: 3, Owned: &[]netip.Addr{local, peer4}})
	on := b.links.on("eth0")
	for ip, want := range map[netip.Addr]bool{own4: true, vip4: false, local: false, peer4: true} {
		if b.links.owns(on, ip) != want {
			t.Errorf("%v is ours: %v, want %v", ip, !want, want)
		}
	}
	b.Learn(event.Link{Name: "eth1"})
	if b.links.owns(on, peer4) {
		t.Error("the address is ours although its link is gone")
	}
}

// TestTwoNamesOfALink checks two names of one link: an advert that does not fit the instance
// under one name belongs to that under the other, and neither rejects it.
func TestTwoNamesOfALink(t *testing.T) {
	other := virtual4()
	other.Name, other.Interface, other.VRID = "other", "wan0", 60
	b := newBench(virtual4(), other)
	ad := advert4()
	ad.VRID = 60
	p := packet4(ad)
	if v := b.Accept(&p, t0); !v.Rejected {
		t.Error("on another link the advert belongs to no instance")
	}
	b.Learn(event.Link{Name: "wan0", Index: 2, Primary4: own4})
	p = packet4(ad)
	if v := b.Accept(&p, t0); v.Rejected || v.Valid {
		t.Errorf("%+v, want the other socket to read it", v)
	}
}

// TestOwnAddressRemoved requires that the warning about an address of this router ends with the
// first accepted advert from it, after the address was removed here.
func TestOwnAddressRemoved(t *testing.T) {
	b := newBench(virtual4())
	warnings := event.NewWarnings(func(event.Event) {})
	b.Warn(warnings)
	b.Learn(event.Link{Name: "eth0", Index: 2, Primary4: own4, Owned: &[]netip.Addr{own4, peer4}})
	ad := advert4()
	p := Packet{
		Interface: "eth0", Family: event.IPv4, At: t0, Early: true, From: [6]byte{2, 0, 0, 0, 0, 0x99},
		Data: ipv4(peer4, wire.Group4, 255, ad.Append(nil, peer4, wire.Group4)),
	}
	b.Accept(&p, t0)
	if len(warnings.All()) != 1 {
		t.Fatalf("warnings %+v", warnings.All())
	}
	b.Learn(event.Link{Name: "eth0", Index: 2, Primary4: own4, Owned: &[]netip.Addr{own4}})
	p.Early = false
	if v := b.Accept(&p, t0.Add(time.Second)); !v.Valid || len(warnings.All()) != 0 {
		t.Errorf("valid %v, warnings %+v", v.Valid, warnings.All())
	}
}
