package addr

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/event"
)

// A link whose carrier is up may carry nothing all the same: a macvlan or a tap whose
// lower device does not pass its carrier on, a bridge without a port to the outside.
// What is sent there vanishes without an error, and is found out by nobody else being
// heard where stations were known before.

const (
	// silenceLookEvery is how often an Active looks at when its links last heard anything.
	silenceLookEvery = time.Second
	// quietAfter is how long nothing is heard before stations are asked, silentAgain how
	// long their answers are waited for.
	quietAfter  = 10 * time.Second
	silentAgain = 3 * time.Second
	// silentRounds in a row without any answer show that nothing comes through.
	silentRounds = 3
	// silentAsked is how many stations the first round asks; the others ask all.
	silentAsked = 3
	// unknownAgain is how often stations are asked of which none ever answered.
	unknownAgain = time.Minute
)

// silence judges whether anything comes through a link on which an instance is held.
type silence struct {
	heard  time.Time // when a station was last heard, or the watch began
	due    time.Time // when to ask next
	rounds int       // that were asked since then
	told   []string  // instances whose warning is in force
	turn   uint64    // of the worker, in which an instance was last held on the link
}

func newSilence(now time.Time) *silence {
	return &silence{heard: now, due: now.Add(quietAfter)}
}

// step takes when a station was last heard and of how many stations an answer can be
// expected. It returns how many to ask now.
func (s *silence) step(now, heard time.Time, stations int) (ask int) {
	if heard.After(s.heard) {
		s.heard, s.due, s.rounds = heard, heard.Add(quietAfter), 0
	}
	if now.Before(s.due) {
		return 0
	}
	s.rounds++
	switch {
	case s.rounds <= silentRounds:
		s.due = now.Add(silentAgain)
	case stations > 0:
		s.due = now.Add(quietAfter)
	default:
		s.due = now.Add(unknownAgain)
	}
	if s.rounds == 1 {
		return silentAsked
	}
	return stationsMax
}

// unheard reports whether nothing comes through.
func (s *silence) unheard(stations int) bool { return stations > 0 && s.rounds > silentRounds }

// checkSilence watches the links on which instances are held.
func (w *Worker) checkSilence() {
	now, turn := w.cfg.Now(), w.steps.Load()
	for _, h := range w.ledger.held {
		s := w.silences[h.set.Link]
		if s == nil {
			s = newSilence(now)
			w.silences[h.set.Link] = s
		}
		s.turn = turn
	}
	look := !now.Before(w.silenceLook)
	if look {
		w.silenceLook = now.Add(silenceLookEvery)
	}
	for name, s := range w.silences {
		w.endSilence(name, s, func(instance string) bool { return w.ledger.held[instance] == nil })
		if s.turn != turn {
			delete(w.silences, name)
		} else if look {
			w.lookAtSilence(now, name, s)
		}
	}
}

// lookAtSilence asks stations on a link where nothing is heard, and judges.
func (w *Worker) lookAtSilence(now time.Time, name string, s *silence) {
	link, heard, stations := w.lookout.silence(name)
	if !link.Usable || !link.Resolves() {
		s.heard, s.due, s.rounds = now, now.Add(quietAfter), 0
	} else if n := s.step(now, heard, stations); n > 0 {
		w.askSilent(link, w.lookout.askable(name, n))
	}
	if !s.unheard(stations) {
		w.endSilence(name, s, func(string) bool { return true })
		return
	}
	for instance, h := range w.ledger.held {
		if h.set.Link == name && !slices.Contains(s.told, instance) {
			s.told = append(s.told, instance)
			w.warn(instance, event.WarnUnheard, name, fmt.Sprintf(
				"no station is heard on %s since %s (stations known there: %d, and none answers): check the cable or the lower device of %s: its carrier is up, but nothing comes through; nothing is wrong if those stations are all off",
				name, heard.UTC().Format(time.RFC3339), stations, name))
		}
	}
	w.forgetReach(name)
}

// askSilent asks stations on a link, and one of its devices of each family does: where
// the network lets only a virtual MAC through, something comes through all the same.
func (w *Worker) askSilent(link event.Link, whom []netip.Addr) {
	w.batch.Reset()
	for _, a := range whom {
		w.batch.Ask(link, a)
	}
	done := make(map[bool]bool) // by whether the family is IPv4
	for v := range w.macvlans.Each {
		h := w.ledger.held[v.Instance]
		if h == nil || v.Below != link.Name || v.Link.Index == 0 || !v.Link.AdminUp {
			continue
		}
		from, ok := reachSource(h)
		if !ok || done[from.Is4()] {
			continue
		}
		done[from.Is4()] = true
		w.lookout.stands(v.Link.Index, link.Index)
		for _, a := range whom {
			if a.Is4() == from.Is4() && (a.Is4() || a.IsLinkLocalUnicast()) {
				w.batch.Ask(askedFrom(v.Link, from), a)
			}
		}
	}
	if len(w.batch.Frames()) > 0 {
		w.cfg.Sender.Send(w.batch.Frames())
	}
}

// endSilence clears the warning of those instances on a link for which over holds.
func (w *Worker) endSilence(name string, s *silence, over func(instance string) bool) {
	s.told = slices.DeleteFunc(s.told, func(instance string) bool {
		if !over(instance) {
			return false
		}
		w.warn(instance, event.WarnUnheard, name, "")
		return true
	})
}

// forgetReach clears the warnings that stations do not answer to a virtual MAC on a
// link on which they answer to no MAC at all.
func (w *Worker) forgetReach(name string) {
	for v := range w.macvlans.Each {
		if r := w.reaches[v.Instance]; r != nil && v.Below == name {
			r.misses = 0
			w.warn(v.Instance, event.WarnUnreached, name, "")
		}
	}
}
