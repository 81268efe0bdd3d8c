package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/advert/validate"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// segmentChecks are about the other routers that speak VRRP, and whether adverts get through.
var segmentChecks = []check{
	{
		name: "two-actives", severity: Error,
		what:   "{source} and {other} are both Active for VRID {vrid} on {link}",
		why:    "hosts reach one or the other at random",
		remedy: "find out why the one with the lower priority or address does not hear the other: run `ripcord doctor` and `tcpdump -ni {link} proto 112` there",
		look:   twoActives,
	},
	{
		name: "vrid-taken", severity: Error,
		what:   "{source} is Active for VRID {vrid} of {instance} on {link}, with other addresses: {addresses}",
		why:    "it is another virtual router; while its priority is at least as high, nobody serves the addresses of {instance}",
		remedy: "give {instance} an unused `vrid`",
		look:   vridTaken,
	},
	{
		name: "vrid-differs", severity: Error,
		what:   "{source} advertises {addresses} with VRID {vrid} on {link}, but {instance} uses VRID {ours} for {shared}",
		why:    "both routers are Active, and both answer for the address",
		remedy: "set the same `vrid` on both",
		look:   vridDiffers,
	},
	{
		name: "addresses-differ", severity: Warning,
		what:   "{source} advertises {addresses} for VRID {vrid} on {link}, but {instance} has {ours}",
		why:    "after a failover, nobody serves some of the addresses",
		remedy: "give all routers of {instance} the same `addresses`",
		look:   addressesDiffer,
	},
	{
		name: "version-differs", severity: Error,
		what:   "{source} uses {theirs} for VRID {vrid} on {link}, but {instance} uses {ours}",
		why:    "both routers reject the other's adverts",
		remedy: "set `version: {number}` for {instance}",
		look:   versionDiffers,
	},
	{
		name: "auth-differs", severity: Error,
		what:   "{instance} rejects the adverts of {source} for VRID {vrid} on {link}: {reason}",
		why:    "both routers become Active",
		remedy: "give all routers of {instance} the same `auth`",
		look:   authDiffers,
	},
	{
		name: "interval-differs", severity: Warning,
		what:   "{source} advertises every {theirs} for VRID {vrid} on {link}, but {instance} every {ours}",
		why:    "VRRPv2 rejects such adverts, so both are Active; with VRRPv3 the time of a failover depends on which router is Active",
		remedy: "set `interval: {theirs}` for {instance}, or our interval on {source}",
		look:   intervalDiffers,
	},
	{
		name: "same-priority", severity: Warning,
		what:   "{source} has priority {priority} for VRID {vrid} on {link}, and so has {instance}",
		why:    "the source addresses decide which router is Active, which is not visible in the configuration",
		remedy: "give each router of {instance} a different `priority`",
		look:   samePriority,
	},
	{
		name: "own-address", severity: Error,
		what:   "another router ({mac}) sends adverts of VRID {vrid} on {link} from {source}, which is an address of this machine",
		why:    "both reject the other's adverts, so both are Active, for example after a machine was cloned",
		remedy: "give each router its own address",
		look:   ownAddress,
	},
	{
		name: "carp", severity: Error,
		what:   "{source} uses CARP with id {vrid} on {link}, which is the VRID of {instance}",
		why:    "both use the MAC {mac}, and hosts cannot distinguish them",
		remedy: "give {instance} another `vrid`, or CARP another id",
		look:   carp,
	},
	{
		name: "invalid-adverts", severity: Warning,
		what:   "adverts of {source} for VRID {vrid} on {link} are not valid: {reason}",
		why:    "routers that receive them reject them, and become Active, too",
		remedy: "correct the configuration of {source}",
		look:   invalidAdverts,
	},
	{
		name: "virtual-mac-differs", severity: Warning,
		what:   "{source} sends adverts of VRID {vrid} on {link} from {mac}, but {instance} has `virtual_mac: {ours}`",
		why:    "hosts must learn another MAC at each failover, and a keepalived with `vmac_xmit_base` hears no adverts from the virtual MAC, so both would be Active",
		remedy: "set `virtual_mac: {theirs}` for {instance} (if {source} has `vmac_xmit_base`: `virtual_mac_adverts: false`), or our value on {source}",
		look:   virtualMACDiffers,
	},
	{
		name: "clock-skew", severity: Error,
		what:   "the clock of {source} differs by {skew} from this machine's, and `auth.hmac.window` of {instance} is {window}",
		why:    "adverts with a larger difference are rejected, and both routers become Active",
		remedy: "synchronise both clocks: `timedatectl set-ntp true`, `chronyc makestep`",
		look:   clockSkew,
	},
	{
		name: "snooping-without-querier", severity: Warning,
		what:   "{link} is a bridge with multicast snooping, but there is no querier: its own is off, and no query was heard in {listened}",
		why:    "without queries memberships expire, and switches with snooping then forward no adverts",
		remedy: "`ip link set {link} type bridge mcast_querier 1`, or a querier on a switch of the segment, or `mcast_snooping 0`",
		look:   snooping,
	},
	{
		name: "virtual-mac-filtered", severity: Error,
		what:   "{station} answers {link}, but not the virtual MAC {mac} of {instance}",
		why:    "the switch port or the host of this machine admits only one MAC, so nothing would reach the virtual addresses here",
		remedy: "allow the MAC (port security; on a virtual switch: forged transmits and MAC changes), or set `virtual_mac: false` on all routers",
		look:   filteredMAC,
	},
	{
		name: "vrrp-peer", severity: Note,
		what:   "{source} ({mac}) is Active for VRID {vrid} of {instance} on {link}: {theirs}, priority {priority}, every {interval}",
		why:    "{instance} takes over from that router {when}",
		remedy: "nothing",
		look:   peers,
	},
	{
		name: "vrrp-other", severity: Note,
		what:   "{source} ({mac}) is Active for VRID {vrid} on {link}: {theirs}, priority {priority}, every {interval}, for {addresses}",
		why:    "a VRID identifies one virtual router on a segment",
		remedy: "use another `vrid`, unless it should be the same virtual router",
		look:   others,
	},
}

