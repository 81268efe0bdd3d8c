package telemetry

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/event/eventtest"
)

// samples returns one event of every type and kind, as after a pulled cable.
func samples() []event.Event {
	start := time.Date(2026, 3, 1, 12, 0, 0, 120_000_000, time.UTC)
	cause := event.Cause{Trace: 0x18c0ffee, At: start}
	alone := event.Stamp{At: start}
	caused := func(after time.Duration) event.Stamp { return event.Stamp{Cause: cause, At: start.Add(after)} }
	inside := event.Virtual{Name: "inside", Group: "edge", Interface: "eth0", VRID: 51, Family: event.IPv4}
	single := event.Virtual{Name: "dmz", Interface: "eth2", VRID: 7, Family: event.IPv6}
	peer := netip.MustParseAddr("192.0.2.3")
	held := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24"), netip.MustParsePrefix("2001:db8::1/64")}
	link := event.Link{
		Cause: cause, Seq: 4, Name: "eth0", Index: 3, AdminUp: true, OperState: event.OperDown,
		UpCount: 2, DownCount: 3, LastChange: start, LastSource: event.Notification,
	}
	up := link
	up.Carrier, up.Usable, up.OperState, up.UpCount = true, true, event.OperUp, 3

	all := []event.Event{
		event.ConfigLoaded{Stamp: alone, File: "/etc/ripcord/ripcord.yaml", Instances: 3, Groups: 1},
		event.DaemonStatus{Stamp: alone, Document: map[string]any{"version": "0.1.0", "instances": []string{}}},
		event.ConfigRejected{Stamp: alone, File: "/etc/ripcord/ripcord.yaml", Errors: []string{"line one", "line two"}},
		event.DaemonHung{Stamp: alone, Part: "addresses", Gap: 15 * time.Second, Fed: true},
		event.DaemonHung{Stamp: alone, Part: "addresses", Gap: 15 * time.Second},
		event.DaemonHung{Stamp: alone, Part: "addresses", Gap: 18 * time.Second, Over: true},
		event.ControlPort{Stamp: alone, Listen: "192.0.2.11:9112", Err: "control.listen 192.0.2.11:9112: another program listens there"},
		event.ControlPort{Stamp: alone, Listen: "192.0.2.11:9112"},
		event.LinkMonitored{Stamp: alone, Interface: "eth0", Monitor: "netlink", Why: "the driver reports its carrier"},
		event.LinkHints{Stamp: alone, Attachment: "fentry"},
		event.AdvertFilter{Stamp: alone, Why: "it takes CAP_BPF"},
		event.LinkStretched{Stamp: alone, Interface: "eth0", Period: 25 * time.Millisecond, Why: "one question takes 250µs"},
		event.LinkResync{Stamp: alone, Reason: "overrun", Links: 4, Differences: 1},
		event.LinkResync{Stamp: alone, Reason: "audit", Links: 4},
	}
	for _, kind := range []event.LinkKind{event.LinkUp, event.LinkFlapped, event.LinkAdded} {
		all = append(all, event.LinkChanged{Stamp: caused(80 * time.Microsecond), Kind: kind, Link: up, Source: event.Notification})
	}
	for _, kind := range []event.LinkKind{event.LinkDown, event.LinkRemoved} {
		gone := event.LinkChanged{Stamp: caused(80 * time.Microsecond), Kind: kind, Link: link, Source: event.Confirm}
		if kind == event.LinkDown {
			gone.Votes = []event.Vote{
				{Source: event.Notification, Up: true, UpAt: start.Add(-time.Hour), DownAt: start.Add(-time.Hour - time.Second)},
				{Source: event.Confirm, UpAt: start.Add(-time.Hour), DownAt: start},
			}
		}
		all = append(all, gone)
	}
	why := link
	why.Reason = "no cable"
	all = append(all,
		event.LinkChanged{Stamp: caused(900 * time.Microsecond), Kind: event.LinkReason, Link: why, Source: event.Ethtool},
		event.LinkChanged{Stamp: caused(0), Kind: event.LinkRenamed, Link: up, Source: event.Resync, Was: "lan0"},
		event.InstanceTransition{Stamp: caused(300 * time.Microsecond), Virtual: inside, From: event.Active, To: event.Fault, Reason: event.InterfaceDown, Priority: 150},
		event.InstanceTransition{Stamp: alone, Virtual: single, From: event.Initialize, To: event.Backup, Reason: event.Startup, Priority: 100},
		event.GroupTransition{Stamp: caused(300 * time.Microsecond), Group: "edge", From: event.Active, To: event.Fault, Reason: event.InterfaceDown, Member: "inside"},
		event.GroupTransition{Stamp: alone, Group: "edge", From: event.Initialize, To: event.Backup, Reason: event.Startup},
		event.InstanceHolding{Stamp: caused(time.Millisecond), Virtual: inside, Reason: "group", Until: start.Add(3 * time.Second)},
		event.InstanceHolding{Stamp: caused(0), Virtual: single, Reason: event.HoldVersion, Until: start.Add(3 * time.Second)},
		event.InstanceHolding{Stamp: caused(0), Virtual: single, Reason: event.HoldFence},
		event.InstanceHolding{Stamp: caused(0), Virtual: single, Reason: event.HoldFenceFailed, Until: start.Add(3 * time.Second)},
		event.FenceRan{Stamp: caused(time.Second), Subject: "edge", Command: "/usr/sbin/fence_ipmilan", Active: netip.MustParseAddr("192.0.2.3"), Result: "done", Took: time.Second, Output: "off"},
		event.FenceRan{Stamp: caused(time.Second), Subject: "edge", Command: "/usr/sbin/fence_ipmilan", Active: netip.MustParseAddr("192.0.2.3"), Result: "failed", Took: time.Second, Err: "exit status 1"},
		event.ProbeDead{Stamp: caused(0), Virtual: inside, Active: netip.MustParseAddr("192.0.2.11"), Answers: 99, Asked: 100, Unanswered: 17, Silent: 151 * time.Millisecond},
		event.ProbeSuspended{Stamp: caused(0), Virtual: inside, Active: netip.MustParseAddr("192.0.2.11"), Until: time.Unix(3600, 0).UTC(), Why: "it still advertises"},
		event.ProbeFailed{Stamp: caused(0), Err: "too many open files"},
		event.FenceUnproven{Stamp: caused(0), Virtual: inside, Links: []string{"eth0", "eth1"}},
		event.FenceUnproven{Stamp: caused(0), Virtual: inside, Links: []string{"eth0"}, Proceeds: true},
		event.FenceRecalled{Stamp: caused(0), Virtual: inside, Active: netip.MustParseAddr("192.0.2.3"), Age: 1200 * time.Millisecond, Within: 10 * time.Minute},
		event.FenceRecalled{Stamp: caused(0), Virtual: inside, Active: netip.MustParseAddr("192.0.2.3"), Age: 12 * time.Minute, Within: 10 * time.Minute},
		event.InstanceTransition{Stamp: caused(0), Virtual: single, From: event.Backup, To: event.Active, Reason: event.FenceFailed, Priority: 100},
		event.CheckChanged{Stamp: caused(0), Check: "web", Result: "down", Took: 2 * time.Second, Output: "refused", Err: "exit status 1"},
		event.CheckChanged{Stamp: caused(0), Check: "load", Result: "up", Change: -5, Took: time.Millisecond},
		event.ReleasesUnread{Stamp: event.Stamp{At: caused(0).At}, Err: "open: permission denied"},
		event.ConfigReloaded{Stamp: event.Stamp{At: caused(0).At}, File: "/etc/ripcord/ripcord.yaml", Added: []string{"dmz"}, Changed: []string{"inside"}, Values: []string{"inside: priority 90 (was 100)"}, Removed: []string{"old"}},
		event.ConfigReloaded{Stamp: event.Stamp{At: caused(0).At}, File: "/etc/ripcord/ripcord.yaml"},
		event.InstancePriority{Stamp: caused(0), Group: "edge", From: 150, To: 90, Tracker: "web"},
		event.InstancePriority{Stamp: alone, Virtual: single, From: 90, To: 150, Tracker: "eth2"},
		event.InstanceImpaired{Stamp: caused(0), Virtual: inside, Missing: []string{"198.51.100.1/24 on eth9 (there is no interface eth9)"}, Priority: 1},
		event.InstanceImpaired{Stamp: alone, Virtual: single, Priority: 150},
		event.InstanceFault{Stamp: caused(0), Virtual: inside, Reason: event.Deaf, Err: "eth0 is not a member of 224.0.0.18"},
		event.InstanceFault{Stamp: caused(0), Virtual: single, Reason: event.Deaf, Over: true},
		event.GroupCascade{Stamp: alone, Group: "edge", Source: "192.0.2.3", On: false, Why: "its outside goes on as Active"},
		event.GroupCascade{Stamp: alone, Group: "edge", Source: "192.0.2.3", On: true, Why: "an hour has passed"},
		event.Warning{Stamp: alone, Instance: "inside", Reason: "proxy-arp", Subject: "eth0", Text: "two machines answer: set net.ipv4.conf.eth0.proxy_arp=0"},
		event.Warning{Stamp: alone, Instance: "inside", Reason: "proxy-arp", Subject: "eth0", Text: "two machines answer: set net.ipv4.conf.eth0.proxy_arp=0", Over: true},
		event.EngineStalled{Stamp: alone, Instance: "inside", Gap: 3141 * time.Millisecond, Done: "it goes on, no rival was heard"},
		event.EngineThread{Stamp: alone, Scheduling: event.RealTime},
		event.EngineThread{Stamp: alone, Scheduling: event.Nice, Err: "sched_setattr: operation not permitted"},
		event.Daemon{Stamp: alone, Kind: event.DaemonStopped, Version: "0.1.0", PID: 4711, Instances: 3, Err: "addresses: could not remove 192.0.2.1/24"},
		event.DaemonLock{Stamp: alone, Err: "open the lock: read-only file system", Alone: true},
		event.DaemonLock{Stamp: alone, Err: "open the lock: read-only file system"},
		event.DaemonRights{Stamp: alone, User: "0", Capabilities: []string{"CAP_NET_ADMIN", "CAP_NET_RAW"}},
		event.DaemonRights{Stamp: alone, User: "0", Capabilities: []string{"CAP_NET_ADMIN"}, Err: "seccomp: invalid argument"},
		event.RunnerReady{Stamp: alone, PID: 4712},
		event.RunnerReady{Stamp: alone, PID: 4712, Err: "read the configuration: permission denied"},
		event.RunnerLost{Stamp: alone, Err: "the process ripcord runner has ended", UnderWay: 2, Pause: 100 * time.Millisecond},
		event.RunnerUnkept{Stamp: alone, PID: 4712},
		event.DaemonMemory{Stamp: alone},
		event.GroupAdopted{Stamp: caused(0), Group: "edge", Members: []event.Virtual{inside}, Priority: 150, Gap: 43 * time.Millisecond},
		event.GroupAdopted{Stamp: caused(0), Group: "edge", Members: []event.Virtual{inside}, Priority: 150, Gap: 143 * time.Millisecond, Handover: true},
		event.GroupUnadopted{Stamp: alone, Group: "edge", Why: "192.0.2.1/24 does not stand on eth0 any more"},
		event.DaemonRecord{Stamp: alone, Err: "it is truncated", Kept: true},
		event.DaemonRecord{Stamp: alone, Err: "there is no room in /run/ripcord/netns-1.adverts: no space left on device"},
		event.DaemonRecord{Stamp: alone, Kept: true},
		event.DaemonCrashes{Stamp: alone, Count: 5, Window: 10 * time.Second, Wait: time.Second},
		event.DaemonMemory{Stamp: alone, Err: "mlockall: operation not permitted"},
		event.DaemonMemory{Stamp: alone, Unread: "madvise: input/output error"},
		event.EngineLease{Stamp: alone, Instance: "inside", Gap: 1200 * time.Millisecond, Done: "resigned"},
		event.AdvertRejected{Stamp: alone, Instance: "inside", Interface: "eth0", VRID: 51, Source: peer, Reason: "checksum-error", Count: 12},
		event.AdvertRejected{Stamp: alone, Interface: "eth0", VRID: 99, Source: peer, Reason: "vrid-error", Count: 1},
		event.AdvertSent{Stamp: caused(450 * time.Microsecond), Instance: "outside", Kind: "resign", Took: 40 * time.Microsecond},
		event.AdvertFailed{Stamp: alone, Instance: "inside", Err: "sendmmsg: network is down", Count: 3},
		event.AdvertMismatch{Stamp: alone, Instance: "inside", Source: peer, What: "interval", Theirs: "2s", Ours: "1s"},
		event.AdvertRival{Stamp: caused(0), Virtual: inside, Source: peer, Priority: 100},
		event.AdvertRival{Stamp: caused(0), Virtual: single, Source: peer, Priority: 100, Unheard: true},
		event.AdvertRival{Stamp: caused(0), Virtual: single, Source: peer, Priority: 100, Version: 2},
		event.AdvertRival{Stamp: caused(0), Virtual: single, Source: peer, Priority: 100, Skewed: true},
		event.AdvertRival{Stamp: caused(0), Virtual: single, Source: peer, Priority: 100, Invalid: true},
		event.AuthSkew{Stamp: alone, Instance: "inside", Source: peer, Skew: 3 * time.Second, Window: 5 * time.Second},
		event.AuthSkew{Stamp: alone, Instance: "inside", Source: peer, Skew: -time.Hour, Window: 5 * time.Second, Rejected: true},
		event.AuthSkew{Stamp: alone, Instance: "inside", Source: peer, Skew: -time.Hour, Window: 5 * time.Second, Rejected: true, Old: true},
	)
	const script = "/usr/local/bin/notify"
	all = append(all,
		event.NotifyRan{Stamp: caused(9 * time.Millisecond), Subject: "inside", State: "MASTER", Command: script, Result: event.NotifyDone, Took: 4 * time.Millisecond},
		event.NotifyRan{Stamp: caused(9 * time.Millisecond), Subject: "edge", Group: true, State: "FAULT", Command: script, Result: event.NotifyFailed, Took: 4 * time.Millisecond, Output: "refused", Err: "exit status 1", Merged: 2},
		event.NotifyRan{Stamp: caused(time.Minute), Subject: "inside", State: "STOP", Command: script, Result: event.NotifyKilled, Took: time.Minute, Err: "timed out after 1m0s"},
		event.NotifyRan{Stamp: caused(time.Millisecond), Subject: "inside", State: "BACKUP", Command: script, Result: event.NotifyUnrun, Err: script + " does not exist"},
		event.NotifyRefused{Stamp: alone, Command: script, Err: script + " does not exist"},
		event.NotifyUnfinished{Stamp: alone, Err: "notify commands did not end in time: inside (STOP)"},
		event.NotifyFIFO{Stamp: alone, Path: "/run/ripcord/transitions", Err: "the FIFO /run/ripcord/transitions is full: nobody reads it; the last line of each name is kept", Lost: 7},
		event.NotifyFIFO{Stamp: alone, Path: "/run/ripcord/transitions", Lost: 7},
		event.ProgramRan{Stamp: alone, Program: "startup", Command: "/usr/local/sbin/prepare", Result: event.NotifyDone, Took: time.Second},
		event.ProgramRan{Stamp: alone, Program: "shutdown", Command: "/usr/local/sbin/prepare", Result: event.NotifyFailed, Took: time.Second, Output: "no", Err: "exit status 1"},
		event.NotifyReader{Stamp: alone, Command: "/usr/local/bin/read-fifo", Took: time.Minute, Err: "exit status 1", Pause: time.Second},
	)
	all = append(all, event.AddressConflict{Stamp: alone, Instance: "inside", Address: peer, MAC: [6]byte{2, 0, 0, 0, 0, 9}, Interface: "eth0", Text: "192.0.2.1 on eth0 is answered for by 02:00:00:00:00:09 too"})
	for _, kind := range []event.AddressKind{event.AddressMarked, event.AddressAdded, event.AddressRemoved, event.AddressRestored, event.AddressForeign} {
		all = append(all, event.AddressMoved{Stamp: caused(2 * time.Millisecond), Kind: kind, Instance: "inside", Addresses: held, Took: 1500 * time.Microsecond})
	}
	all = append(all, event.AddressMoved{Stamp: alone, Kind: event.AddressRemoved, Addresses: held})
	all = append(all, event.AddressMoved{Stamp: caused(2 * time.Millisecond), Kind: event.AddressFailed, Instance: "inside", Addresses: held, Took: time.Millisecond, Err: "RTM_NEWADDR: no such device"})
	routes := []string{"default via 192.0.2.254 dev eth0", "rule 500: from 10.0.0.0/8 lookup 100"}
	for _, kind := range []event.RouteKind{event.RouteReplaced, event.RouteAdded, event.RouteRemoved, event.RouteRestored, event.RouteForeign} {
		all = append(all, event.RouteMoved{Stamp: caused(2 * time.Millisecond), Kind: kind, Instance: "inside", Routes: routes, Took: 1500 * time.Microsecond})
	}
	all = append(all, event.RouteMoved{Stamp: alone, Kind: event.RouteRemoved, Routes: routes})
	all = append(all, event.RouteMoved{Stamp: caused(2 * time.Millisecond), Kind: event.RouteFailed, Instance: "inside", Routes: routes, Took: time.Millisecond, Err: "network is unreachable"})
	mac := [6]byte{0, 0, 0x5e, 0, 1, 51}
	for _, kind := range []event.DeviceKind{event.DeviceAdded, event.DeviceAdopted, event.DeviceRemoved, event.DeviceReplaced} {
		all = append(all, event.DeviceMoved{Stamp: alone, Kind: kind, Instance: "inside", Device: "vrrp.51", Below: "eth0", MAC: mac})
	}
	all = append(all, event.DeviceMoved{Stamp: alone, Kind: event.DeviceRemoved, Device: "vrrp.9", MAC: mac})
	all = append(all, event.DeviceMoved{Stamp: alone, Kind: event.DeviceMended, Instance: "inside", Device: "vrrp.51", Below: "eth0", MAC: mac, What: "its MTU, 1400, to 1500"})
	all = append(all, event.DeviceMoved{Stamp: alone, Kind: event.DeviceFailed, Instance: "inside", Device: "vrrp.51", Below: "eth0", MAC: mac, Err: "not made: device or resource busy"})
	for _, kind := range []event.DaemonKind{event.DaemonReady, event.DaemonStopping, event.DaemonStopped, event.DaemonHandover} {
		all = append(all, event.Daemon{Stamp: alone, Kind: kind, Version: "0.1.0", PID: 4711, Instances: 3})
	}
	all = append(all, event.Daemon{Stamp: alone, Kind: event.DaemonStopped, Version: "0.1.0", PID: 4711, Instances: 3, Err: "addresses: could not remove 192.0.2.1/24: the next start will, or remove them with the ip program"})
	return append(all, Lost{Stamp: alone, Count: 9, Reason: "events came faster than they could be written"})
}

// TestEveryEventHasALine requires that the golden file omits no event and no kind of one.
func TestEveryEventHasALine(t *testing.T) { eventtest.Complete(t, "../event", samples()) }
