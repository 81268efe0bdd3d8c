package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/listing"
	"ripcord/pkg/vrrp"
)

// linkChecks are about the links that carry adverts.
var linkChecks = []check{
	{
		name: "interface-missing", severity: Error,
		what:   "{file} names the interface {link}, which does not exist",
		why:    "instances on it, or that track it, are in Fault",
		remedy: "create it, or correct its name; `ripcord link` lists the interfaces",
		look:   missingInterfaces,
	},
	{
		name: "link-down", severity: Error,
		what:   "{link} is not usable: {trouble}",
		why:    "an instance on it is in Fault, so this router cannot take over",
		remedy: "plug in its cable; `ip link set {link} up`",
		look:   downLinks,
	},
	{
		name: "link-is-port", severity: Error,
		what:   "{link} is a port of {master}, which takes all packets that arrive on it",
		why:    "its instances hear no adverts, so they are in Fault",
		remedy: "configure the device above it as `interface`, or `ip link set {link} nomaster`",
		look:   portLinks,
	},
	{
		name: "ipv6-off", severity: Error,
		what:   "{key} is 1, and {instance} is an IPv6 instance",
		why:    "the instance has no address to send adverts from, and is in Fault",
		remedy: "`sysctl -w {key}=0`",
		look:   ipv6Off,
	},
	{
		name: "no-source-address", severity: Error,
		what:   "{link} has no {kind} address of its own for the adverts of {instance}",
		why:    "the instance is in Fault (no-primary-ip-address)",
		remedy: "`ip address add {example} dev {link}`, and the same in the network configuration of this machine",
		look:   noSource,
	},
	{
		name: "source-missing", severity: Error,
		what:   "{source}, the `source` of {instance}, is neither on {link} nor on a loopback link",
		why:    "the instance is in Fault (no-primary-ip-address)",
		remedy: "add the address, or configure another `source`",
		look:   sourceMissing,
	},
	{
		name: "duplicate-address", severity: Error,
		what:   "duplicate address detection found {address} on another station on {link}",
		why:    "ripcord cannot send adverts from it",
		remedy: "give one of the two another address, then remove it here and add it again: `ip address del {address} dev {link}`",
		look:   duplicateAddresses,
	},
	{
		name: "source-elsewhere", severity: Warning,
		what:   "{instance} sends adverts on {link} from {source}, which is not in the subnet of {whom}",
		why:    "routers with a strict reverse path filter do not hear them, and become a second Active",
		remedy: "add an address of that subnet: `ip address add ADDRESS/LENGTH dev {link}`, or configure it as `source`",
		look:   sourceElsewhere,
	},
	{
		name: "mtu-too-small", severity: Error,
		what:   "the MTU of {link} is {mtu}, but an advert of {instance} has {length} bytes",
		why:    "the advert cannot be sent, so another router becomes a second Active",
		remedy: "`ip link set {link} mtu 1500`, or distribute the addresses to two instances",
		look:   smallMTU,
	},
	{
		name: "loss-unseen", severity: Error,
		what:   "nothing reports a lost carrier of {link} (driver {driver}): {reason}",
		why:    "ripcord does not detect a pulled cable, and this router stays Active without a connection",
		remedy: "track a check of a station behind the link (`ping`); on a virtual machine, let the host report the link state",
		look:   lossUnseen,
	},
	{
		name: "loss-late", severity: Warning,
		what:   "ripcord may detect a lost carrier of {link} (driver {driver}) {late} late: {reason}",
		why:    "the failover starts that much later",
		remedy: "set `links.{link}.{key}` to {value}",
		look:   lossLate,
	},
	{
		name: "loss-unproven", severity: Note,
		what:   "it is not known yet whether the driver of {link} ({driver}) announces a lost carrier; if it does not, the transceiver shows the loss at most {late} late",
		why:    "some drivers never announce it",
		remedy: "pull the cable once while the daemon runs, and look at `sources` in its log; or set `links.{link}.poll` to 100ms",
		look:   lossUnproven,
	},
	{
		name: "virtual-nic", severity: Note,
		what:   "{link} is a NIC of a virtual machine (driver {driver})",
		why:    "its carrier stays up when the host loses its own cable",
		remedy: "track a check of a station behind the link (`ping`)",
		look:   virtualNICs,
	},
	{
		name: "early-filter", severity: Note,
		what:   "{program} processes all packets that arrive on {link}",
		why:    "ripcord cannot distinguish adverts that it drops from adverts that were never sent",
		remedy: "make sure that IP protocol 112 passes, also to the multicast group (224.0.0.18 and ff02::12, or the one that `multicast` names): `ip -d link show dev {link}`, `tc filter show dev {link} ingress`",
		look:   earlyFilters,
	},
	{
		name: "bond-without-monitor", severity: Error,
		what:   "the bond {link} monitors its ports neither by their link (miimon 0) nor by ARP (arp_interval 0)",
		why:    "it continues to use a port whose cable is pulled, and never loses its own carrier",
		remedy: "`ip link set {link} type bond miimon 100`",
		look:   blindBonds,
	},
	{
		name: "managed-by-networkd", severity: Warning,
		what:   "systemd-networkd manages {link}",
		why:    "when it restarts, or the carrier returns, it removes addresses and routes that other programs added",
		remedy: "`KeepConfiguration=yes` in the section [Network] of {config}, then `networkctl reload`",
		look:   func(f *Facts) []found { return managed(f, Networkd) },
	},
	{
		name: "managed-by-networkmanager", severity: Warning,
		what:   "NetworkManager manages {link}",
		why:    "when it activates the connection again, it removes addresses and routes that other programs added",
		remedy: "`nmcli device set {link} managed no`, and `unmanaged-devices=interface-name:{link}` in its configuration",
		look:   func(f *Facts) []found { return managed(f, NetworkManager) },
	},
}