// valid returns a finding for each other router with well-formed VRRP adverts for which look
// returns words.
func valid(f *Facts, look func(r *Router, in *vrrp.Instance) found) (all []found) {
	for i := range f.Routers {
		r := &f.Routers[i]
		if r.Own || r.Problem != "" || r.CARP {
			continue
		}
		if words := look(r, f.ours(r)); words != nil {
			all = append(all, r.words(words))
		}
	}
	return all
}

// words adds the words that all findings about a router share.
func (r *Router) words(w found) found {
	more := found{
		"subject": r.Link, "link": r.Link, "source": r.Source.String(), "vrid": fmt.Sprint(r.Advert.VRID), "mac": mac(r.MAC),
		"addresses": list(r.Advert.Addresses), "priority": fmt.Sprint(r.Advert.Priority), "interval": r.Advert.Interval.String(),
	}
	if len(r.Advert.Addresses) == 0 {
		more["addresses"] = "no address"
	}
	for name, word := range w {
		more[name] = word
	}
	return more
}

func mac(m [6]byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// twoActives reports routers of one virtual router that advertised at the same time for longer than
// an interval, so that neither yielded to the other.
func twoActives(f *Facts) (all []found) {
	for i := range f.Routers {
		a := &f.Routers[i]
		for j := range f.Routers[:i] {
			b := &f.Routers[j]
			same := a.Link == b.Link && a.Advert.VRID == b.Advert.VRID && event.FamilyOf(a.Source) == event.FamilyOf(b.Source) && f.ours(a) == f.ours(b)
			together := min(a.Last, b.Last) - max(a.First, b.First)
			if same && a.Problem == "" && b.Problem == "" && !a.CARP && !b.CARP && a.Source != b.Source &&
				together > max(a.Advert.Interval, b.Advert.Interval) {
				all = append(all, b.words(found{"other": a.Source.String()}))
			}
		}
	}
	return all
}

// stranger reports whether a router with the VRID of an instance belongs to another virtual router:
// they have no address in common.
func stranger(r *Router, in *vrrp.Instance) bool {
	return len(r.Advert.Addresses)+len(in.Addresses) > 0 && validate.Disjoint(r.Advert.Addresses, in.Addresses)
}

func vridTaken(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if in == nil || !stranger(r, in) {
			return nil
		}
		return found{"instance": in.Name}
	})
}

// vridDiffers reports routers that advertise an address of an instance with another VRID.
func vridDiffers(f *Facts) []found {
	return valid(f, func(r *Router, _ *vrrp.Instance) found {
		in, shared := f.sharing(r)
		if in == nil {
			return nil
		}
		return found{"instance": in.Name, "ours": vridText(in), "shared": list(shared)}
	})
}

// sharing returns an instance of which a router advertises addresses with another VRID, and these
// addresses; nil if there is none.
func (f *Facts) sharing(r *Router) (*vrrp.Instance, []netip.Addr) {
	for in := range f.instances() {
		if in.Interface != r.Link || in.VRID == r.Advert.VRID {
			continue
		}
		shared := slices.DeleteFunc(slices.Clone(in.Addresses), func(a netip.Addr) bool { return !slices.Contains(r.Advert.Addresses, a) })
		if len(shared) > 0 {
			return in, shared
		}
	}
	return nil, nil
}

func addressesDiffer(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if in == nil || validate.SameAddresses(r.Advert.Addresses, in.Addresses) || stranger(r, in) {
			return nil
		}
		ours := list(in.Addresses)
		if ours == "" {
			ours = "none"
		}
		return found{"instance": in.Name, "ours": ours}
	})
}

