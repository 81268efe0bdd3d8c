package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
	"ripcord/pkg/link/monitor"
	"ripcord/pkg/nic"
	"ripcord/pkg/rtnl"
	"ripcord/pkg/sysctl"
	"ripcord/pkg/thread"
	"ripcord/pkg/wire"
)

// Options are the options of Gather.
type Options struct {
	Plan   Plan
	Listen time.Duration // how long to listen for adverts
	// LockMemory locks the memory of this process, as the daemon does; nil: not tried.
	LockMemory func() error
}

// Gather collects the facts. It ends with ctx.
func Gather(ctx context.Context, o Options) (*Facts, error) {
	f := &Facts{Plan: o.Plan, Listened: o.Listen}
	links, err := listLinks()
	if err != nil {
		return nil, err
	}
	if err := f.readLinks(links); err != nil {
		return nil, err
	}
	f.readSettings()
	f.readAddresses(links)
	if f.Programs, err = readPrograms(); err != nil {
		f.lacks("the sockets of other programs", err)
	}
	if f.Rules, err = firewall.ReadRuleset(); err != nil {
		f.lacks("the firewall", err)
	}
	f.Legacy = legacyTables()
	f.tryRights(ctx, o.LockMemory)
	if err := f.listen(ctx, o.Listen); err != nil {
		return nil, err
	}
	return f, ctx.Err()
}

// lacks records that something could not be read.
func (f *Facts) lacks(what string, err error) {
	f.Unread = append(f.Unread, Unread{what, err.Error()})
}

// kernelLink is a link as rtnetlink lists it, with attributes of bridges and bonds.
type kernelLink struct {
	rtnl.Link
	bridge *Bridge
	bond   *Bond
	early  []string
}

func listLinks() ([]kernelLink, error) {
	conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE})
	if err != nil {
		return nil, fmt.Errorf("open a socket to list the links: %w", err)
	}
	defer conn.Close()
	all, err := rtnl.Dump(conn, rtnl.ListLinks(), func(m netlink.Message) (kernelLink, bool) {
		l, ok := rtnl.DecodeLink(m)
		if !ok {
			return kernelLink{}, false
		}
		k := kernelLink{Link: l}
		k.decodeInfo(m.Data[unix.SizeofIfInfomsg:])
		return k, true
	})
	if err != nil {
		return nil, fmt.Errorf("list the links: %w", err)
	}
	disciplines := ingress(conn)
	for i := range all {
		all[i].early = append(all[i].early, disciplines[all[i].Index]...)
	}
	return all, nil
}

// tcHeader is the size of struct tcmsg (linux/rtnetlink.h).
const tcHeader = 20

// ingress names the programs that `tc` has at the ingress of each link, by ifindex; none if the
// kernel refuses to list them.
func ingress(conn *rtnl.Conn) map[int][]string {
	all := make(map[int][]string)
	request := netlink.Message{Header: netlink.Header{Type: unix.RTM_GETQDISC}, Data: make([]byte, tcHeader)}
	_, _ = rtnl.Dump(conn, request, func(m netlink.Message) (none struct{}, ok bool) {
		if len(m.Data) < tcHeader {
			return none, false
		}
		index := int(int32(rtnl.Uint32(m.Data[4:])))
		for kind, value := range rtnl.Attributes(m.Data[tcHeader:]) {
			if name := rtnl.String(value); kind == unix.TCA_KIND && (name == "clsact" || name == "ingress") {
				all[index] = []string{"tc (" + name + ")"}
			}
		}
		return none, false
	})
	return all
}

// decodeInfo decodes the attributes of bridges and bonds, and whether an XDP program is attached.
func (k *kernelLink) decodeInfo(attributes []byte) {
	for kind, value := range rtnl.Attributes(attributes) {
		switch kind {
		case unix.IFLA_XDP:
			k.decodeXDP(value)
		case unix.IFLA_LINKINFO:
			k.decodeKind(value)
		}
	}
}

func (k *kernelLink) decodeXDP(b []byte) {
	for kind, value := range rtnl.Attributes(b) {
		if kind == unix.IFLA_XDP_ATTACHED && rtnl.Uint8(value) != 0 {
			k.early = append(k.early, "an XDP program")
		}
	}
}

// decodeKind decodes the attributes of one kind of links.
func (k *kernelLink) decodeKind(b []byte) {
	for kind, value := range rtnl.Attributes(b) {
		switch {
		case kind != unix.IFLA_INFO_DATA:
		case k.Kind == "bridge":
			k.bridge = decodeBridge(value)
		case k.Kind == "bond":
			k.bond = decodeBond(value)
		}
	}
}

const (
	queriersOfBridge = 47 // IFLA_BR_MCAST_QUERIER_STATE
	otherQuerier4    = 3  // BRIDGE_QUERIER_IP_OTHER_TIMER
	otherQuerier6    = 7  // BRIDGE_QUERIER_IPV6_OTHER_TIMER
)

func decodeBridge(b []byte) *Bridge {
	bridge := &Bridge{}
	for kind, value := range rtnl.Attributes(b) {
		switch kind {
		case unix.IFLA_BR_MCAST_SNOOPING:
			bridge.Snoops = rtnl.Uint8(value) != 0
		case unix.IFLA_BR_MCAST_QUERIER:
			bridge.Queries = bridge.Queries || rtnl.Uint8(value) != 0
		case queriersOfBridge:
			for kind, value := range rtnl.Attributes(value) {
				if kind == otherQuerier4 || kind == otherQuerier6 {
					bridge.Queries = bridge.Queries || rtnl.Uint32(value) != 0
				}
			}
		}
	}
	return bridge
}

