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
