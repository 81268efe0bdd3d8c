package doctor

import (
	"net/netip"
	"slices"

	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// addressChecks are about who has the virtual addresses.
var addressChecks = []check{
	{
		name: "address-in-use", severity: Error,
		what:   "{mac} on {link} answers for {address} of {instance}, but no Active of VRID {vrid} with that MAC was heard there",
		why:    "two machines would answer for the address, or there is an Active whose adverts do not arrive here",
		remedy: "find the machine (`ip neigh show {address}`, the MAC table of the switch). Give it another address, or find what drops its adverts",
		look:   inUse,
	},
	{
		name: "address-stays", severity: Error,
		what:   "{address} of {instance} is on {link}, and ripcord did not add it",
		why:    "this machine answers for it even as a Backup",
		remedy: "`ip address del {prefix} dev {link}`, and remove it from the network configuration of this machine",
		look:   stays,
	},
	{
		name: "address-left", severity: Error,
		what:   "{address} is on {link} with the mark of ripcord, but no ripcord runs",
		why:    "this machine answers for it, whichever router is Active",
		remedy: "`ripcord clean`",
		look:   left,
	},
}

// inUse reports stations that answer for a virtual address and, by the adverts, are not its Active.
func inUse(f *Facts) (all []found) {
	for _, a := range f.Answers {
		for in := range f.instances() {
			if in.Interface != a.Link || !isVirtual(a.Address, in) || f.isOwnMAC(a.MAC) || activeHas(f, in, a.MAC) {
				continue
			}
			all = append(all, found{"subject": in.Name, "instance": in.Name, "link": a.Link, "address": a.Address.String(), "mac": mac(a.MAC), "vrid": vridText(in)})
		}
	}
	return all
}

func vridText(in *vrrp.Instance) string { return itoa(int(in.VRID)) }

// isVirtual reports whether an address is one of those that the routers of an instance share.
func isVirtual(ip netip.Addr, in *vrrp.Instance) bool {
	return slices.Contains(in.Addresses, ip) || slices.Contains(in.Extra, ip)
}

// activeHas reports whether a router that was heard to advertise an instance, or its addresses with
// another VRID, may answer with a MAC: the one from which it sends, or the virtual one.
func activeHas(f *Facts, in *vrrp.Instance, m [6]byte) bool {
	for i := range f.Routers {
		r := &f.Routers[i]
		shares, _ := f.sharing(r)
		if (f.ours(r) == in || shares == in) && (r.MAC == m || m == wire.VirtualMAC(in.Family, r.Advert.VRID)) {
			return true
		}
	}
	return false
}

func stays(f *Facts) (all []found) {
	for in := range f.instances() {
		for _, a := range f.Addresses {
			if isVirtual(a.Prefix.Addr(), in) && !a.Marked && in.Priority != vrrp.Owner && !serves(f, in) {
				all = append(all, found{"subject": in.Name, "instance": in.Name, "link": a.Link, "address": a.Prefix.Addr().String(), "prefix": a.Prefix.String()})
			}
		}
	}
	return all
}

// serves reports whether this machine was heard to be Active for an instance: then its addresses
// belong here, with the mark, or before Linux 5.18 without.
func serves(f *Facts, in *vrrp.Instance) bool {
	return slices.ContainsFunc(f.Routers, func(r Router) bool { return r.Own && f.ours(&r) == in })
}

func left(f *Facts) (all []found) {
	if slices.ContainsFunc(f.Programs, func(p Program) bool { return p.Name == ownName }) {
		return nil
	}
	for _, a := range f.Addresses {
		if a.Marked {
			all = append(all, found{"subject": a.Link, "link": a.Link, "address": a.Prefix.Addr().String()})
		}
	}
	return all
}

// ownName is the name of ripcord's own process.
const ownName = "ripcord"
