package control

import (
	"net"
	"net/netip"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// status returns the status document, with or without the statistics of the instances, which are
// more than half of it.
func (c Config) status(counted bool) *Status {
	s := &Status{
		Version: c.Version, Host: c.Host, Since: known(c.Since),
		Instances: []Instance{}, Groups: []Group{}, Links: []Link{}, Checks: []Check{},
	}
	trouble := map[string]string{}
	for _, l := range c.Source.Links() {
		s.Links = append(s.Links, link(l))
		trouble[l.Name] = s.Links[len(s.Links)-1].Trouble
	}
	for _, g := range c.Source.Groups() {
		members := make([]string, 0, len(g.Members))
		for _, m := range g.Members {
			members = append(members, m.Instance.Name)
			written := instance(g.Name, m, trouble)
			if counted {
				written.Statistics = statistics(c.Source.Stats(m.Instance.Name))
			}
			written.Probe = c.probe(&m)
			written.Holding = g.Holding
			written.Wait = wait(g.WaitOf(&m))
			written.Warnings = warnings(c.Source.Warnings(m.Instance.Name))
			s.Instances = append(s.Instances, written)
		}
		if g.Name != "" {
			s.Groups = append(s.Groups, Group{
				Name: g.Name, State: g.State.String(), Since: known(g.Since),
				Reason: string(g.Reason), Members: members, Trackers: trackers(g.Trackers),
			})
		}
	}
	for _, k := range c.Source.Checks() {
		s.Checks = append(s.Checks, check(k))
	}
	s.StaticWarnings = warnings(c.Source.Warnings(addr.StaticName))
	s.MachineWarnings = warnings(c.Source.Warnings(event.MachineName))
	r := c.Source.Runner()
	s.Runner = &Runner{Ready: r.Ready && r.Err == "", PID: r.PID, Since: known(r.Since), Lost: r.Lost, Error: r.Err, Unkept: r.Unkept}
	if c.port != nil {
		s.ListenError = c.port.trouble()
	}
	return s
}

// instance returns the status of one virtual router of a group; group is empty for an instance
// outside any group. trouble contains, by name, why links cannot be used.
func instance(group string, m vrrp.InstanceStatus, trouble map[string]string) Instance {
	i := Instance{
		Name: m.Instance.Name, Group: group, Interface: m.Instance.Interface,
		VRID: m.Instance.VRID, Family: m.Instance.Family.String(), Version: int(m.Instance.Version.Number()),
		State: m.State.String(), Since: known(m.Since), LastStanding: m.LastStanding, Faults: make([]Fault, 0, len(m.Faults)), Missing: append([]string{}, m.Missing...),
		Trackers: trackers(m.Trackers),

		Priority: m.Instance.Priority, EffectivePriority: m.EffectivePriority,
		IsOwner:        m.Instance.Priority == vrrp.Owner,
		ActivePriority: m.ActivePriority,
		Up:             known(m.Up), LastEvent: string(m.LastEvent), NewActiveReason: string(m.NewActiveReason),

		Interval:           m.Interval.Microseconds(),
		ActiveDownInterval: m.ActiveDownInterval.Microseconds(),
		SkewTime:           m.SkewTime.Microseconds(),
		Addresses:          append([]netip.Addr{}, m.Instance.Addresses...),
		ExtraAddresses:     append([]netip.Addr{}, m.Instance.Extra...),
	}
	if m.Instance.VirtualMAC {
		mac := wire.VirtualMAC(m.Instance.Family, m.Instance.VRID)
		text := net.HardwareAddr(mac[:]).String()
		i.VirtualMAC = &text
	}
	if m.ActiveAddress.IsValid() {
		i.ActiveAddress = &m.ActiveAddress
	}
	for _, f := range m.Faults {
		fault := Fault{Source: f.Source, Reason: string(f.Reason), Since: known(f.Since), Until: known(f.Until), Error: f.Err}
		fault.Text = faultText(fault, trouble[f.Source], f.Forwards)
		i.Faults = append(i.Faults, fault)
	}
	return i
}

// probe returns the state of the watch of the Active's machine; nil if the instance is not
// configured for one.
func (c Config) probe(m *vrrp.InstanceStatus) *Probe {
	if !m.Instance.Watching.On() {
		return nil
	}
	p := &Probe{InUse: m.Watch.Used(), Text: m.Watch.Describe(m.Instance, m.State), SuspendedUntil: known(m.Watch.SuspendedUntil)}
	if m.Watch.Active.IsValid() {
		p.Active = &m.Watch.Active
		p.Answered, p.Asked = c.Source.Answered(m.Instance.Interface, m.Watch.Active)
	}
	return p
}

// wait returns a wait as the document has it; nil if there is none.
func wait(w vrrp.WaitStatus) *Wait {
	if w.Reason == "" {
		return nil
	}
	return &Wait{Reason: w.Reason, Text: waits[w.Reason], Until: known(w.Until)}
}

func trackers(list []vrrp.TrackerStatus) []Tracker {
	all := make([]Tracker, 0, len(list))
	for _, t := range list {
		out := Tracker{
			Kind: "check", Name: t.Name, State: trackerStates[t.State], Since: known(t.Since), Reverse: t.Reverse, Adds: t.Adds, Error: t.Err,
		}
		switch {
		case t.Kind == vrrp.TrackInterface:
			out.Kind = "interface"
		case t.Reported:
			out.Kind = "file"
		}
		if t.Weight != 0 {
			out.Weight = &t.Weight
		}
		all = append(all, out)
	}
	return all
}

// trackerStates maps the states of a tracker to words: those of checks.
var trackerStates = map[vrrp.TrackerState]string{
	vrrp.TrackerWaiting: track.Waiting.String(), vrrp.TrackerUp: track.Up.String(), vrrp.TrackerDown: track.Down.String(),
}

func warnings(inForce []event.Warning) []Warning {
	all := make([]Warning, 0, len(inForce))
	for _, w := range inForce {
		all = append(all, Warning{Reason: string(w.Reason), Subject: w.Subject, Text: w.Text, Since: known(w.At)})
	}
	return all
}

// statistics reads the counters of an instance; without counters all are zero.
func statistics(s *stats.Counters) Statistics {
	out := Statistics{Counters: make(map[string]uint64)}
	for c, d := range stats.All {
		switch {
		case d.Daemon && c != stats.VRIDErrors: // VRIDErrors: RFC 8347 lists it with the instance
		case s == nil:
			out.Counters[d.Key] = 0
		default:
			out.Counters[d.Key] = s.Get(c)
		}
	}
	if s != nil {
		out.Discontinuity = known(s.Since)
	}
	return out
}

func link(l event.Link) Link {
	out := Link{
		Name: l.Name, Index: l.Index, Up: l.Usable, AdminUp: l.AdminUp, Carrier: l.Carrier,
		OperState: l.OperState.String(), Monitor: l.Monitor,
		CarrierUpCount: l.UpCount, CarrierDownCount: l.DownCount,
		Confirm: l.Confirm.Microseconds(), Poll: l.Poll.Microseconds(), Stretched: l.Stretched, Hint: string(l.Hinting), Reason: l.Reason,
		Device: l.Device, Master: l.Master,
		LastChange: known(l.LastChange), LastChangeSource: string(l.LastSource), Unchanged: l.Unchanged,
	}
	if !l.Usable {
		out.Trouble = l.Trouble()
	}
	return out
}

func check(k track.Status) Check {
	out := Check{
		Name: k.Name, Checks: k.Checks, State: k.State.String(), Since: known(k.Since), Value: k.Value,
		Runs: k.Runs, Failed: k.Failed, Skipped: k.Skipped,
	}
	if k.Err != nil {
		out.Error = k.Err.Error()
	}
	return out
}

// known returns t as the document has it: in UTC, and nil for the zero time, which is unknown.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
