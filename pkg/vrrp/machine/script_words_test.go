package machine

import (
	"fmt"
	"strings"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// describe returns the effects as text for the trace.
func describe(l *lan, effects []vrrp.Effect) string {
	var said []string
	for _, e := range effects {
		_, summarizes := e.(vrrp.Summarize)
		_, records := e.(vrrp.RecordActives)
		if (!summarizes || l.summaries) && (!records || l.records) {
			said = append(said, inWords(l, e))
		}
	}
	return strings.Join(said, "; ")
}

func inWords(l *lan, e vrrp.Effect) string {
	switch e := e.(type) {
	case vrrp.Advertise:
		said := fmt.Sprintf("advertise %s from %v on #%d", e.Instance.Name, e.Source, e.Index)
		if e.Priority != e.Instance.Priority {
			said += fmt.Sprintf(" with priority %d", e.Priority)
		}
		if e.Checksum == wire.MessageOnly {
			said += " with rfc9568 checksum"
		}
		if e.Interval != 0 {
			said += fmt.Sprintf(" each %v", e.Interval)
		}
		return said
	case vrrp.Arm:
		return fmt.Sprintf("arm %v: %s", e.At.Sub(l.begin), inWords(l, e.Advertise))
	case vrrp.Disarm:
		return "disarm " + e.Instance.Name
	case vrrp.AdvertiseNow:
		return "advertise " + e.Instance.Name + " now"
	case vrrp.HoldBack:
		return fmt.Sprintf("hold back %s until %v", e.Instance.Name, e.Until.Sub(l.begin))
	case vrrp.Resign:
		return "resign " + e.Instance.Name
	case vrrp.Mute:
		return "mute " + e.Instance.Name
	case vrrp.Probe:
		return fmt.Sprintf("probe %s from %v on #%d with priority %d", e.Instance.Name, e.Source, e.Index, e.Priority)
	case vrrp.Hold:
		return "hold" + namesOf(e.Only)
	case vrrp.Release:
		return "release" + namesOf(e.Only)
	case vrrp.Reannounce:
		return "reannounce" + namesOf(e.Only)
	case vrrp.Verify:
		return "verify " + strings.Join(e.Interfaces, " ")
	case vrrp.Ask:
		return "ask on " + strings.Join(e.Interfaces, " ")
	case vrrp.Watch:
		if !e.Active.IsValid() {
			return "watch nobody for " + e.Instance.Name
		}
		return fmt.Sprintf("watch %v for %s", e.Active, e.Instance.Name)
	case vrrp.Summarize:
		return fmt.Sprintf("summarize %s=%v", e.Instance.Name, e.On)
	case vrrp.RunFence:
		return fmt.Sprintf("fence %v, the Active of %s, for %s", e.Active, e.Instance.Name, e.Group)
	case vrrp.RecordActives:
		var list []string
		for _, a := range e.Actives {
			list = append(list, fmt.Sprintf("%v (%d, %v)", a.Source, a.Priority, a.Interval))
		}
		return fmt.Sprintf("record for %s: [%s]", e.Instance.Name, strings.Join(list, ", "))
	case vrrp.Report:
		return reportInWords(l, e.Event)
	}
	return fmt.Sprintf("%T", e)
}

func reportInWords(l *lan, e event.Event) string {
	switch e := e.(type) {
	case event.InstanceTransition:
		return fmt.Sprintf("%s %s>%s (%s)", e.Virtual.Name, e.From, e.To, e.Reason)
	case event.GroupAdopted:
		return fmt.Sprintf("%s goes on with priority %d after %v, handover=%v", e.Group, e.Priority, e.Gap, e.Handover)
	case event.GroupUnadopted:
		return fmt.Sprintf("%s starts anew: %s", e.Group, e.Why)
	case event.GroupTransition:
		if e.Member == "" {
			return fmt.Sprintf("%s %s>%s (%s)", e.Group, e.From, e.To, e.Reason)
		}
		return fmt.Sprintf("%s %s>%s (%s of %s)", e.Group, e.From, e.To, e.Reason, e.Member)
	case event.InstancePriority:
		return fmt.Sprintf("priority %d, was %d: %s", e.To, e.From, e.Tracker)
	case event.InstanceHolding:
		if e.Until.IsZero() {
			return fmt.Sprintf("%s waits for its %s", e.Virtual.Name, e.Reason)
		}
		return fmt.Sprintf("%s waits for its %s until %v", e.Virtual.Name, e.Reason, e.Until.Sub(l.begin))
	case event.InstanceImpaired:
		return fmt.Sprintf("%s has priority %d and lacks %v", e.Virtual.Name, e.Priority, e.Missing)
	case event.InstanceFault:
		return fmt.Sprintf("fault %s of %s, over=%v: %s", e.Reason, e.Virtual.Name, e.Over, e.Err)
	case event.GroupCascade:
		return fmt.Sprintf("cascade on=%v for %s: %s", e.On, e.Source, e.Why)
	case event.ProbeDead:
		return fmt.Sprintf("the machine of %v, Active of %s, is dead", e.Active, e.Virtual.Name)
	case event.ProbeSuspended:
		return fmt.Sprintf("%v, Active of %s, is not dead: %s; not watched until %v", e.Active, e.Virtual.Name, e.Why, e.Until.Sub(l.begin))
	case event.FenceUnproven:
		return fmt.Sprintf("%s has no proof on %s, proceeds=%v", e.Virtual.Name, strings.Join(e.Links, " "), e.Proceeds)
	case event.EngineStalled:
		return fmt.Sprintf("stalled %v: %s", e.Gap, e.Done)
	case event.EngineLease:
		return fmt.Sprintf("lease %v old: %s", e.Gap, e.Done)
	case event.Warning:
		if e.Over {
			return fmt.Sprintf("warning %s of %s is over: %s", e.Reason, e.Instance, e.Text)
		}
		return fmt.Sprintf("warning %s of %s: %s", e.Reason, e.Instance, e.Text)
	case event.AdvertRival:
		if e.Version != 0 {
			return fmt.Sprintf("rival of %s by VRRPv%d: %s with priority %d", e.Virtual.Name, e.Version, e.Source, e.Priority)
		}
		if e.Skewed {
			return fmt.Sprintf("rival of %s by another clock: %s with priority %d", e.Virtual.Name, e.Source, e.Priority)
		}
		if e.Invalid {
			return fmt.Sprintf("rival of %s by invalid adverts: %s with priority %d", e.Virtual.Name, e.Source, e.Priority)
		}
		if e.Unheard {
			return fmt.Sprintf("rival of %s goes on: %s with priority %d", e.Virtual.Name, e.Source, e.Priority)
		}
		return fmt.Sprintf("rival of %s: %s with priority %d", e.Virtual.Name, e.Source, e.Priority)
	}
	return fmt.Sprintf("%T", e)
}

// namesOf lists the instances that an order is limited to.
func namesOf(only []*vrrp.Instance) (said string) {
	for _, in := range only {
		said += " " + in.Name
	}
	return said
}
