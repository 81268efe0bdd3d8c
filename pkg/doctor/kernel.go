package doctor

import (
	"fmt"
	"net/netip"
	"strings"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/vrrp"
)

// kernelChecks are about the settings of the kernel's network stack.
var kernelChecks = []check{
	{
		name: "rp-filter", severity: Warning,
		what:   "{key} is 1: the reverse path filter of {link} is strict",
		why:    "the kernel drops packets that arrive on another link than the route back uses, for example adverts from another subnet, or all traffic of a segment that failed over alone",
		remedy: "`sysctl -w {own}=2`",
		look:   strictReversePath,
	},
	{
		name: "arp-ignore", severity: Error,
		what:   "{key} is {value}, so {link} does not answer for {address}",
		why:    "hosts do not find the new Active",
		remedy: "`sysctl -w {key}={best}`",
		look:   ignoredARP,
	},
	{
		name: "arp-filter", severity: Warning,
		what:   "{key} is 1",
		why:    "the macvlan of a virtual MAC does not answer for its address if the route to the asking host uses {link}",
		remedy: "`sysctl -w {key}=0`",
		look:   filteredARP,
	},
	{
		name: "proxy-arp", severity: Error,
		what:   "{key} is {value}: this machine answers ARP for addresses of other machines",
		why:    "two routers answer for the virtual addresses",
		remedy: "`sysctl -w {key}=0`",
		look:   proxyARP,
	},
	{
		name: "promote-secondaries", severity: Warning,
		what:   "promote_secondaries of {links} is 0, and that of all as well",
		why:    "when an address is removed, the kernel also removes the others of its subnet, including the router's own; ripcord sets it only while it runs",
		remedy: "`sysctl -w {key}=1`, and the same in /etc/sysctl.d",
		look:   noPromotion,
	},
	{
		name: "forwarding", severity: Warning,
		what:   "this machine has several links, but does not forward {family} on {links} ({key} is 0)",
		why:    "hosts that use a virtual address as gateway lose their connection when this router takes over",
		remedy: "`sysctl -w {all}=1`, and the same in /etc/sysctl.d. Nothing to do if the addresses belong to services on this machine",
		look:   noForwarding,
	},
	{
		name: "same-subnet-twice", severity: Warning,
		what:   "{link} and {other} are both in {subnet}, and {key} is 0",
		why:    "each link answers ARP for the addresses of the other, so hosts learn the wrong MAC for a virtual address",
		remedy: "`sysctl -w {all}=1`, or keep only one link in the subnet",
		look:   sameSubnet,
	},
	{
		name: "dad-disables-ipv6", severity: Warning,
		what:   "{key} is 2",
		why:    "a single station that has the link-local address of {link}, even for a moment, disables IPv6 on it permanently",
		remedy: "`sysctl -w {key}=1`",
		look:   strictDAD,
	},
	{
		name: "conntrack-strict", severity: Warning,
		what:   "net.netfilter.nf_conntrack_tcp_loose is 0",
		why:    "after a failover, the new Active treats packets of established TCP connections as invalid, since it did not see their beginning",
		remedy: "`sysctl -w net.netfilter.nf_conntrack_tcp_loose=1`, or synchronise the connections with conntrackd",
		look:   strictConntrack,
	},
	{
		name: "settings-read-only", severity: Error,
		what:   "/proc/sys is read-only here, and {key} is {value}",
		why:    "ripcord must set it to {best} while it holds addresses, and cannot",
		remedy: "`sysctl -w {key}={best}` on the host of this container, or a container with write access to /proc/sys",
		look:   readOnlySettings,
	},
}

func strictReversePath(f *Facts) (all []found) {
	const key = "ipv4/conf/*/rp_filter"
	for l := range f.serving() {
		if value, scope := f.setting(key, l); value == 1 {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "key": dotted(onLink(key, scope)), "own": dotted(onLink(key, l.Own()))})
		}
	}
	return all
}

const arpIgnore = "ipv4/conf/*/arp_ignore"

// ignoredARP reports links that do not answer for virtual addresses: with arp_ignore 1 or more not
// for those of other links, with 2 not to hosts outside the subnet of the address, with 3 and more
// not for some or all.
func ignoredARP(f *Facts) (all []found) {
	for l := range f.serving() {
		value, scope := f.setting(arpIgnore, l)
		if address, best := unanswered(f, l, value); address != "" {
			all = append(all, found{
				"subject": l.Name, "link": l.Own(), "key": dotted(onLink(arpIgnore, scope)), "value": fmt.Sprint(value), "address": address, "best": best,
			})
		}
	}
	return all
}

// unanswered names the first address of a link for which the kernel answers no ARP request while
// arp_ignore has this value, and the greatest value with which it does. It returns empty texts
// if there is none.
func unanswered(f *Facts, l *Link, ignore int) (address, best string) {
	switch {
	case ignore >= 3:
		return "all of its addresses", "1"
	case ignore < 1:
		return "", ""
	}
	for in := range f.on(l) {
		for _, a := range f.held(in) {
			elsewhere := a.Interface != "" && a.Interface != in.Interface
			lone := ignore == 2 && a.Prefix.Bits() == 32
			switch {
			case !a.Prefix.Addr().Is4():
			case elsewhere && (lone || !in.VirtualMAC):
				return fmt.Sprintf("%v, which is put on %s", a.Prefix, a.Interface), "0"
			case lone:
				return a.Prefix.String(), "1"
			}
		}
	}
	return "", ""
}

