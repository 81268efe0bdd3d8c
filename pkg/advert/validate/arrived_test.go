package validate

import (
	"net/netip"
	"testing"

	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// TestArrived checks that only packets that the raw socket must receive count as having arrived.
func TestArrived(t *testing.T) {
	for name, c := range map[string]struct {
		source, dest netip.Addr
		change       func(*wire.Advert)
		packet       func(*Packet)
		want         bool
	}{
		"an advert":              {source: peer4, dest: wire.Group4, want: true},
		"our own":                {source: own4, dest: wire.Group4},
		"from a shared address":  {source: vip4, dest: wire.Group4}, // read early
		"from a group":           {source: wire.Group4, dest: wire.Group4},
		"not for the group":      {source: peer4, dest: own4},
		"another virtual router": {source: peer4, dest: wire.Group4, change: func(a *wire.Advert) { a.VRID = 99 }},
		"cut off":                {source: peer4, dest: wire.Group4, packet: func(p *Packet) { p.Truncated = true }},
		"another link":           {source: peer4, dest: wire.Group4, packet: func(p *Packet) { p.Interface = "eth9" }},
		"a hop limit of 254":     {source: peer4, dest: wire.Group4, packet: func(p *Packet) { p.Data[8]--; p.Data[10]++ }},
		"a wrong header":         {source: peer4, dest: wire.Group4, packet: func(p *Packet) { p.Data[11] ^= 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(virtual4())
			b.Learn(event.Link{Name: "eth0", Index: 2, Primary4: own4, Owned: &[]netip.Addr{own4}})
			ad := advert4()
			if c.change != nil {
				c.change(&ad)
			}
			p := Packet{
				Interface: "eth0", Family: event.IPv4, At: t0, Early: true,
				Data: ipv4(c.source, c.dest, 255, ad.Append(nil, c.source, c.dest)),
			}
			p.Data[10], p.Data[11] = 0, 0
			sum := adverttest.HeaderSum(p.Data[:20])
			p.Data[10], p.Data[11] = byte(sum>>8), byte(sum)
			if c.packet != nil {
				c.packet(&p)
			}
			if x, ok := b.Arrived(&p); ok != c.want {
				t.Errorf("%+v, %v", x, ok)
			}
		})
	}
}
