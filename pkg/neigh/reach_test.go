package neigh

import (
	"net/netip"
	"testing"
	"time"
)

// answering lets time pass while a station answers the frames sent on some links.
func (r *rig) answering(d time.Duration, links ...int) {
	var asked []int
	r.onSend = func(index int) { asked = append(asked, index) }
	for ; d > 0; d -= 100 * time.Millisecond {
		r.pass(100 * time.Millisecond)
		for _, index := range asked {
			for _, link := range links {
				if index == link {
					r.sight(Sighting{Index: index, Address: host4, Answer: true, MAC: otherMAC})
				}
			}
		}
		asked = nil
	}
}

// TestUnreachedVirtualMAC: stations that answer to the link's own MAC and not to the virtual one
// show a filter. Stations that answer to both show none. If they answer to neither, no frames come
// through, which has its own warning.
func TestUnreachedVirtualMAC(t *testing.T) {
	for _, c := range []struct {
		name  string
		links []int
		want  string
	}{
		{"both answered", []int{device, eth0}, ""},
		{"the link's alone", []int{eth0}, "unreached eth0"},
		{"none", nil, "unheard eth0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, onDevice())
			r.sight(Sighting{Index: eth0, Address: host4})
			r.hold()
			r.answering(time.Minute, c.links...)
			expect(t, "warned", r.warned(), c.want)
			r.answering(time.Minute, device, eth0)
			expect(t, "the filter is gone", r.warned(), "")
			r.answering(time.Minute, c.links...)
			expect(t, "filtered again", r.warned(), c.want)
			r.release()
			expect(t, "released", r.warned(), "")
		})
	}
}

// TestDeviceIsHeardForTheLink: a frame for a device came through the link below: if only the
// virtual MAC gets through, the link is not unheard.
func TestDeviceIsHeardForTheLink(t *testing.T) {
	r := newRig(t, onDevice())
	r.sight(Sighting{Index: eth0, Address: host4})
	r.hold()
	r.answering(2*time.Minute, device)
	expect(t, "warned", r.warned(), "")
}

// TestReachSource requires that stations are asked from an address that is held on the device, not
// from one of the link's own.
func TestReachSource(t *testing.T) {
	r := newRig(t, onDevice())
	r.hold()
	now := &turn{r.Monitor, r.now, r}
	set := r.sets["a"]
	if a, ok := now.source(set); !ok || a != vip4 {
		t.Errorf("from %v, %t", a, ok)
	}
	r.missing["a"] = true
	if a, ok := now.source(set); ok {
		t.Errorf("from %v, which is not in place", a)
	}
	r.missing["a"] = false
	set.Addresses[0].Virtual = false
	if a, ok := now.source(set); ok {
		t.Errorf("from %v, which is on the link", a)
	}
	set.Addresses[0] = Address{Addr: netip.MustParseAddr("2001:db8::1"), Link: "eth0", Virtual: true} // no station answers to it at the link-local address
	if a, ok := now.source(set); ok {
		t.Errorf("from %v", a)
	}
}
