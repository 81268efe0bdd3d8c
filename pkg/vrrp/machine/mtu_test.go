package machine

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// TestMTU checks that adverts from a virtual MAC that are larger than the link's MTU are a fault
// until the MTU changes; the kernel fragments other adverts.
func TestMTU(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")
	signed := &vrrp.HMAC{Mode: vrrp.Enforce}
	for _, c := range []struct {
		name    string
		version wire.Version
		first   netip.Addr
		count   int
		virtual bool
		own     bool // adverts leave from the link's own MAC
		hmac    *vrrp.HMAC
		least   int // the smallest MTU without a fault; 0 if there is none at any MTU
	}{
		{"80 over IPv6", wire.V3, six, 80, true, false, nil, 40 + 8 + 80*16},
		{"80 over IPv6, adverts from the link's MAC", wire.V3, six, 80, true, true, nil, 0},
		{"80 over IPv6, without virtual MAC", wire.V3, six, 80, false, false, nil, 0},
		{"255 over IPv4", wire.V3, four, 255, true, false, nil, 20 + 8 + 255*4},
		{"255 over IPv4, VRRPv2", wire.V2, four, 255, true, false, nil, 20 + 8 + 255*4 + 8},
		{"80 over IPv6, signed", wire.V3, six, 80, true, false, signed, 40 + 8 + 80*16 + wire.TrailerLen},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := vrrp.Instance{
				Virtual: event.Virtual{Name: "inside", Interface: "eth0", VRID: 51, Family: event.FamilyOf(c.first)},
				Version: c.version, Priority: 150, Interval: time.Second, Miss: 3, Preempt: true, VirtualMAC: c.virtual, LinkMACAdverts: c.own, HMAC: c.hmac,
			}
			for a, n := c.first, 0; n < c.count; n++ {
				in.Addresses, a = append(in.Addresses, a), a.Next()
			}
			now := time.Unix(0, 0)
			m := New(vrrp.Group{Members: []vrrp.Instance{in}}, &Tickets{}, now)
			link := event.Link{Name: "eth0", Index: 2, Usable: true, Primary4: ours4, LinkLocal6: ours6}
			see := func(mtu int) (faults string, effects []vrrp.Effect) {
				link.Seq, link.MTU = link.Seq+1, mtu
				effects = m.Step(now, vrrp.LinkSeen{Link: link})
				for _, f := range m.Status(now).Members[0].Faults {
					faults += string(f.Reason) + ": " + f.Err
				}
				return faults, effects
			}
			see(9000)
			m.Step(now, vrrp.Start{})
			for m.State() != event.Active {
				now, _ = m.Deadline()
				m.Step(now, vrrp.Tick{})
			}
			if c.least == 0 {
				if faults, _ := see(600); faults != "" || m.State() != event.Active {
					t.Errorf("%v with the faults %q", m.State(), faults)
				}
				return
			}
			if faults, _ := see(c.least); faults != "" || m.State() != event.Active {
				t.Errorf("at %d: %v with the faults %q", c.least, m.State(), faults)
			}
			faults, effects := see(c.least - 1)
			for _, word := range []string{"advert-too-long", fmt.Sprint(c.least, " bytes"), fmt.Sprint("is ", c.least-1)} {
				if !strings.Contains(faults, word) {
					t.Errorf("the fault %q does not contain %q", faults, word)
				}
			}
			if _, mute := effects[1].(vrrp.Mute); m.State() != event.Fault || !mute {
				t.Errorf("one less: %v by %#v", m.State(), effects)
			}
			if faults, _ := see(c.least); faults != "" || m.State() != event.Backup {
				t.Errorf("at %d again: %v with the faults %q", c.least, m.State(), faults)
			}
		})
	}
}
