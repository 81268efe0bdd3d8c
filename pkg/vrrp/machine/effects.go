package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// effects collects the effects of a step, in the order in which they must be carried out.
type effects struct {
	now  time.Time
	list []vrrp.Effect
}

func (e *effects) emit(more ...vrrp.Effect) { e.list = append(e.list, more...) }

func (e *effects) report(ev event.Event) { e.emit(vrrp.Report{Event: ev}) }

func (e *effects) stamp(c event.Cause) event.Stamp { return event.Stamp{Cause: c, At: e.now} }

// reportGroup reports the transition of a group as a whole. An instance outside any group has none.
func (e *effects) reportGroup(name string, from, to event.State, why event.Reason, cause event.Cause) {
	if name != "" {
		e.report(event.GroupTransition{Stamp: e.stamp(cause), Group: name, From: from, To: to, Reason: why})
	}
}

// warn reports a warning of a member: text says what is wrong, and what to do.
func (e *effects) warn(m *member, reason event.WarningReason, text string, cause event.Cause) {
	e.report(event.Warning{Stamp: e.stamp(cause), Instance: m.Name, Reason: reason, Text: text})
}

// endWarning reports that a warning of a member is over, and why.
func (e *effects) endWarning(m *member, reason event.WarningReason, why string, cause event.Cause) {
	e.report(event.Warning{Stamp: e.stamp(cause), Instance: m.Name, Reason: reason, Over: true, Text: why})
}
