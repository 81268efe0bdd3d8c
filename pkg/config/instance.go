package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ripcord/pkg/addr"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/config/value"
	"ripcord/pkg/event"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// instance is one entry of instances, together with its results.
type instance struct {
	vrrp.Instance
	checksum checksum
	auth     authentication
	announce addr.Announce
	sending  sending
	held     []held // addresses
	extra    []held // extra_addresses
	routing  routing
	accept   bool

	virtualMAC  virtualMAC
	macAdverts  bool // adverts are sent from the virtual MAC, if there is one
	trackLink   bool
	trackSource bool
	track       []tracked
	fence       *vrrp.Fence
	probe       *vrrp.Watching
	notify      Notify

	origin
	group *group
}

// virtualMAC is a value of the key of that name.
type virtualMAC struct {
	used bool
	name string // of the link with the virtual MAC; empty: it follows from the VRID
}

// checksum is a value of the key of that name.
type checksum struct {
	form wire.Checksum
	auto bool
}

// readVirtualMAC parses whether a virtual MAC is used, or the name of the link that has it.
func readVirtualMAC(report *problem.Report, at problem.Place) (virtualMAC, bool) {
	text := strings.ToLower(at.Node.Text)
	meant := slices.Contains([]string{"yes", "no", "on", "off"}, text) || spelling.Nearest(text, []string{"true", "false"}) != ""
	if at.Node.Kind != tree.Scalar || meant {
		used, ok := schema.Boolean.Read(report, at)
		return virtualMAC{used: used}, ok
	}
	name, ok := value.OwnName(report, at)
	return virtualMAC{true, name}, ok
}

func readInstances(report *problem.Report, at problem.Place, d *document) bool {
	all, ok := schema.Some(schema.Each(schema.As(schema.Description{}, func(report *problem.Report, at problem.Place) (*instance, bool) {
		i := d.defaults
		i.at, i.present = at, schema.KeySet{}
		i.own = instanceKeys.Read(report, at, &i)
		if i.own == nil {
			return nil, false
		}
		maps.Copy(i.present, d.defaults.present)
		maps.Copy(i.present, i.own)
		instanceKeys.Need(report, at, i.present)
		return &i, true
	}))).Read(report, at)
	d.instances = all
	return ok
}

// all returns the addresses that it holds, the advertised ones first.
func (i *instance) all() []held { return slices.Concat(i.held, i.extra) }

func (i *instance) build(d *document) vrrp.Instance {
	out := i.Instance
	out.Recovery = d.settings(i.Interface).Recovery
	out.VirtualMAC, out.LinkMACAdverts = i.virtualMAC.used, i.virtualMAC.used && !i.macAdverts
	out.IgnoreSource = !i.trackSource && i.sending.source.IsValid()
	out.IgnoreLink, out.Track = !i.trackLink, trackers(i.track)
	if i.Version == wire.V3 {
		out.Checksum, out.AutoChecksum = i.checksum.form, i.checksum.auto
	}
	i.sending.build(&out)
	if i.probe != nil {
		out.Watching = *i.probe
	}
	out.Auth, out.HMAC = i.auth.pass, i.auth.hmac.build(i.Interval)
	if i.group != nil {
		out.Group = i.group.name
	}
	for _, h := range i.held {
		out.Addresses = append(out.Addresses, h.Prefix.Addr())
	}
	for _, h := range i.extra {
		out.Extra = append(out.Extra, h.Prefix.Addr())
	}
	return out
}

func (i *instance) set() addr.Set {
	out := addr.Set{Instance: i.Name, Link: i.Interface, Interval: i.Interval, Miss: i.Miss, Announce: i.announce}
	if len(i.sending.peers) == 0 {
		out.Group = i.multicast()
	}
	if i.virtualMAC.used {
		out.Device = i.device()
	}
	out.Addresses, out.Routes = i.addresses(), i.routing.set(i.Interface)
	out.Owner = i.Priority == vrrp.Owner
	out.Refuse = !i.accept && i.Priority != vrrp.Owner // an owner accepts packets for its own addresses
	return out
}

// addresses returns the held addresses in the address worker's form.
func (i *instance) addresses() (all []addr.Address) {
	for n, h := range i.all() {
		a := h.Address
		a.Extra = n >= len(i.held)
		if a.Interface == "" && !i.virtualMAC.used {
			a.Interface = i.Interface
		}
		all = append(all, a)
	}
	return all
}

// device returns the device with the virtual MAC.
func (i *instance) device() *macvlan.Device {
	prefix := "vrrp"
	if i.Family == event.IPv6 {
		prefix = "vrrp6"
	}
	name := i.virtualMAC.name
	if name == "" {
		name = fmt.Sprintf("%s.%d", prefix, i.VRID)
	}
	return &macvlan.Device{Name: name, MAC: wire.VirtualMAC(i.Family, i.VRID)}
}
