package link

import (
	"time"

	"ripcord/pkg/event"
)

// Outcome is the result of an observation: what to publish, in this order, and which plans of the
// shell are out of date.
type Outcome struct {
	Facts     []event.Link
	Addresses []event.Address
	Events    []event.Event

	Replan bool // the results of Targets, Polls or Unexamined have changed
	Sooner bool // the Deadline may be earlier
	Query  bool // Unexplained returns more links
	Ask    bool // TakeHinted returns more links
}

// Empty reports whether there is nothing to publish.
func (o *Outcome) Empty() bool {
	return len(o.Facts) == 0 && len(o.Addresses) == 0 && len(o.Events) == 0
}

// issuer gives facts their numbers and causes.
type issuer struct {
	minter *event.Minter
	seq    uint64 // of the last fact
}

// record collects the outcome of one observation. Everything in it has one cause, which is made
// only if there is something to publish.
type record struct {
	*issuer
	at     time.Time // of the observation
	source event.Source
	cause  event.Cause
	Outcome
}

// stamp returns the cause of the outcome.
func (r *record) stamp() event.Stamp {
	if r.cause.Trace == 0 {
		r.cause = r.minter.Cause(r.at)
	}
	return event.Stamp{Cause: r.cause, At: r.at}
}

// publish publishes the fact about a link under the name in it.
func (r *record) publish(l event.Link) event.Link {
	r.seq++
	l.Seq, l.Cause = r.seq, r.stamp().Cause
	r.Facts = append(r.Facts, l)
	return l
}

// publishGone publishes that no interface has one of the entry's names any more.
func (r *record) publishGone(e *entry, name string) event.Link {
	gone := event.Link{Name: name, LastChange: r.at, LastSource: r.source}
	if e.fact.Usable {
		gone.Downs = 1
	}
	return r.publish(gone)
}

// publishAddress publishes the fact about an address.
func (r *record) publishAddress(a Assigned, present bool) {
	fact := event.Address{
		Cause: r.stamp().Cause, Index: a.Index, Prefix: a.Prefix, Present: present, Marked: a.Marked,
	}
	if !present {
		fact.Removals = 1
	}
	r.Addresses = append(r.Addresses, fact)
}

// log adds an event.
func (r *record) log(e event.Event) { r.Events = append(r.Events, e) }
