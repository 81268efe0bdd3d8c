// Package lan builds a LAN on one machine from network namespaces, cables and
// switches. The demo and the lab tests use it.
//
//	    host "a"            host "b"          host "client"      a namespace each
//	┌────────────┐      ┌────────────┐       ┌────────────┐
//	│ eth0  eth1 │      │ eth0  eth1 │       │    eth0    │
//	└──┬─────┬───┘      └──┬─────┬───┘       └─────┬──────┘
//	   │     │             │     │                 │          cables (veth):
//	   │     └─────┐ ┌─────│─────┘                 │          Pull, Plug
//	┌──┴───────────│─│─────┴───────────────────────┴──┐
//	│  segment "inside"  (a bridge)  Sniff, Record    │        the switch:
//	│             ┌┴─┴──────────────────────────────┐ │        one namespace
//	│             │  segment "outside"  (a bridge)  │ │        of its own
//	└─────────────┴─────────────────────────────────┴─┘
//
// # A test
//
//	l, err := lan.Build(
//		lan.Port{Host: "a", Name: "eth0", Segment: "inside", Options: lan.Options{
//			Addresses: lan.Addresses("192.0.2.1/24", "2001:db8::1/64")}},
//		lan.Port{Host: "b", Name: "eth0", Segment: "inside", Options: lan.Options{
//			Addresses: lan.Addresses("192.0.2.2/24", "2001:db8::2/64")}},
//		lan.Port{Host: "client", Name: "eth0", Segment: "inside", Options: lan.Options{
//			Addresses: lan.Addresses("192.0.2.9/24")}},
//	)
//	if err != nil {
//		t.Fatal(err)
//	}
//	defer l.Close()
//
//	err = l.Host("a").Start(exec.Command("ripcord", "run", "--config", "a.yaml"))
//	...
//	ask, err := l.Host("client").Prober("eth0")
//	watch, err := ask.Watch(netip.MustParseAddr("192.0.2.254"), 5*time.Millisecond)
//	pulled, err := l.Cable("a", "eth0").Pull()
//	...
//	timeline := watch.Stop()
//	fmt.Println(timeline.LongestGap(pulled).Length())
//
// # Properties of the LAN
//
// A cable is a veth whose two ends have the same ifindex, each in its own
// namespace. The kernel treats such a device as a plain NIC, and announces the
// loss of its carrier as late as that of a real one: up to 1 s later, if the
// carrier of another device changed within the last second. The carrier of an
// ordinary veth is always announced at once (Options.Ordinary). A request for
// one link by RTM_GETLINK, sysfs or ethtool makes the kernel announce a change
// that it held back; Host.Link and Host.WaitCarrier use a dump instead, which
// shows the current state without this effect. After a LAN is closed, the
// kernel is busy with link changes for some ms: tests that measure must run
// alone.
//
// The segments forward at once (no spanning tree), flood all multicast (no snooping), and the
// switch has no address and sends no packets itself. Duplicate address detection and router
// solicitation are off in all namespaces. MAC addresses, and with them link-local ones, ascend in
// the order in which hosts and their cables are made, and are the same in each run.
//
// In a child of Host.Start /proc/sys/net and /proc/net are those of its host;
// /sys/class/net is not, because the mount is shared with the whole machine.
//
// # Contract
//
// Root is needed (CAP_SYS_ADMIN and CAP_NET_ADMIN), and Linux 5.1 or later. A
// LAN is built by one goroutine; everything that its methods return may then be
// used by many. Every wait is bounded. Close removes everything, with the
// processes in its namespaces; the namespaces have no names, so that a killed
// test leaves nothing behind, either, except children of children that it started.
package lan
