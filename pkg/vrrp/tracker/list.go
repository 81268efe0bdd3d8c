package tracker

import (
	"iter"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// List is the trackers of a group and its members; the entries of the members come first.
type List struct {
	entries []Entry
	// faultAll is set if the group has a fault only when all trackers of its own list have
	// failed.
	faultAll bool
	members  int
	// status is the snapshot of all entries; nil if one of them has changed since.
	status [][]vrrp.TrackerStatus
}

// New returns the trackers of a group. A link whose state is not known counts as down.
func New(cfg *vrrp.Group, now time.Time) *List {
	l := &List{faultAll: cfg.FaultAll, members: len(cfg.Members)}
	for i := range cfg.Members {
		l.add(i, cfg.Members[i].Track, now)
	}
	l.add(OfGroup, cfg.Track, now)
	return l
}

func (l *List) add(member int, list []vrrp.Tracker, now time.Time) {
	for _, t := range list {
		state := vrrp.TrackerWaiting
		if t.Kind == vrrp.TrackInterface {
			state = vrrp.TrackerDown
		}
		l.entries = append(l.entries, Entry{Tracker: t, Member: member, state: state, since: now})
	}
}

// Keep copies the states that were known before a reload. A link that is newly tracked is up if
// it is one of the usable links.
func (l *List) Keep(before *List, links []event.Link) {
	for i := range l.entries {
		t := &l.entries[i]
		if at := slices.IndexFunc(before.entries, func(o Entry) bool { return o.same(t) }); at >= 0 {
			was := &before.entries[at]
			t.state, t.since, t.change, t.Err = was.state, was.since, was.change, was.Err
			continue
		}
		for i := range links {
			if l := &links[i]; t.Kind == vrrp.TrackInterface && l.Name == t.Name && l.Usable {
				t.state = vrrp.TrackerUp
			}
		}
	}
}

// Fatal iterates over the trackers whose failure is a fault.
func (l *List) Fatal() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for i := range l.entries {
			if t := &l.entries[i]; t.Fatal() && !yield(t) {
				return
			}
		}
	}
}

// Note records the state of all trackers with the given name, and reports whether it has changed.
func (l *List) Note(kind vrrp.TrackerKind, name string, state vrrp.TrackerState, change int, err string, now time.Time) (changed bool) {
	for i := range l.entries {
		t := &l.entries[i]
		if t.Kind != kind || t.Name != name || t.state == state && t.change == change && t.Err == err {
			continue
		}
		if t.state != state {
			t.since = now
		}
		t.state, t.change, t.Err = state, change, err
		l.status, changed = nil, true
	}
	return changed
}

// Faulty reports whether the failure of a tracker is a fault now. If all entries of a group must
// have failed (FaultAll), a single failed entry is no fault.
func (l *List) Faulty(t *Entry) bool {
	if !t.Fatal() || !t.failed() {
		return false
	}
	if t.Member != OfGroup || !l.faultAll || t.Reported {
		return true
	}
	for o := range l.Fatal() {
		if o.Member == OfGroup && !o.Reported && !o.failed() {
			return false
		}
	}
	return true
}

// Causes reports whether any tracker with the given name causes the fault with the given reason.
func (l *List) Causes(name string, reason event.Reason) bool {
	for t := range l.Fatal() {
		if t.Name == name && t.Reason() == reason && l.Faulty(t) {
			return true
		}
	}
	return false
}

// Concerns reports whether the fault with the given source and reason comes from a tracker of the
// group, or of the member with the given index.
func (l *List) Concerns(name string, reason event.Reason, member int) bool {
	for t := range l.Fatal() {
		if t.Name == name && t.Reason() == reason && (t.Member == OfGroup || t.Member == member) {
			return true
		}
	}
	return false
}

// Lists reports whether any tracker can cause the fault with the given source and reason.
func (l *List) Lists(name string, reason event.Reason) bool {
	for t := range l.Fatal() {
		if t.Name == name && t.Reason() == reason {
			return true
		}
	}
	return false
}

// FailedOf reports whether a tracker without a weight has failed that the member with the given
// index lists itself.
func (l *List) FailedOf(member int) bool {
	for t := range l.Fatal() {
		if t.Member == member && t.failed() {
			return true
		}
	}
	return false
}

// FirstFault returns the first tracker that is a fault now; nil if there is none.
func (l *List) FirstFault() *Entry {
	for t := range l.Fatal() {
		if l.Faulty(t) {
			return t
		}
	}
	return nil
}

// Waiting reports whether the group has to wait for the first result of a check.
func (l *List) Waiting() bool {
	return slices.ContainsFunc(l.entries, func(t Entry) bool { return t.state == vrrp.TrackerWaiting && !t.Neutral })
}

// Priority returns the configured priority plus the changes of all trackers, each counted once
// however often the group and its members list it. The result is at least least and at most 254.
// Weights do not change the priority of the owner of the addresses.
func (l *List) Priority(configured uint8, least int) uint8 {
	if configured == vrrp.Owner {
		return configured
	}
	sum := int(configured)
	for i := range l.entries {
		t := &l.entries[i]
		if !slices.ContainsFunc(l.entries[:i], func(o Entry) bool { return o.Tracker == t.Tracker }) {
			sum += t.adds()
		}
	}
	return uint8(min(max(sum, least), vrrp.Owner-1))
}

// Changed reports whether an entry has changed since the last Status.
func (l *List) Changed() bool { return l.status == nil }

// Status returns the states of the trackers of each member, followed by those of the group's own
// list. The caller must not modify it.
func (l *List) Status() [][]vrrp.TrackerStatus {
	if l.status != nil {
		return l.status
	}
	l.status = make([][]vrrp.TrackerStatus, l.members+1)
	for i := range l.entries {
		t, of := &l.entries[i], l.members
		if t.Member != OfGroup {
			of = t.Member
		}
		l.status[of] = append(l.status[of], vrrp.TrackerStatus{Tracker: t.Tracker, State: t.state, Since: t.since, Adds: t.adds(), Err: t.Err})
	}
	return l.status
}
