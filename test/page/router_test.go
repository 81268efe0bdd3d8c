package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/pkg/runner"
	"ripcord/pkg/stats"
	"ripcord/pkg/telemetry"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// router is what the page reports on: a router whose states the test decides. What it
// returns is not written to afterwards.
type router struct {
	mu       sync.Mutex
	groups   []vrrp.GroupStatus
	links    []event.Link
	checks   []track.Status
	warnings map[string][]event.Warning
	counted  map[string]*stats.Counters
	runner   runner.Status

	events *bus.Topic[event.Event]
	minter *event.Minter
}

func (r *router) Groups() []vrrp.GroupStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.groups)
}
func (r *router) Links() []event.Link {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.links)
}
func (r *router) Stats(name string) *stats.Counters                 { return r.counted[name] }
func (r *router) Answered(string, netip.Addr) (answered, asked int) { return 98, 100 }
func (r *router) Warnings(name string) []event.Warning              { return r.warnings[name] }
func (r *router) Runner() runner.Status                             { return r.runner }
func (r *router) Checks() []track.Status                            { return r.checks }
func (r *router) Setups() map[string]control.Setup                  { return nil }
func (r *router) report(cause event.Cause) (s event.Stamp) {
	return event.Stamp{Cause: cause, At: time.Now()}
}

// member is an instance in a state since a time.
func member(group, name, link string, vrid uint8, state event.State, since time.Duration, why event.Reason, addresses ...string) vrrp.InstanceStatus {
	in := &vrrp.Instance{
		Virtual:  event.Virtual{Name: name, Group: group, Interface: link, VRID: vrid, Family: event.IPv4},
		Priority: 150, Interval: time.Second,
	}
	for _, a := range addresses {
		in.Addresses = append(in.Addresses, netip.MustParseAddr(a))
	}
	if in.Addresses[0].Is6() {
		in.Family = event.IPv6
	}
	return vrrp.InstanceStatus{Instance: in, InstanceState: vrrp.InstanceState{
		State: state, Since: time.Now().Add(-since), EffectivePriority: 150, LastEvent: why, Interval: time.Second,
		ActiveAddress: netip.MustParseAddr("192.0.2.12"), ActivePriority: 120, Up: time.Now().Add(-26 * time.Hour),
	}}
}

func group(name string, state event.State, since time.Duration, why event.Reason, members ...vrrp.InstanceStatus) vrrp.GroupStatus {
	return vrrp.GroupStatus{Name: name, State: state, Since: time.Now().Add(-since), Reason: why, Members: members}
}

func newRouter() *router {
	return &router{runner: runner.Status{Ready: true, PID: 77}, events: new(bus.Topic[event.Event]), minter: event.NewMinter(0x18ebea1fcc605000), warnings: map[string][]event.Warning{}, counted: map[string]*stats.Counters{}}
}

// site is a router as an operator has it on a bad day: a group in fault, and others that
// are fine.
func site() *router {
	r := newRouter()
	fault := member("uplink", "transit-v4", "eth2", 61, event.Fault, 4*time.Minute, event.InterfaceDown, "203.0.113.1")
	fault.Faults = []vrrp.FaultStatus{{Source: "eth2", Reason: event.InterfaceDown, Since: fault.Since}}
	other := member("uplink", "transit-v6", "eth2", 61, event.Fault, 4*time.Minute, event.GroupMoved, "fe80::1", "2001:db8:2::1")
	other.Faults = fault.Faults
	backup := member("", "management", "eth3", 7, event.Backup, 26*time.Hour, event.Startup, "10.9.0.1")
	backup.Instance.Watching, backup.Watch = vrrp.Watching{Interval: 50 * time.Millisecond, Miss: 3}, vrrp.WatchStatus{Active: backup.ActiveAddress, Liveness: vrrp.Answering}
	waiting := member("", "voice", "eth4", 40, event.Initialize, 9*time.Second, event.Startup, "10.40.0.1")
	waiting.Trackers = []vrrp.TrackerStatus{{Tracker: vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "gateway"}, Since: waiting.Since}}
	storage := member("storage", "san-a", "eth5", 80, event.Active, 3*time.Hour, event.ActiveTimeout, "10.80.0.1", "10.80.0.2")
	r.groups = []vrrp.GroupStatus{
		group("edge", event.Active, 3*time.Hour, event.ActiveTimeout,
			member("edge", "inside", "eth0", 51, event.Active, 3*time.Hour, event.ActiveTimeout, "192.0.2.1"),
			member("edge", "outside", "eth1", 52, event.Active, 3*time.Hour, event.GroupMoved, "198.51.100.1")),
		group("uplink", event.Fault, 4*time.Minute, event.InterfaceDown, fault, other),
		group("storage", event.Active, 3*time.Hour, event.ActiveTimeout, storage, member("storage", "san-b", "eth6", 81, event.Active, 3*time.Hour, event.GroupMoved, "10.81.0.1")),
		group("", event.Backup, 26*time.Hour, event.Startup, backup),
		group("", event.Initialize, 9*time.Second, event.Startup, waiting),
	}
	r.warnings["san-a"] = []event.Warning{{Stamp: event.Stamp{At: time.Now().Add(-time.Hour)}, Instance: "san-a", Reason: "proxy-arp", Subject: "eth5",
		Text: "proxy_arp is on at eth5: this router answers for addresses that it does not hold: set net.ipv4.conf.eth5.proxy_arp=0"}}
	for i := range 7 {
		r.links = append(r.links, event.Link{Name: fmt.Sprintf("eth%d", i), Index: 2 + i, Usable: i != 2, AdminUp: true, Carrier: i != 2, OperState: event.OperUp,
			Monitor: "netlink", UpCount: 1, LastChange: time.Now().Add(-26 * time.Hour), LastSource: event.Resync, Unchanged: true, Confirm: 10 * time.Millisecond})
	}
	r.links[2].OperState, r.links[2].DownCount, r.links[2].Reason, r.links[2].LastChange, r.links[2].LastSource, r.links[2].Unchanged = event.OperDown, 3, "no cable", fault.Since, event.Confirm, false
	r.runner = runner.Status{Err: "ripcord-runner.service does not run", Since: time.Now().Add(-time.Minute)}
	r.checks = []track.Status{
		{Report: track.Report{Name: "gateway"}, Checks: "ping 10.40.0.254"},
		{Report: track.Report{Name: "radius", State: track.Down, Ran: true, Err: errors.New("no answer within 2s")}, Checks: "tcp 10.9.0.5:1812", Since: time.Now().Add(-11 * time.Minute), Runs: 900, Failed: 12},
		{Report: track.Report{Name: "web", State: track.Up, Ran: true}, Checks: "http https://192.0.2.80/health", Since: time.Now().Add(-26 * time.Hour), Runs: 9000},
	}
	return r
}

