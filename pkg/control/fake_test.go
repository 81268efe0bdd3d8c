package control

import (
	"errors"
	"net/netip"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	iproute "ripcord/pkg/route"
	"ripcord/pkg/runner"
	"ripcord/pkg/stats"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// router is a source whose "inside" lost its cable; "dmz" is outside any group.
type router struct {
	groups []vrrp.GroupStatus
	links  []event.Link
	stats  map[string]*stats.Counters
}

func (r router) Groups() []vrrp.GroupStatus                        { return r.groups }
func (r router) Links() []event.Link                               { return r.links }
func (r router) Answered(string, netip.Addr) (answered, asked int) { return 98, 100 }
func (r router) Warnings(name string) []event.Warning {
	switch name {
	case "inside":
	case event.MachineName:
		if r.groups == nil {
			return nil
		}
		return []event.Warning{{
			Stamp: event.Stamp{At: began}, Instance: name, Reason: event.WarnUnanswered, Subject: "links", Text: "ripcord cannot list the links of this machine",
		}}
	case addr.StaticName:
		if r.groups == nil {
			return nil
		}
		return []event.Warning{{
			Stamp: event.Stamp{At: began}, Instance: name, Reason: event.WarnNotPlaced, Subject: "192.0.2.9/24 on eth9", Text: "192.0.2.9/24 on eth9 is not in place",
		}}
	default:
		return nil
	}
	return []event.Warning{{
		Stamp: event.Stamp{At: began}, Instance: name, Reason: "proxy-arp", Subject: "eth0",
		Text: "two machines answer: set net.ipv4.conf.eth0.proxy_arp=0",
	}}
}
func (r router) Runner() runner.Status {
	return runner.Status{Ready: true, PID: 77, Since: began, Unkept: r.groups != nil}
}

func (r router) Checks() []track.Status {
	if r.groups == nil {
		return nil
	}
	lost := began.Add(90 * time.Second)
	return []track.Status{
		{Report: track.Report{Name: "load", State: track.Up, Value: -5, Ran: true, At: lost}, Checks: "file /run/load", Since: began, Runs: 90},
		{Report: track.Report{Name: "new"}, Checks: "command /usr/local/bin/slow", Probe: track.Command{Argv: []string{"/usr/local/bin/slow"}}},
		{Report: track.Report{Name: "web", State: track.Down, Ran: true, At: lost, Err: errors.New("no answer within 2s")}, Checks: "tcp 192.0.2.80:443", Since: lost, Runs: 45, Failed: 3, Skipped: 1},
	}
}
func (r router) Setups() map[string]Setup {
	return map[string]Setup{"inside": {
		Set: addr.Set{
			Addresses: []addr.Address{
				{Prefix: netip.MustParsePrefix("192.0.2.1/24"), Label: "eth0:1", Broadcast: netip.MustParseAddr("192.0.2.255")},
				{Prefix: netip.MustParsePrefix("192.0.2.9/32"), Scope: 253},
				{Prefix: netip.MustParsePrefix("2001:db8::9/64"), Interface: "eth9", Extra: true},
			},
			Routes: []iproute.Entry{
				iproute.Route{To: netip.MustParsePrefix("10.0.0.0/8"), Via: netip.MustParseAddr("192.0.2.254"), Interface: "eth0", Table: 3},
				iproute.Rule{From: netip.MustParsePrefix("192.0.2.0/24"), Table: 3, Priority: 77},
			},
			Announce: addr.Announce{Count: 5, AgainAfter: 5 * time.Second, Refresh: time.Minute},
		},
		Active: []string{"/bin/echo", "two words"}, Any: []string{"/usr/local/bin/notify"},
	}}
}
func (r router) Stats(name string) *stats.Counters { return r.stats[name] }

var _ Source = router{}

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func pulled() router {
	zone := time.FixedZone("there", 3600)
	lost := began.Add(90*time.Second + 120*time.Millisecond).In(zone)
	inside := vrrp.InstanceStatus{
		Instance: &vrrp.Instance{
			Virtual:  event.Virtual{Name: "inside", Group: "edge", Interface: "eth0", VRID: 51, Family: event.IPv4},
			Priority: 150, Interval: time.Second, Watching: vrrp.Watching{Interval: 50 * time.Millisecond, Miss: 3},
			Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.9")},
			Extra:     []netip.Addr{netip.MustParseAddr("2001:db8::9")},
		},
		Faults:  []vrrp.FaultStatus{{Source: "eth0", Reason: event.InterfaceDown, Since: lost}},
		Missing: []string{"198.51.100.1/24 on eth9 (there is no interface eth9)"},
		Trackers: []vrrp.TrackerStatus{
			{Tracker: vrrp.Tracker{Name: "eth2", Weight: -20}, State: vrrp.TrackerDown, Since: began, Adds: -20, Err: "eth2 is not usable: it is administratively down"},
			{Tracker: vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "load", Reported: true}, State: vrrp.TrackerUp, Since: began, Adds: -5},
		},
		InstanceState: vrrp.InstanceState{
			State: event.Fault, Since: lost,
			EffectivePriority: 150, ActiveAddress: netip.MustParseAddr("192.0.2.3"), ActivePriority: 100,
			Up: began.In(zone), LastEvent: event.InterfaceDown, NewActiveReason: event.NoResponse, Watch: vrrp.WatchStatus{SuspendedUntil: began.Add(time.Hour)},
			Interval: time.Second, ActiveDownInterval: 3414062500 * time.Nanosecond, SkewTime: 414062500 * time.Nanosecond,
		},
	}
	outside := vrrp.InstanceStatus{
		Instance: &vrrp.Instance{
			Virtual:  event.Virtual{Name: "outside", Group: "edge", Interface: "eth1", VRID: 51, Family: event.IPv6},
			Priority: 150, Interval: time.Second, VirtualMAC: true,
			Addresses: []netip.Addr{netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8::1")},
		},
		InstanceState: vrrp.InstanceState{
			State: event.Fault, Since: lost, EffectivePriority: 150,
			Up: began, LastEvent: event.GroupMoved, NewActiveReason: event.NotActive,
			Interval: 100 * time.Millisecond, ActiveDownInterval: 341406250 * time.Nanosecond, SkewTime: 41406250 * time.Nanosecond,
		},
	}
	dmz := vrrp.InstanceStatus{
		Instance: &vrrp.Instance{
			Virtual:  event.Virtual{Name: "dmz", Interface: "eth2", VRID: 7, Family: event.IPv4},
			Priority: vrrp.Owner,
		},
		InstanceState: vrrp.InstanceState{State: event.Initialize, EffectivePriority: vrrp.Owner},
	}
	counted := &stats.Counters{Since: began}
	for c := range stats.All {
		for range int(c) + 1 {
			counted.Add(c)
		}
	}
	return router{
		groups: []vrrp.GroupStatus{
			{Name: "edge", State: event.Fault, Since: lost, Reason: event.InterfaceDown, Members: []vrrp.InstanceStatus{inside, outside}, Trackers: []vrrp.TrackerStatus{
				{Tracker: vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "new"}, Since: began},
				{Tracker: vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "web", Weight: 10, Reverse: true}, State: vrrp.TrackerDown, Since: lost, Err: "no answer within 2s"},
			}},
			{State: event.Initialize, Members: []vrrp.InstanceStatus{dmz}},
		},
		links: []event.Link{
			{Name: "eth0", Index: 2, AdminUp: true, OperState: event.OperDown, Monitor: "netlink", UpCount: 1, DownCount: 2, LastChange: lost, LastSource: event.Confirm,
				Confirm: 40 * time.Millisecond, Poll: time.Second, Stretched: true, Hinting: event.HintsUnproven, Reason: "no cable"},
			{Name: "eth2"},
		},
		stats: map[string]*stats.Counters{"inside": counted},
	}
}
