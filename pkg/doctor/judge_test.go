package doctor

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/nic"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// well returns the facts of a router without problems: an instance on eth0.
func well() *Facts {
	sources := []netip.Prefix{netip.MustParsePrefix("192.0.2.11/24")}
	in := vrrp.Instance{Priority: 150, Interval: time.Second, Miss: 3, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	in.Name, in.Interface, in.VRID, in.Family = "inside", "eth0", 51, event.IPv4
	return &Facts{
		Plan: Plan{
			File: "ripcord.yaml", Groups: []vrrp.Group{{Members: []vrrp.Instance{in}}}, Watched: []string{"eth0"},
			Sets: []addr.Set{{Instance: "inside", Link: "eth0", Addresses: []addr.Address{{Prefix: netip.MustParsePrefix("192.0.2.1/24")}}}},
		},
		Links: []Link{{
			Link: event.Link{
				Name: "eth0", Index: 2, Usable: true, AdminUp: true, Carrier: true, OperState: event.OperUp, MTU: 1500,
				HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}, Primary4: sources[0].Addr(), Sources: &sources,
			},
			Report: nic.Report{Name: "eth0", Driver: "igb", Monitor: "netlink", Why: "the driver reports its carrier"},
		}},
		Settings:  map[string]string{"ipv4/conf/all/promote_secondaries": "1", "ipv4/conf/eth0/forwarding": "1", tcpLoose: "1"},
		Addresses: []Address{{Link: "eth0", Prefix: sources[0]}},
		Listened:  4 * time.Second,
	}
}

