package daemon

import (
	"context"
	"net/netip"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/pkg/runner"
	"ripcord/pkg/stats"
	"ripcord/pkg/telemetry"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

var (
	_ control.Source   = source{}
	_ telemetry.Source = source{}
)

// source gives the control API and the metrics the state of the parts.
type source struct{ parts *parts }

// countWithin is how long a request waits until the receiver has added the kernel's counts.
const countWithin = 100 * time.Millisecond

// Groups returns snapshots of all groups, with up-to-date counters.
func (s source) Groups() []vrrp.GroupStatus {
	ctx, cancel := context.WithTimeout(context.Background(), countWithin)
	defer cancel()
	s.parts.receiver.Count(ctx)
	groups := s.parts.router.Groups()
	all := make([]vrrp.GroupStatus, 0, len(groups))
	for _, g := range groups {
		all = append(all, *g)
	}
	return all
}

// Links returns the links that carry adverts or are tracked; one that does not exist has no index.
func (s source) Links() []event.Link {
	watched := Interfaces(s.parts.config.Load())
	there := make(map[string]event.Link, len(watched))
	for _, l := range s.parts.monitor.Links(watched...) {
		there[l.Name] = l
	}
	links := make([]event.Link, len(watched))
	for i, name := range watched {
		links[i] = there[name]
		links[i].Name = name
	}
	return links
}

// Stats returns the statistics of an instance.
func (s source) Stats(instance string) *stats.Counters { return s.parts.stats.Of(instance) }

// Answered returns how many of the last questions to an Active's machine were answered.
func (s source) Answered(link string, active netip.Addr) (answered, asked int) {
	return s.parts.watcher.Answered(link, active)
}

// Warnings returns the warnings in force of an instance.
func (s source) Warnings(instance string) []event.Warning { return s.parts.warnings.Of(instance) }

// Checks returns the states of all checks, by name.
func (s source) Checks() []track.Status { return s.parts.checks.Snapshot() }

// Runner returns the state of the process that runs commands.
func (s source) Runner() runner.Status { return s.parts.programs.Status() }

// Unknown returns the statistics of adverts that belong to no instance.
func (s source) Unknown() *stats.Counters { return s.parts.unknown }

// Setups returns the configuration of each instance that the state machine does not have.
func (s source) Setups() map[string]control.Setup {
	c := s.parts.config.Load()
	all := make(map[string]control.Setup, len(c.Sets))
	for _, set := range c.Sets {
		n := c.Notify[config.Subject{Name: set.Instance}]
		all[set.Instance] = control.Setup{Set: set, Active: n.Active.Argv, Backup: n.Backup.Argv, Fault: n.Fault.Argv, Stop: n.Stop.Argv, Any: n.Any.Argv}
	}
	return all
}

// Unanswered returns how often questions to the kernel failed.
func (s source) Unanswered() []event.Failed { return s.parts.questions.Failures() }