func versionDiffers(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if in == nil || in.Version == r.Advert.Version {
			return nil
		}
		return found{"instance": in.Name, "theirs": r.Advert.Version.String(), "ours": in.Version.String(), "number": fmt.Sprint(r.Advert.Version.Number())}
	})
}

func authDiffers(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if in == nil || in.Version != r.Advert.Version {
			return nil
		}
		reason := ""
		switch err := in.Auth.Admits(r.Advert.Auth); {
		case r.Auth != "":
			reason = r.Auth
		case err != nil && r.Advert.Auth.Type == wire.AuthNone:
			reason = "they bear no password"
		case err != nil && in.Auth.Type == wire.AuthNone:
			reason = "they bear a password, and it has none"
		case err != nil:
			reason = "they bear another password"
		case in.HMAC == nil && r.Advert.Signed:
			reason = "they are signed, and it has no `auth.hmac`"
		case in.HMAC != nil && in.HMAC.Mode == vrrp.Enforce && !r.Advert.Signed:
			reason = "they are not signed"
		default:
			return nil
		}
		return found{"instance": in.Name, "reason": reason}
	})
}

func intervalDiffers(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if in == nil || in.Interval == r.Advert.Interval {
			return nil
		}
		return found{"instance": in.Name, "theirs": r.Advert.Interval.String(), "ours": in.Interval.String()}
	})
}

func samePriority(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if in == nil || in.Priority != r.Advert.Priority || stranger(r, in) {
			return nil
		}
		return found{"instance": in.Name}
	})
}

func ownAddress(f *Facts) []found {
	return valid(f, func(r *Router, _ *vrrp.Instance) found {
		for _, a := range f.Addresses {
			if a.Prefix.Addr() == r.Source && !f.isOwnMAC(r.MAC) && (a.Link == r.Link || !r.Source.IsLinkLocalUnicast()) {
				return found{}
			}
		}
		return nil
	})
}

func carp(f *Facts) (all []found) {
	for i := range f.Routers {
		if r := &f.Routers[i]; r.CARP {
			if in := f.ours(r); in != nil {
				all = append(all, r.words(found{"instance": in.Name, "mac": mac(wire.VirtualMAC(in.Family, in.VRID))}))
			}
		}
	}
	return all
}

func invalidAdverts(f *Facts) (all []found) {
	for i := range f.Routers {
		if r := &f.Routers[i]; r.Problem != "" && !r.CARP && !r.Own {
			all = append(all, r.words(found{"reason": r.Problem}))
		}
	}
	return all
}

func virtualMACDiffers(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if in == nil || stranger(r, in) {
			return nil
		}
		theirs := r.MAC == wire.VirtualMAC(in.Family, in.VRID)
		if theirs == in.VirtualMAC || in.VirtualMAC && !in.FromVirtualMAC() { // our own adverts do not show it either
			return nil
		}
		return found{"instance": in.Name, "theirs": fmt.Sprint(theirs), "ours": fmt.Sprint(in.VirtualMAC)}
	})
}

// clockSkew reports clocks that differ by more than half of the window beyond which adverts are
// rejected.
func clockSkew(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if in == nil || in.HMAC == nil || in.HMAC.Window == 0 || !r.Advert.Signed || r.Auth != "" || r.Skew.Abs() <= in.HMAC.Window/2 {
			return nil
		}
		return found{"instance": in.Name, "skew": r.Skew.Abs().Round(time.Millisecond).String(), "window": in.HMAC.Window.String()}
	})
}

func snooping(f *Facts) (all []found) {
	for l := range f.serving() {
		if b := l.Bridge; b != nil && b.Snoops && !b.Queries && !f.Queriers[l.Name] {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "listened": f.Listened.String()})
		}
	}
	return all
}

func filteredMAC(f *Facts) (all []found) {
	for _, p := range f.Ports {
		if !p.Answered {
			all = append(all, found{"subject": p.Link, "link": p.Link, "station": p.Station.String(), "mac": mac(p.MAC), "instance": p.Instance})
		}
	}
	return all
}

func peers(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if in == nil || stranger(r, in) {
			return nil
		}
		when := "if it falls silent"
		switch {
		case in.Priority > r.Advert.Priority:
			when = "at once if `preempt` is on, because its priority is higher"
		case in.Priority == r.Advert.Priority:
			when = "if it falls silent, or has the lower address"
		}
		return found{"instance": in.Name, "theirs": r.Advert.Version.String(), "when": when}
	})
}

func others(f *Facts) []found {
	return valid(f, func(r *Router, in *vrrp.Instance) found {
		if shares, _ := f.sharing(r); in != nil || shares != nil {
			return nil
		}
		return found{"theirs": r.Advert.Version.String()}
	})
}