// crowd is a router of n instances outside any group.
func crowd(n int) *router {
	r := newRouter()
	states := []event.State{event.Active, event.Active, event.Backup, event.Active, event.Backup}
	for i := range n {
		state := states[i%len(states)]
		m := member("", fmt.Sprintf("customer-%04d", i), fmt.Sprintf("eth%d", i%4), uint8(1+i/4%255), state, time.Duration(i)*time.Minute, event.ActiveTimeout, fmt.Sprintf("10.1.%d.%d", i/250, 1+i%250))
		if i%333 == 7 {
			m.State, m.Faults = event.Fault, []vrrp.FaultStatus{{Source: "billing", Reason: event.CheckFailed, Since: m.Since, Err: "no answer within 2s"}}
		}
		r.groups = append(r.groups, vrrp.GroupStatus{State: m.State, Since: m.Since, Reason: m.LastEvent, Members: []vrrp.InstanceStatus{m}})
		r.counted[m.Instance.Name] = &stats.Counters{Since: time.Now()}
	}
	for i := range 4 {
		r.links = append(r.links, event.Link{Name: fmt.Sprintf("eth%d", i), Index: 2 + i, Usable: true, AdminUp: true, Carrier: true, OperState: event.OperUp, Monitor: "netlink"})
	}
	return r
}

// move has a group, or an instance outside any, change its state, and reports it as the
// daemon does.
func (r *router) move(name string, to event.State, why event.Reason) {
	r.mu.Lock()
	cause := r.minter.Cause(time.Now())
	var events []event.Event
	for i := range r.groups {
		g := &r.groups[i]
		if g.Title() != name && g.Name != name {
			continue
		}
		from, members := g.State, slices.Clone(g.Members)
		for k := range members {
			m := &members[k]
			reason := why
			if k > 0 {
				reason = event.GroupMoved
			}
			events = append(events, event.InstanceTransition{Stamp: r.report(cause), Virtual: m.Instance.Virtual, From: m.State, To: to, Reason: reason, Priority: 150})
			m.State, m.Since, m.LastEvent, m.Faults = to, time.Now(), reason, nil
			if to == event.Fault {
				m.Faults = []vrrp.FaultStatus{{Source: m.Instance.Interface, Reason: why, Since: m.Since}}
			}
		}
		g.State, g.Since, g.Reason, g.Members = to, time.Now(), why, members
		if g.Name != "" {
			events = append(events, event.GroupTransition{Stamp: r.report(cause), Group: g.Name, From: from, To: to, Reason: why, Member: members[0].Instance.Name})
		}
		if to == event.Fault {
			events = append(events, event.AdvertSent{Stamp: r.report(cause), Instance: members[0].Instance.Name, Kind: "resign", Took: 210 * time.Microsecond},
				event.AddressMoved{Stamp: r.report(cause), Kind: event.AddressRemoved, Instance: members[0].Instance.Name, Addresses: []netip.Prefix{netip.PrefixFrom(members[0].Instance.Addresses[0], 24)}, Took: 380 * time.Microsecond})
		}
	}
	r.mu.Unlock()
	r.events.Publish(events...)
}

// served is the control API over a router, at a port of this machine.
type served struct {
	*router
	base string
	stop func()
	dir  string
}

// serve starts the API for as long as the test lasts, at an address or at any port.
func serve(t testing.TB, r *router, listen string) *served {
	t.Helper()
	history := telemetry.NewHistory(r.events)
	s := &served{router: r, dir: t.TempDir()}
	api, err := control.New(control.Config{
		Socket: filepath.Join(s.dir, "s"), Listen: listen, Version: "0.1.0", Host: "gw1.example.net", Since: time.Now().Add(-26 * time.Hour), Source: r, Events: history,
		Metrics: http.NotFoundHandler(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = history.Run(ctx) })
	running.Go(func() {
		if err := api.Run(ctx); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
	})
	s.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(s.stop)
	s.base = "http://" + api.Port().String()
	return s
}
