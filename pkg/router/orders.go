package router

import (
	"cmp"
	"net/netip"
	"slices"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Orders are what the executors must do after some Steps. Those for the engine come first:
// adverts leave before any address is changed.
type Orders struct {
	Adverts   []advert.Order
	Addresses []addr.Order
	Ask       []string // links whose stations must be asked
	Verify    *Verify
	Watches   []vrrp.Watch // machines of Actives
	Summaries []vrrp.Summarize
	Fences    []vrrp.RunFence
	Records   []vrrp.RecordActives
	Events    []event.Event
}

// Verify asks the verifiers to examine some links. One Verify replaces all that the groups asked
// in a turn.
type Verify struct {
	Ticket     uint64
	Interfaces []string
}

// translate adds the effects of a group to the orders.
func (o *Orders) translate(g *vrrp.Group, effects []vrrp.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case vrrp.Advertise:
			o.Adverts = append(o.Adverts, startOrder(e))
		case vrrp.Arm:
			armed := startOrder(e.Advertise)
			armed.When = e.At
			o.Adverts = append(o.Adverts, armed)
		case vrrp.Probe:
			o.Adverts = append(o.Adverts, probeOrder(e))
		case vrrp.Disarm:
			o.advert(advert.Disarm, e.Cause, e.Instance)
		case vrrp.AdvertiseNow:
			o.advert(advert.Now, e.Cause, e.Instance)
		case vrrp.HoldBack:
			o.Adverts = append(o.Adverts, advert.Order{Kind: advert.HoldBack, Cause: e.Cause, Instance: e.Instance.Name, When: e.Until})
		case vrrp.Resign:
			o.advert(advert.Resign, e.Cause, e.Instance)
		case vrrp.Mute:
			o.advert(advert.Mute, e.Cause, e.Instance)
		case vrrp.Hold:
			o.addresses(addr.Hold, e.Cause, g, e.Only)
		case vrrp.Release:
			o.addresses(addr.Release, e.Cause, g, e.Only)
		case vrrp.Reannounce:
			o.addresses(addr.Reannounce, e.Cause, g, e.Only)
		case vrrp.Ask:
			o.Ask = appendMissing(o.Ask, e.Interfaces)
		case vrrp.Verify:
			o.verify(e)
		case vrrp.Watch:
			o.Watches = append(o.Watches, e)
		case vrrp.Summarize:
			o.Summaries = append(o.Summaries, e)
		case vrrp.RunFence:
			o.Fences = append(o.Fences, e)
		case vrrp.RecordActives:
			o.Records = append(o.Records, e)
		case vrrp.Report:
			o.Events = append(o.Events, e.Event)
		}
	}
}

func (o *Orders) advert(kind advert.Kind, cause event.Cause, in *vrrp.Instance) {
	o.Adverts = append(o.Adverts, advert.Order{Kind: kind, Cause: cause, Instance: in.Name})
}

func startOrder(e vrrp.Advertise) advert.Order { return build(advert.Start, e) }

func probeOrder(e vrrp.Probe) advert.Order {
	return build(advert.Probe, vrrp.Advertise{
		Cause: e.Cause, Instance: e.Instance, Index: e.Index, Source: e.Source, MAC: e.MAC, Checksum: e.Checksum, Priority: e.Priority,
	})
}

// build builds the frames of an instance. No other function writes adverts.
func build(kind advert.Kind, e vrrp.Advertise) advert.Order {
	in := e.Instance
	msg := wire.Advert{
		Version: in.Version, VRID: in.VRID, Priority: e.Priority, Interval: in.Interval,
		Addresses: in.Addresses, Checksum: e.Checksum, Auth: in.Auth,
	}
	resign := msg
	resign.Priority = 0
	frames := advert.Frames{Index: e.Index, Source: e.Source, HopLimit: in.Unicast.TTL}
	to := in.Unicast.Peers
	if len(to) == 0 {
		to, frames.HopLimit = []netip.Addr{in.MulticastGroup()}, wire.HopLimit
	}
	var room []byte
	if in.HMAC.Signs() {
		frames.Key, frames.Window = in.HMAC.Key(), in.HMAC.Window
		room = make([]byte, wire.TrailerLen)
	}
	for _, dest := range to {
		frames.Copies = append(frames.Copies, advert.Copy{
			To:     dest,
			Advert: append(msg.Append(nil, e.Source, dest), room...),
			Resign: append(resign.Append(nil, e.Source, dest), room...),
		})
	}
	mac := e.MAC
	if in.FromVirtualMAC() {
		mac = wire.VirtualMAC(in.Family, in.VRID)
	}
	if mac != [6]byte{} {
		frames.Header = wire.AppendHeaders(nil, mac, e.Source, to[0], len(frames.Copies[0].Advert))
	}
	return advert.Order{
		Kind: kind, Cause: e.Cause, Instance: in.Name,
		Advert: frames, Interval: cmp.Or(e.Interval, in.Interval), Advertised: in.Interval, Miss: in.Miss,
	}
}

// addresses adds an order for all members of a group, or for some, to the last order if that is
// of the same kind: so one batch serves all groups that move together.
func (o *Orders) addresses(kind addr.Kind, cause event.Cause, g *vrrp.Group, only []*vrrp.Instance) {
	if n := len(o.Addresses); n == 0 || o.Addresses[n-1].Kind != kind {
		o.Addresses = append(o.Addresses, addr.Order{Kind: kind, Cause: cause})
	}
	last := &o.Addresses[len(o.Addresses)-1]
	for _, in := range only {
		last.Instances = append(last.Instances, in.Name)
	}
	if only != nil {
		return
	}
	for i := range g.Members {
		last.Instances = append(last.Instances, g.Members[i].Name)
	}
}

// verify merges questions: the answer to the newest ticket also answers the older ones.
func (o *Orders) verify(e vrrp.Verify) {
	if o.Verify == nil {
		o.Verify = &Verify{}
	}
	o.Verify.Ticket = e.Ticket
	o.Verify.Interfaces = appendMissing(o.Verify.Interfaces, e.Interfaces)
}

// appendMissing appends the names that a list does not have yet.
func appendMissing(list, names []string) []string {
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