func missingInterfaces(f *Facts) (all []found) {
	for _, name := range f.Watched {
		if l := f.link(name); l == nil || l.Index == 0 {
			all = append(all, found{"subject": name, "link": name, "file": f.File})
		}
	}
	return all
}

func downLinks(f *Facts) (all []found) {
	for i := range f.Links {
		l := &f.Links[i]
		if f.File != "" && l.Index != 0 && !l.Usable && l.Master == "" {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "trouble": l.Trouble()})
		}
	}
	return all
}

func portLinks(f *Facts) (all []found) {
	for in, l := range f.present() {
		if l.Master != "" {
			all = append(all, found{"subject": in.Interface, "link": l.Own(), "master": l.Master})
		}
	}
	return all
}

// disabled reports whether IPv6 is off on a link.
func disabled(f *Facts, l *Link) bool { return f.Settings[onLink(disableIPv6, l.Own())] == "1" }

const disableIPv6 = "ipv6/conf/*/disable_ipv6"

func ipv6Off(f *Facts) (all []found) {
	for in, l := range f.present() {
		if in.Family == event.IPv6 && disabled(f, l) {
			all = append(all, found{"subject": l.Name, "instance": in.Name, "key": dotted(onLink(disableIPv6, l.Own()))})
		}
	}
	return all
}

// sourceless returns the instances without a source on a usable link.
func sourceless(f *Facts, named bool) (all []*vrrp.Instance) {
	for in, l := range f.present() {
		source, _ := in.SourceOn(l.Link)
		off := in.Family == event.IPv6 && disabled(f, l)
		if l.Usable && !source.IsValid() && !l.Duplicate.IsValid() && !off && in.Source.IsValid() == named {
			all = append(all, in)
		}
	}
	return all
}

func noSource(f *Facts) (all []found) {
	for _, in := range sourceless(f, false) {
		kind, example := "IPv4", "ADDRESS/LENGTH"
		if in.Family == event.IPv6 {
			kind, example = "link-local IPv6", "fe80::11/64"
		}
		all = append(all, found{"subject": in.Interface, "instance": in.Name, "link": f.link(in.Interface).Own(), "kind": kind, "example": example})
	}
	return all
}

func sourceMissing(f *Facts) (all []found) {
	for _, in := range sourceless(f, true) {
		all = append(all, found{"subject": in.Name, "instance": in.Name, "link": in.Interface, "source": in.Source.String()})
	}
	return all
}

func duplicateAddresses(f *Facts) (all []found) {
	for l := range f.serving() {
		if l.Duplicate.IsValid() {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "address": l.Duplicate.String()})
		}
	}
	return all
}

func sourceElsewhere(f *Facts) (all []found) {
	for in, l := range f.present() {
		source, near := in.SourceOn(l.Link)
		if !source.IsValid() || near || len(in.Unicast.Peers)+len(in.Addresses) == 0 {
			continue
		}
		whom := in.Addresses
		if len(in.Unicast.Peers) > 0 {
			whom = in.Unicast.Peers
		}
		all = append(all, found{"subject": in.Name, "instance": in.Name, "link": l.Own(), "source": source.String(), "whom": list(whom)})
	}
	return all
}

// list formats addresses, only the first few of many.
func list(addresses []netip.Addr) string { return listing.First(4, listing.Texts(addresses)) }

