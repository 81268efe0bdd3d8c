package addr

import (
	"iter"
	"slices"
	"time"

	"ripcord/pkg/neigh"
)

// announcer announces the held addresses by its schedule, each with the present MAC of its link.
type announcer struct {
	*schedule
	ledger *ledger
	sender neigh.Sender
	batch  announcements
	failed []unannounced   // failures among the announcements that were sent ahead
	muted  map[string]bool // instances of which a failure was reported since they are held
}

// announcements is a batch of frames that are sent together.
type announcements struct {
	neigh.Batch
	of []announced // what each frame announces
}

// announced is an address of an instance that a frame announces.
type announced struct {
	instance string
	*Address
}

// unannounced is an address that could not be announced.
type unannounced struct {
	announced
	err error
}

func newAnnouncer(l *ledger, sender neigh.Sender) *announcer {
	return &announcer{schedule: newSchedule(), ledger: l, sender: sender, muted: make(map[string]bool)}
}

// begin announces an instance from the beginning.
func (a *announcer) begin(now time.Time, instance string) {
	set := a.ledger.sets[instance]
	a.start(now, instance, len(set.Addresses), set.Announce)
}

// adopt registers an instance whose addresses have already been announced.
func (a *announcer) adopt(now time.Time, instance string) {
	set := a.ledger.sets[instance]
	a.take(now, instance, len(set.Addresses), set.Announce)
}

// beginLater announces addresses that an instance holds in addition to others.
func (a *announcer) beginLater(now time.Time, instance string, entries []*entry) {
	if !a.knows(instance) {
		a.begin(now, instance)
		return
	}
	h := a.ledger.held[instance]
	var indexes []int
	for n, e := range h.entries {
		if slices.Contains(entries, e) {
			indexes = append(indexes, n)
		}
	}
	a.startSome(now, instance, indexes, h.set.Announce)
}

// configure changes the announcements of a held instance to those of its new set. indexes maps the
// old index of each address that stays to its new one.
func (a *announcer) configure(now time.Time, instance string, indexes map[int]int) {
	set := a.ledger.sets[instance]
	a.change(now, instance, len(set.Addresses), set.Announce, indexes)
}

// unmute lets the next failure of an instance be reported.
func (a *announcer) unmute(instance string) { delete(a.muted, instance) }

// apply sends the announcements that are due, as many as one system call takes. It returns failures
// to report: one for each time an instance is held, and none for a link that is down, where
// failures are expected.
func (a *announcer) apply(now time.Time) (failed []unannounced) {
	failed, a.failed = a.failed, nil
	for len(a.batch.of) < neigh.MaxFrames {
		instance, n, ok := a.next(now)
		if !ok {
			break
		}
		if !a.ledger.stands(instance, n) || a.ledger.sentAhead(instance, n) {
			continue
		}
		a.add(announced{instance, &a.ledger.sets[instance].Addresses[n]})
	}
	return append(failed, a.send()...)
}

// applyAhead sends announcements, not more than one system call takes, before begin is called for
// their instances. The next apply returns their failures, after it has been reported that the
// addresses are held.
func (a *announcer) applyAhead(all iter.Seq[announced]) {
	for what := range all {
		a.add(what)
	}
	a.failed = append(a.failed, a.send()...)
}

// add adds an announcement to the batch that is sent next.
func (a *announcer) add(what announced) {
	if len(a.batch.of) == 0 {
		a.batch.Grow(neigh.MaxFrames)
	}
	if a.batch.Announce(a.ledger.links[what.Interface], what.Prefix.Addr()) {
		a.batch.of = append(a.batch.of, what)
	}
}

// send sends the batch, and returns the failures.
func (a *announcer) send() (failed []unannounced) {
	if len(a.batch.of) == 0 {
		return nil
	}
	a.sender.Send(a.batch.Frames())
	for i, frame := range a.batch.Frames() {
		what := a.batch.of[i]
		if frame.Err == nil || a.muted[what.instance] || !a.ledger.links[what.Interface].Usable {
			continue
		}
		a.muted[what.instance] = true
		failed = append(failed, unannounced{what, frame.Err})
	}
	a.batch.Reset()
	a.batch.of = a.batch.of[:0]
	return failed
}