func filteredARP(f *Facts) (all []found) {
	const key = "ipv4/conf/*/arp_filter"
	for l := range f.serving() {
		virtual := f.carries(l, func(in *vrrp.Instance) bool { return in.VirtualMAC && in.Family == event.IPv4 })
		if value, scope := f.setting(key, l); virtual && value == 1 {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "key": dotted(onLink(key, scope))})
		}
	}
	return all
}

func proxyARP(f *Facts) (all []found) {
	for l := range f.serving() {
		read := func(key string) (string, bool) { v, ok := f.Settings[key]; return v, ok }
		if key, value, ok := neigh.AnswersForOthers(l.Own(), read); ok {
			all = append(all, found{"subject": l.Name, "key": dotted(key), "value": value})
		}
	}
	return all
}

const promoteSecondaries = "ipv4/conf/*/promote_secondaries"

func noPromotion(f *Facts) []found {
	var lacking []*Link
	for l := range f.serving() {
		if value, _ := f.setting(promoteSecondaries, l); value == 0 {
			lacking = append(lacking, l)
		}
	}
	return together(lacking, promoteSecondaries)
}

// together makes one finding about several links, with the key of the setting of the only link, or
// of all.
func together(links []*Link, key string) []found {
	if len(links) == 0 {
		return nil
	}
	var names []string
	for _, l := range links {
		names = append(names, l.Own())
	}
	subject, scope := links[0].Name, names[0]
	if len(links) > 1 {
		subject, scope = machine, "all"
	}
	return []found{{"subject": subject, "links": strings.Join(names, ", "), "key": dotted(onLink(key, scope))}}
}

// noForwarding reports links that do not forward, on a machine that is probably a router: it has
// several links with addresses of the family.
func noForwarding(f *Facts) (all []found) {
	for _, family := range []event.Family{event.IPv4, event.IPv6} {
		key, switched := "ipv4/conf/*/forwarding", "ipv4/ip_forward"
		if family == event.IPv6 {
			key, switched = "ipv6/conf/*/forwarding", "ipv6/conf/all/forwarding"
		}
		if !routes(f, family) {
			continue
		}
		var lacking []*Link
		for l := range f.serving() {
			carries := f.carries(l, func(in *vrrp.Instance) bool { return in.Family == family })
			if value, ok := f.number(onLink(key, l.Own())); ok && value == 0 && carries {
				lacking = append(lacking, l)
			}
		}
		for _, words := range together(lacking, key) {
			words["family"], words["all"] = familyName(family), dotted(switched)
			all = append(all, words)
		}
	}
	return all
}

// routes reports whether several links have addresses of a family that are not only link-local.
func routes(f *Facts, family event.Family) bool {
	links := make(map[string]bool)
	for _, a := range f.Addresses {
		ip := a.Prefix.Addr()
		if event.FamilyOf(ip) == family && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !a.Marked && a.Link != "lo" {
			links[a.Link] = true
		}
	}
	return len(links) > 1
}

func sameSubnet(f *Facts) (all []found) {
	first := make(map[netip.Prefix]string)
	for _, a := range f.Addresses {
		subnet := a.Prefix.Masked()
		l := f.link(a.Link)
		if !subnet.Addr().Is4() || subnet.Bits() > 30 || a.Marked || l == nil || a.Link == "lo" {
			continue
		}
		other, known := first[subnet]
		if !known {
			first[subnet] = a.Link
			continue
		}
		if value, _ := f.setting(arpIgnore, l); other != a.Link && value == 0 {
			one, two := min(other, a.Link), max(other, a.Link)
			all = append(all, found{"subject": one, "link": one, "other": two, "subnet": subnet.String(),
				"key": dotted(onLink(arpIgnore, l.Own())), "all": dotted(onLink(arpIgnore, "all"))})
		}
	}
	return all
}

func strictDAD(f *Facts) (all []found) {
	const key = "ipv6/conf/*/accept_dad"
	for l := range f.serving() {
		if value, scope := f.setting(key, l); value == 2 && !disabled(f, l) {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "key": dotted(onLink(key, scope))})
		}
	}
	return all
}

func strictConntrack(f *Facts) []found {
	if f.Settings[tcpLoose] != "0" {
		return nil
	}
	return []found{{"subject": machine}}
}

const tcpLoose = "netfilter/nf_conntrack_tcp_loose"

func readOnlySettings(f *Facts) (all []found) {
	if !f.ReadOnly {
		return nil
	}
	for l := range f.serving() {
		if value, _ := f.setting(promoteSecondaries, l); value == 0 {
			all = append(all, found{"subject": l.Name, "key": dotted(onLink(promoteSecondaries, l.Own())), "value": "0", "best": "1"})
		}
		for in := range f.on(l) {
			if value, _ := f.setting(arpIgnore, l); in.VirtualMAC && value == 0 {
				all = append(all, found{"subject": l.Name, "key": dotted(onLink(arpIgnore, l.Own())), "value": "0", "best": "1"})
			}
		}
	}
	return all
}

// keysOfLinks are the settings that are read for each link, and for all.
var keysOfLinks = []string{
	"ipv4/conf/*/rp_filter", arpIgnore, "ipv4/conf/*/arp_filter", "ipv4/conf/*/proxy_arp", "ipv4/conf/*/proxy_arp_pvlan",
	promoteSecondaries, "ipv4/conf/*/forwarding", "ipv6/conf/*/forwarding", disableIPv6, "ipv6/conf/*/accept_dad",
}
