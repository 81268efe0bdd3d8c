package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// effects are what a step wants done, in the order in which it is to be done, and the
// instant of the step.
type effects struct {
	now  time.Time
	list []vrrp.Effect
}

func (e *effects) emit(more ...vrrp.Effect) { e.list = append(e.list, more...) }

func (e *effects) report(ev event.Event) { e.emit(vrrp.Report{Event: ev}) }

func (e *effects) stamp(c event.Cause) event.Stamp { return event.Stamp{Cause: c, At: e.now} }