// TestJudge uses facts that a lab cannot produce, and those at the edge of a finding. Each case
// changes the facts of well, and lists all findings.
func TestJudge(t *testing.T) {
	instance := func(f *Facts) *vrrp.Instance { return &f.Groups[0].Members[0] }
	hears := func(f *Facts, change func(r *Router)) {
		r := Router{
			Link: "eth0", Source: netip.MustParseAddr("192.0.2.12"), MAC: [6]byte{2, 0, 0, 0, 0, 2}, Last: 3 * time.Second, Count: 4,
			Advert: wire.Advert{VRID: 51, Priority: 100, Interval: time.Second, Addresses: instance(f).Addresses},
		}
		change(&r)
		f.Routers = append(f.Routers, r)
	}
	for name, c := range map[string]struct {
		change func(f *Facts)
		want   string // the names, and a text in one of them
		says   string
	}{
		"well": {func(*Facts) {}, "", ""},
		"a driver that never reports": {func(f *Facts) {
			f.Links[0].Report.Monitor, f.Links[0].Report.Why = event.Unmonitored, "virtio without VIRTIO_NET_F_STATUS"
		}, "loss-unseen", "(driver igb): virtio without VIRTIO_NET_F_STATUS"},
		"a late driver, not asked": {func(f *Facts) {
			f.Links[0].Report.Driver = "e1000"
			f.Plan.Links = map[string]link.Settings{"eth0": {Monitor: link.Auto, Poll: time.Second}}
		}, "loss-late", "may detect a lost carrier of eth0 (driver e1000) 2s late"},
		"a transceiver": {func(f *Facts) { f.Links[0].Report.Monitor = string(link.ModeMII) }, "loss-unproven", "at most 1s late"},
		"a transceiver alone": {func(f *Facts) {
			f.Links[0].Report.Monitor, f.Links[0].OperState = string(link.ModeMII), event.OperUnknown
		}, "loss-late", "1s late"},
		"a transceiver, polled often": {func(f *Facts) {
			f.Links[0].Report.Monitor = string(link.ModeMII)
			f.Plan.Links = map[string]link.Settings{"eth0": {Monitor: link.Auto, Poll: 50 * time.Millisecond}}
		}, "", ""},
		"a NIC of a virtual machine":  {func(f *Facts) { f.Links[0].Report.Driver = "virtio_net" }, "virtual-nic", "(driver virtio_net)"},
		"a bond that watches nothing": {func(f *Facts) { f.Links[0].Bond = &Bond{} }, "bond-without-monitor", "miimon 0"},
		"a bond that watches":         {func(f *Facts) { f.Links[0].Bond = &Bond{MIIMonitor: 100} }, "", ""},
		"a bond that asks":            {func(f *Facts) { f.Links[0].Bond = &Bond{ARPInterval: 100} }, "", ""},
		"iptables-legacy":             {func(f *Facts) { f.Legacy = []string{"iptables filter"} }, "iptables-legacy", "(iptables filter)"},
		"what could not be read":      {func(f *Facts) { f.Unread = []Unread{{"the firewall", "permission denied"}} }, "not-looked-at", "could not check the firewall: permission denied"},
		"strict connection tracking":  {func(f *Facts) { f.Settings[tcpLoose] = "0" }, "conntrack-strict", "is 0"},
		"a free clock, no time":       {func(f *Facts) { f.ClockFree = true }, "", ""},
		"a free clock":                {func(f *Facts) { f.ClockFree, instance(f).HMAC = true, &vrrp.HMAC{Window: time.Second} }, "clock-free", "inside checks"},
		"networkd that keeps":         {func(f *Facts) { f.Links[0].Manager, f.Links[0].Keeps = Networkd, true }, "", ""},
		"strict rp_filter of all, loose": {func(f *Facts) {
			f.Settings["ipv4/conf/all/rp_filter"], f.Settings["ipv4/conf/eth0/rp_filter"] = "1", "2"
		}, "", ""},
		"arp_ignore 1 with a virtual MAC": {func(f *Facts) { f.Settings["ipv4/conf/eth0/arp_ignore"] = "1" }, "", ""},
		"no forwarding, one link":         {func(f *Facts) { f.Settings["ipv4/conf/eth0/forwarding"] = "0" }, "", ""},
		"the peer":                        {func(f *Facts) { hears(f, func(*Router) {}) }, "vrrp-peer", "192.0.2.12 (02:00:00:00:00:02) is Active"},
		"a peer of the virtual MAC, of whom that is known": {func(f *Facts) {
			instance(f).VirtualMAC = true
			hears(f, func(*Router) {})
		}, "virtual-mac-differs vrrp-peer", "but inside has virtual_mac: true"},
		"a peer that may have the virtual MAC, too": {func(f *Facts) {
			instance(f).VirtualMAC, instance(f).LinkMACAdverts = true, true
			hears(f, func(*Router) {})
		}, "vrrp-peer", ""},
		"the peer answers": {func(f *Facts) {
			hears(f, func(*Router) {})
			f.Answers = []Answer{{"eth0", instance(f).Addresses[0], [6]byte{2, 0, 0, 0, 0, 2}}}
		}, "vrrp-peer", ""},
		"the peer answers with the virtual MAC": {func(f *Facts) {
			hears(f, func(*Router) {})
			f.Answers = []Answer{{"eth0", instance(f).Addresses[0], wire.VirtualMAC(event.IPv4, 51)}}
		}, "vrrp-peer", ""},
		"the address has another VRID there": {func(f *Facts) {
			hears(f, func(r *Router) { r.Advert.VRID = 61 })
			f.Answers = []Answer{{"eth0", instance(f).Addresses[0], [6]byte{2, 0, 0, 0, 0, 2}}}
		}, "vrid-differs", "192.0.2.12 advertises 192.0.2.1 with VRID 61 on eth0, but inside uses VRID 51 for 192.0.2.1"},
		"another answers": {func(f *Facts) {
			hears(f, func(*Router) {})
			f.Answers = []Answer{{"eth0", instance(f).Addresses[0], [6]byte{2, 0, 0, 0, 0, 3}}}
		}, "address-in-use vrrp-peer", "02:00:00:00:00:03 on eth0 answers for 192.0.2.1 of inside"},
		"an Active that is not heard": {func(f *Facts) {
			f.Answers = []Answer{{"eth0", instance(f).Addresses[0], wire.VirtualMAC(event.IPv4, 51)}}
		}, "address-in-use", "00:00:5e:00:01:33"},
		"a takeover while it listens": {func(f *Facts) {
			hears(f, func(r *Router) { r.Last = time.Second })
			hears(f, func(r *Router) { r.Source, r.First = netip.MustParseAddr("192.0.2.13"), 900*time.Millisecond })
		}, "vrrp-peer vrrp-peer", ""},
		"two side by side, of two virtual routers": {func(f *Facts) {
			single := *instance(f)
			single.Name, single.Unicast.Peers = "single", []netip.Addr{netip.MustParseAddr("192.0.2.12")}
			f.Groups = append(f.Groups, vrrp.Group{Members: []vrrp.Instance{single}})
			f.Sets = append(f.Sets, addr.Set{Instance: "single", Link: "eth0"})
			hears(f, func(r *Router) { r.Dest = netip.MustParseAddr("192.0.2.11") })
			hears(f, func(r *Router) {
				r.Source, r.Dest, r.Own = netip.MustParseAddr("192.0.2.11"), wire.GroupOf(event.IPv4), true
			})
		}, "vrrp-peer", "Active for VRID 51 of single on eth0"},
		"two side by side": {func(f *Facts) {
			hears(f, func(*Router) {})
			hears(f, func(r *Router) { r.Source, r.Own = netip.MustParseAddr("192.0.2.11"), true })
		}, "two-actives vrrp-peer", "192.0.2.12 and 192.0.2.11 are both Active for VRID 51 on eth0"},
		"neither has addresses": {func(f *Facts) {
			instance(f).Addresses = nil
			hears(f, func(r *Router) { r.Advert.Addresses = nil })
		}, "vrrp-peer", ""},
		"a password of ours": {func(f *Facts) {
			instance(f).Version, instance(f).Auth = wire.V2, wire.Password("word")
			hears(f, func(r *Router) { r.Advert.Version, r.Advert.Auth = wire.V2, wire.Password("word") })
		}, "vrrp-peer", ""},
		"a clock within half the window": {func(f *Facts) {
			instance(f).HMAC = &vrrp.HMAC{Window: 5 * time.Second}
			hears(f, func(r *Router) { r.Advert.Signed, r.Skew = true, -2*time.Second })
		}, "vrrp-peer", ""},
		"a clock beyond it": {func(f *Facts) {
			instance(f).HMAC = &vrrp.HMAC{Window: 5 * time.Second}
			hears(f, func(r *Router) { r.Advert.Signed, r.Skew = true, -3*time.Second })
		}, "clock-skew vrrp-peer", "differs by 3s"},
		"not signed, and it need not be": {func(f *Facts) {
			instance(f).HMAC = &vrrp.HMAC{Mode: vrrp.Permissive}
			hears(f, func(*Router) {})
		}, "vrrp-peer", ""},
		"an owner's address": {func(f *Facts) {
			instance(f).Priority = vrrp.Owner
			f.Addresses = append(f.Addresses, Address{Link: "eth0", Prefix: netip.MustParsePrefix("192.0.2.1/24")})
		}, "", ""},
		"an address that stays": {func(f *Facts) {
			f.Addresses = append(f.Addresses, Address{Link: "lo", Prefix: netip.MustParsePrefix("192.0.2.1/32")})
		}, "address-stays", "192.0.2.1 of inside is on lo"},
		"an Active before Linux 5.18": {func(f *Facts) {
			f.Addresses = append(f.Addresses, Address{Link: "eth0", Prefix: netip.MustParsePrefix("192.0.2.1/24")})
			hears(f, func(r *Router) { r.Own = true })
		}, "", ""},
		"an address that ripcord holds": {func(f *Facts) {
			f.Addresses = append(f.Addresses, Address{Link: "eth0", Prefix: netip.MustParsePrefix("192.0.2.1/24"), Marked: true})
			f.Programs = []Program{{Name: "ripcord", PID: 7}}
		}, "", ""},
		"a link of another name": {func(f *Facts) {
			f.Links[0].Device, f.Settings["ipv4/conf/wan.5/rp_filter"] = "wan.5", "1"
		}, "rp-filter", "net.ipv4.conf.wan/5.rp_filter is 1"},
	} {
		f := well()
		c.change(f)
		findings := Judge(f)
		var names, lines []string
		for _, x := range findings {
			names, lines = append(names, x.Name), append(lines, x.Line())
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
		if text := strings.Join(lines, "\n"); !strings.Contains(text, c.says) || strings.ContainsAny(text, "{}`") {
			t.Errorf("%s: the text is %q, want %q", name, text, c.says)
		}
		notes := !slices.ContainsFunc(findings, func(x Finding) bool { return x.Severity != Note })
		if Clean(findings) != notes {
			t.Errorf("%s: clean: %v", name, Clean(findings))
		}
	}
}

// TestOrder requires that the most severe findings come first.
func TestOrder(t *testing.T) {
	f := well()
	f.Legacy, f.Settings["ipv4/conf/all/rp_filter"], f.Watched = []string{"x"}, "1", []string{"eth0", "eth9"}
	var got []Severity
	for _, x := range Judge(f) {
		got = append(got, x.Severity)
	}
	if want := []Severity{Error, Warning, Note}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
