package event

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// warningLogEvery is the minimum time between two lines of one warning: a warning that comes and
// goes every second must not fill the log. Status and metrics show it nevertheless.
const warningLogEvery = time.Minute

// Warnings holds the warnings that are in force. Any part that finds a problem reports it here,
// once or repeatedly; status and metrics read All. Its methods may be called from any goroutine;
// those of a nil *Warnings do nothing.
type Warnings struct {
	// After has a function called after a time, as time.AfterFunc does. It is set before the first
	// report. Without it, a warning that had to wait is logged only if it is reported again.
	After func(wait time.Duration, call func())

	publish func(Event)

	mu  sync.Mutex
	all map[WarningKey]*warning
}

// warning is a warning that is in force, or was logged less than warningLogEvery ago.
type warning struct {
	Warning
	as      Event // its line in the log
	inForce bool
	logged  bool // as in force, with the text written
	written string
	next    time.Time // when it may be logged again
	later   bool      // a timer logs it then, if that is still needed
}

// unlogged reports whether the log lacks the warning as it is now.
func (w *warning) unlogged() bool { return w.inForce && (!w.logged || w.written != w.Text) }

// NewWarnings returns an empty set that publishes a Warning when one begins or ends.
func NewWarnings(publish func(Event)) *Warnings {
	return &Warnings{publish: publish, all: make(map[WarningKey]*warning)}
}

// Report reports that a warning is in force, since At if it was not in force yet or is now about
// another machine. It is logged when it begins and when its text changes, but not more often than
// once a minute: if it has to wait for the minute, it is logged after it, unless it is over then.
func (w *Warnings) Report(found Warning) { w.ReportAs(found, found) }

// ReportAs reports that a warning is in force, and logs it as another event with more details.
func (w *Warnings) ReportAs(found Warning, as Event) {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.forget(found.At)
	known := w.all[found.Key()]
	if known == nil {
		known = &warning{}
		w.all[found.Key()] = known
	}
	since := found.Stamp
	if known.inForce && known.Machine == found.Machine {
		since = known.Stamp
	}
	known.Warning, known.as, known.inForce, known.Stamp = found, as, true, since
	log := w.log(known, found.At)
	w.mu.Unlock()
	if log {
		w.publish(as)
	}
}

// log reports whether a warning is to be logged now. If it is too early, log has it done later.
func (w *Warnings) log(known *warning, now time.Time) bool {
	if !known.unlogged() {
		return false
	}
	if wait := known.next.Sub(now); wait > 0 {
		if !known.later && w.After != nil {
			known.later = true
			w.After(wait, func() { w.logLater(known) })
		}
		return false
	}
	known.logged, known.written, known.next = true, known.Text, now.Add(warningLogEvery)
	return true
}

// logLater logs a warning that had to wait, unless it is over or was logged meanwhile.
func (w *Warnings) logLater(known *warning) {
	w.mu.Lock()
	known.later = false
	as, log := known.as, w.log(known, known.next)
	w.mu.Unlock()
	if log {
		w.publish(as)
	}
}

// Clear reports that a warning is over. It does nothing if the warning was not in force.
func (w *Warnings) Clear(key WarningKey, stamp Stamp) {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.forget(stamp.At)
	known := w.all[key]
	if known == nil || !known.inForce {
		w.mu.Unlock()
		return
	}
	over, log := known.Warning, known.logged
	known.inForce, known.logged = false, false
	w.mu.Unlock()
	if log {
		over.Stamp, over.Over = stamp, true
		w.publish(over)
	}
}

// Set reports that a warning is in force, or that it is over.
func (w *Warnings) Set(inForce bool, found Warning) {
	if inForce {
		w.Report(found)
	} else {
		w.Clear(found.Key(), found.Stamp)
	}
}

// Retain ends the warnings with a reason of which keep returns false, for example because a reload
// removed their subject.
func (w *Warnings) Retain(reason WarningReason, stamp Stamp, keep func(WarningKey) bool) {
	for _, v := range w.All() {
		if v.Reason == reason && !keep(v.Key()) {
			w.Clear(v.Key(), stamp)
		}
	}
}

// All returns the warnings in force, sorted by instance, reason and subject. Address conflicts
// come last, because another warning of the instance is often their cause. The stamp of each is when
// it began.
func (w *Warnings) All() []Warning {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Warning
	for _, known := range w.all {
		if known.inForce {
			all = append(all, known.Warning)
		}
	}
	slices.SortFunc(all, func(a, b Warning) int {
		return cmp.Or(strings.Compare(a.Instance, b.Instance), cmp.Compare(a.order(), b.order()),
			strings.Compare(string(a.Reason), string(b.Reason)), strings.Compare(a.Subject, b.Subject))
	})
	return all
}

// order returns the position of the warning among those of its instance: causes before effects.
func (e Warning) order() int {
	if e.Reason == WarnAddressConflict {
		return 1
	}
	return 0
}

// Of returns the warnings in force of one instance.
func (w *Warnings) Of(instance string) []Warning {
	return slices.DeleteFunc(w.All(), func(v Warning) bool { return v.Instance != instance })
}

// forget drops warnings that are over and may be logged again.
func (w *Warnings) forget(now time.Time) {
	for key, known := range w.all {
		if !known.inForce && !now.Before(known.next) {
			delete(w.all, key)
		}
	}
}