func decodeBond(b []byte) *Bond {
	bond := &Bond{}
	for kind, value := range rtnl.Attributes(b) {
		switch kind {
		case unix.IFLA_BOND_MIIMON:
			bond.MIIMonitor = rtnl.Uint32(value)
		case unix.IFLA_BOND_ARP_INTERVAL:
			bond.ARPInterval = rtnl.Uint32(value)
		}
	}
	return bond
}

// readLinks reads the links of the plan, or all that are up, except ports of others and macvlans of
// virtual MACs.
func (f *Facts) readLinks(links []kernelLink) error {
	names := f.Watched
	if f.File == "" {
		for _, l := range links {
			if l.Up() && l.Flags&unix.IFF_LOWER_UP != 0 && l.Flags&unix.IFF_LOOPBACK == 0 && l.Master == 0 && !wire.IsVirtualMAC(l.MAC) {
				names = append(names, l.Name)
			}
		}
	}
	now := time.Now()
	known, err := monitor.Snapshot(names, f.Sources, now)
	if err != nil {
		return fmt.Errorf("look at the links: %w", err)
	}
	reports := inspect(known, now)
	for _, l := range known {
		own := Link{Link: l, Report: reports[l.Own()]}
		for _, k := range links {
			if k.Index == l.Index {
				own.Bridge, own.Bond, own.Early = k.bridge, k.bond, k.early
			}
		}
		own.findManager()
		f.Links = append(f.Links, own)
	}
	return nil
}

// inspect asks the NICs of the existing links for everything that they can report.
func inspect(links []event.Link, now time.Time) map[string]nic.Report {
	var names []string
	for _, l := range links {
		if l.Index != 0 {
			names = append(names, l.Own())
		}
	}
	all := make(map[string]nic.Report)
	if len(names) == 0 {
		return all
	}
	reports, _ := monitor.Inspect(names, now) // without reports, the NICs are not examined
	for _, r := range reports {
		all[r.Name] = r
	}
	return all
}

// readSettings reads the settings that the checks use.
func (f *Facts) readSettings() {
	keys := []string{"ipv4/ip_forward", tcpLoose}
	for _, key := range keysOfLinks {
		keys = append(keys, onLink(key, "all"))
		for i := range f.Links {
			keys = append(keys, onLink(key, f.Links[i].Own()))
		}
	}
	f.Settings = make(map[string]string)
	for _, key := range keys {
		if value, err := sysctl.Read(key); err == nil {
			f.Settings[key] = value
		}
	}
	f.ReadOnly = !sysctl.Writable(onLink(promoteSecondaries, "all"))
}

// readAddresses reads the addresses of this machine.
func (f *Facts) readAddresses(links []kernelLink) {
	names := make(map[int]string)
	for _, l := range links {
		names[l.Index] = l.Name
	}
	for i := range f.Links { // with their names in the plan
		names[f.Links[i].Index] = f.Links[i].Name
	}
	conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE})
	if err != nil {
		f.lacks("the addresses", err)
		return
	}
	defer conn.Close()
	f.Addresses, err = rtnl.Dump(conn, rtnl.ListAddresses(), func(m netlink.Message) (Address, bool) {
		a, ok := rtnl.DecodeAddress(m)
		return Address{Link: names[a.Index], Prefix: a.Prefix, Marked: a.Protocol == rtnl.Mark}, ok
	})
	if err != nil {
		f.lacks("the addresses", err)
	}
}

// legacyTables lists the tables of iptables-legacy that are loaded. Only its own tools can list
// their rules.
func legacyTables() (tables []string) {
	for _, program := range []string{"ip", "ip6"} {
		text, err := os.ReadFile("/proc/thread-self/net/" + program + "_tables_names")
		if err != nil {
			continue
		}
		for _, name := range strings.Fields(string(text)) {
			tables = append(tables, program+"tables "+name)
		}
	}
	return tables
}

// tryRights tries to run a thread in real time and to lock memory, as the daemon does, and reads
// the state of the clock.
func (f *Facts) tryRights(ctx context.Context, lockMemory func() error) {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		thread.Raiser{}.Raise(ctx, func(_ thread.Priority, err error) { done <- err }, thread.RealTime)()
	}()
	if err := <-done; err != nil {
		f.RealTime = err.Error()
	}
	if lockMemory != nil {
		if err := lockMemory(); err != nil {
			f.Memory = err.Error()
		}
	}
	var clock unix.Timex
	state, err := unix.Adjtimex(&clock)
	f.ClockFree = err == nil && (state == unix.TIME_ERROR || clock.Status&unix.STA_UNSYNC != 0)
}

// listen listens to the segments, asks for the virtual addresses, and tries the virtual MACs.
func (f *Facts) listen(ctx context.Context, during time.Duration) error {
	h := newHeard(&f.Plan)
	l, err := openListener(h)
	if err != nil {
		return err
	}
	defer l.close()
	for i := range f.Links {
		if link := &f.Links[i]; link.heard() {
			if err := l.add(link, f.groupsOn(link)); errors.Is(err, unix.EPERM) {
				return err
			} else if err != nil {
				f.lacks(link.Name, err)
			}
		}
	}
	questions := questionsFor(f, h)
	const rounds = 3
	for round := range rounds {
		l.send(questions)
		if err := l.hear(ctx, during/rounds); err != nil {
			return err
		}
		if round == 0 && during < time.Millisecond {
			break
		}
	}
	f.Ports = l.tryVirtualMACs(ctx, f)
	f.Routers, f.Queriers, f.Answers = h.routers, h.queriers, h.answers
	return nil
}

// linkOf returns the link of an instance for questions.
func (f *Facts) linkOf(name string) (event.Link, bool) {
	l := f.link(name)
	if l == nil || l.Index == 0 || !l.Usable || !l.Resolves() {
		return event.Link{}, false
	}
	return l.Link, true
}