func smallMTU(f *Facts) (all []found) {
	for in, l := range f.present() {
		if n := in.PacketLen(); l.MTU != 0 && n > l.MTU {
			all = append(all, found{"subject": l.Name, "instance": in.Name, "link": l.Own(), "mtu": fmt.Sprint(l.MTU), "length": fmt.Sprint(n)})
		}
	}
	return all
}

// driver returns the name of a link's driver, or "unknown".
func (l *Link) driver() string {
	if l.Report.Driver == "" {
		return "unknown"
	}
	return l.Report.Driver
}

func lossUnseen(f *Facts) (all []found) {
	for l := range f.serving() {
		if l.Report.Monitor == event.Unmonitored {
			reason, _, _ := strings.Cut(l.Report.Why, ": it is taken as up")
			all = append(all, found{"subject": l.Name, "link": l.Own(), "driver": l.driver(), "reason": reason})
		}
	}
	return all
}

// announcedLate are drivers that notice the loss of a carrier only by a timer, with its period.
// They do answer at once when they are asked.
var announcedLate = map[string]time.Duration{"e1000": 2 * time.Second, "pcnet32": 2 * time.Second}

// linkwatch is how late the kernel may announce a change that a driver has reported.
const linkwatch = time.Second

// settingsOf returns the settings of a link.
func settingsOf(f *Facts, l *Link) link.Settings {
	if s, ok := f.Plan.Links[l.Name]; ok {
		return s
	}
	return link.Defaults()
}

// lossLate reports links whose driver reports no carrier, so that they are polled at a low rate,
// and those for which only the announcements of the kernel count.
func lossLate(f *Facts) (all []found) {
	for l := range f.serving() {
		settings := settingsOf(f, l)
		words := found{"subject": l.Name, "link": l.Own(), "driver": l.driver(), "reason": l.Report.Why}
		announced := l.Report.Monitor == string(link.Netlink) || settings.Monitor == link.Netlink
		switch {
		case polled(l) && !announced && settings.Poll > slowPoll && l.OperState == event.OperUnknown:
			words["late"], words["key"], words["value"] = settings.Poll.String(), "poll", "100ms"
		case announced && settings.Confirm == 0:
			late := max(linkwatch, announcedLate[l.Report.Driver])
			words["late"], words["key"], words["value"] = late.String(), "confirm", "10ms"
			words["reason"] = "`confirm` is 0, so only the announcement of the kernel counts"
		default:
			continue
		}
		all = append(all, words)
	}
	return all
}

// polled reports whether auto decides to poll a link.
func polled(l *Link) bool {
	return l.Report.Monitor == string(link.Ethtool) || l.Report.Monitor == string(link.ModeMII)
}

// lossUnproven reports links whose driver reports a carrier but may not announce its loss, so that
// their transceiver may have to be polled.
func lossUnproven(f *Facts) (all []found) {
	for l := range f.serving() {
		settings := settingsOf(f, l)
		if polled(l) && settings.Monitor != link.Netlink && settings.Poll > slowPoll && l.OperState != event.OperUnknown {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "driver": l.driver(), "late": settings.Poll.String()})
		}
	}
	return all
}

// slowPoll is the longest period of a poll that delays no failover by much.
const slowPoll = 250 * time.Millisecond

// virtual are the drivers of NICs whose other end is a host, not a cable.
var virtual = []string{"virtio_net", "vmxnet3", "xen_netfront", "vif", "hv_netvsc", "ena", "gve"}

func virtualNICs(f *Facts) (all []found) {
	for l := range f.serving() {
		if slices.Contains(virtual, l.Report.Driver) {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "driver": l.Report.Driver})
		}
	}
	return all
}

func earlyFilters(f *Facts) (all []found) {
	for l := range f.serving() {
		for _, program := range l.Early {
			all = append(all, found{"subject": l.Name, "link": l.Own(), "program": program})
		}
	}
	return all
}

func blindBonds(f *Facts) (all []found) {
	for l := range f.serving() {
		if b := l.Bond; b != nil && b.MIIMonitor == 0 && b.ARPInterval == 0 {
			all = append(all, found{"subject": l.Name, "link": l.Own()})
		}
	}
	return all
}

func managed(f *Facts, by string) (all []found) {
	for l := range f.serving() {
		if l.Manager == by && !l.Keeps {
			file := l.ManagerFile
			if file == "" {
				file = "its file in /etc/systemd/network"
			}
			all = append(all, found{"subject": l.Name, "link": l.Own(), "config": file})
		}
	}
	return all
}
