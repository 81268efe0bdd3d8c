package link

import (
	"slices"
	"time"

	"ripcord/pkg/event"
)

// vote is the last report of one source about a link.
type vote struct {
	source event.Source
	down   bool
	at     time.Time // the time of the last report
	// upAt and downAt are when the source last changed its report to that; zero if it never did.
	upAt, downAt time.Time
	// unansweredSince is when the source first failed to answer since its last answer; zero if it
	// answers.
	unansweredSince time.Time
	// withdrawn is set if the source reported down and does not answer any more: the vote does not
	// count.
	withdrawn bool
}

// record records a report of the source.
func (v *vote) record(up bool, at time.Time) {
	switch {
	case up && (v.down || v.upAt.IsZero()):
		v.upAt = at
	case !up && (!v.down || v.downAt.IsZero()):
		v.downAt = at
	}
	v.down, v.at = !up, at
}

// answer records an answer of the source. It reports whether the vote has changed.
func (v *vote) answer(up bool, at time.Time) (changed bool) {
	changed = v.down == up || v.withdrawn
	v.record(up, at)
	v.unansweredSince, v.withdrawn = time.Time{}, false
	return changed
}

// asVote returns the vote as an event reports it.
func (v *vote) asVote() event.Vote {
	return event.Vote{Source: v.source, Up: !v.down, UpAt: v.upAt, DownAt: v.downAt}
}

// votes are the last reports of all sources about one link. Only a source itself takes back what it
// reported. A source that was asked and has never reported "up" may be unable to: it has no vote.
type votes struct {
	kernel vote   // the vote of the kernel's last description
	asked  []vote // the votes of sources that are asked, in the order in which they first reported
}

// describe records the kernel's description. source is Notification if the kernel announced it,
// Resync if a dump found it.
func (v *votes) describe(up bool, source event.Source, at time.Time) {
	if v.kernel.at.IsZero() || up == v.kernel.down {
		v.kernel.source = source
	}
	v.kernel.record(up, at)
}

// of returns the vote of a source that is asked, or nil if it has none.
func (v *votes) of(source event.Source) *vote {
	for i := range v.asked {
		if v.asked[i].source == source {
			return &v.asked[i]
		}
	}
	return nil
}

// admit gives a vote to a source whose first answer is "up".
func (v *votes) admit(source event.Source, up bool, at time.Time) {
	if up {
		v.asked = append(v.asked, vote{source: source, at: at, upAt: at})
	}
}

// down reports whether a source that was asked reports down.
func (v *votes) down() bool {
	for i := range v.asked {
		if v.asked[i].down && !v.asked[i].withdrawn {
			return true
		}
	}
	return false
}

// up reports whether a source that was asked reports up.
func (v *votes) up() bool {
	return slices.ContainsFunc(v.asked, func(o vote) bool { return !o.down })
}

// The vote of a source that reported down is withdrawn when the source has not answered for this
// long: the shorter time if another source reports up, the longer one if no other can report.
const (
	withdrawAfter      = 3 * time.Second
	withdrawAloneAfter = time.Minute
)

// unanswered records that a source did not answer, such as a transceiver that is gone: no other
// source can take its report back, and the link would be down for ever. It reports whether the vote
// has now been withdrawn.
func (v *votes) unanswered(source event.Source, at time.Time, othersUp bool) (withdrawn bool) {
	o := v.of(source)
	if o == nil || !o.down || o.withdrawn {
		return false
	}
	if o.unansweredSince.IsZero() {
		o.unansweredSince = at
	}
	limit := withdrawAloneAfter
	if othersUp {
		limit = withdrawAfter
	}
	o.withdrawn = at.Sub(o.unansweredSince) >= limit
	return o.withdrawn
}

// collect adds the votes to a list that has one for each source. If a source has votes on several
// links, the decisive one is listed: a down before an up, otherwise the latest.
func (v *votes) collect(list []event.Vote) []event.Vote {
	list = collect(list, v.kernel.asVote())
	for i := range v.asked {
		if !v.asked[i].withdrawn {
			list = collect(list, v.asked[i].asVote())
		}
	}
	return list
}

func collect(list []event.Vote, vote event.Vote) []event.Vote {
	i := slices.IndexFunc(list, func(o event.Vote) bool { return o.Source == vote.Source })
	switch {
	case i < 0:
		return append(list, vote)
	case list[i].Up && !vote.Up, list[i].Up == vote.Up && vote.Since().After(list[i].Since()):
		list[i] = vote
	}
	return list
}
