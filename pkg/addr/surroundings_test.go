package addr

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/macvlan/macvlantest"
	"ripcord/pkg/neigh"
)

// warned are the reasons of the warnings in force, of all instances.
func (r *rig) warned() string {
	var all []string
	for _, w := range r.cfg.Warnings.All() {
		all = append(all, string(w.Reason))
	}
	return strings.Join(all, " ")
}

// A link that answers ARP for others is a warning until it does not, whether the
// instance is held or not; where all addresses are IPv6 it is none.
func TestProxyARPIsAWarning(t *testing.T) {
	for _, key := range []string{"ipv4/conf/eth0/proxy_arp", "ipv4/conf/eth0/proxy_arp_pvlan", "ipv4/conf/all/proxy_arp"} {
		synctest.Test(t, func(t *testing.T) {
			r := conflictRig(t, map[string]string{key: "1"})
			r.pass(surroundingsEvery + time.Second)
			expect(t, key, r.warned(), "proxy-arp")
			if text := r.cfg.Warnings.All()[0].Text; !strings.Contains(text, "sysctl -w net."+strings.ReplaceAll(key, "/", ".")+"=0") {
				t.Errorf("it does not say what to do: %s", text)
			}
			r.kernel.with(func() { r.set = map[string]string{key: "0"} })
			r.pass(surroundingsEvery)
			expect(t, key+" is 0", r.warned(), "")
		})
	}
	synctest.Test(t, func(t *testing.T) {
		sets := []Set{{Instance: "a", Link: "eth0", Addresses: []Address{{Prefix: vip6, Interface: "eth0"}}}}
		r := newRig(t, sets)
		r.kernel.with(func() { r.set = map[string]string{"ipv4/conf/eth0/proxy_arp": "1"} })
		r.pass(2 * surroundingsEvery)
		expect(t, "IPv6 alone", r.warned(), "")
	})
}

// Settings that a device needs and that cannot be written are a warning until they
// can.
func TestUnwritableSettingsAreAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		devs := macvlantest.New()
		devs.ReadOnly = errors.New("read-only file system")
		r := newRigOf(t, virtualSets(), new(fakeFirewall), devs)
		expect(t, "read-only", r.warned(), "settings")
		r.devs.With(func() { r.devs.ReadOnly = nil })
		r.pass(2 * surroundingsEvery)
		expect(t, "writable", r.warned(), "")
	})
}

// Stations that answer to the link's own MAC and not to the virtual one show a filter.
// Those that answer to both show none, and where they answer to neither nothing comes
// through, which is told by its own warning alone.
func TestUnreachedVirtualMAC(t *testing.T) {
	for _, c := range []struct {
		name         string
		device, link bool
		want         string
	}{
		{"both answered", true, true, ""},
		{"the link's alone", false, true, "unreached"},
		{"none", false, false, "unheard"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, virtualSets())
				r.links.Publish(event.Link{Seq: 3, Name: "eth0", Index: eth0, AdminUp: true, Usable: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}, Primary4: own4})
				synctest.Wait()
				r.listener.seen <- neigh.Sighting{Index: eth0, Address: host4, At: time.Now()}
				deaf := true
				hear := func() {
					for range 600 {
						r.pass(100 * time.Millisecond)
						for _, f := range r.packets.take() {
							answer := neigh.Sighting{Address: host4, Answer: true, At: time.Now(), MAC: otherMAC}
							switch {
							case strings.HasPrefix(f, "20:") && (c.device || !deaf):
								answer.Index = 20
							case strings.HasPrefix(f, "7:") && c.link:
								answer.Index = eth0
							default:
								continue
							}
							r.listener.seen <- answer
						}
					}
				}
				r.do(Hold, "v")
				hear()
				expect(t, "warned", r.warned(), c.want)
				deaf = false
				hear()
				expect(t, "the filter is gone", r.warned(), "")
				deaf = true
				hear()
				expect(t, "filtered again", r.warned(), c.want)
				r.do(Release, "v")
				expect(t, "released", r.warned(), "")
			})
		})
	}
}

// Stations are asked from an address that is held on the device, not from one of the
// link's own.
func TestReachSource(t *testing.T) {
	set := onLinks(&virtualSets()[0])
	h := &holding{set: set}
	for _, a := range set.Addresses {
		h.entries = append(h.entries, &entry{Address: a, at: ours})
	}
	if a, ok := reachSource(h); !ok || a != vip4.Addr() {
		t.Errorf("from %v, %t", a, ok)
	}
	h.entries[0].Prefix = netip.MustParsePrefix("2001:db8::1/64") // no station answers to it at the link-local
	if a, ok := reachSource(h); ok {
		t.Errorf("from %v", a)
	}
}
