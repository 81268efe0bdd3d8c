package neigh

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
)

// A link whose carrier is up may carry nothing all the same: a macvlan or a tap whose lower device
// does not pass on its carrier, a bridge without a port to the outside. Frames that are sent there
// vanish without an error. The only sign is that no station is heard any more where stations were
// known.

const (
	// silenceEvery is the period at which an Active checks when a link last received anything, if its
	// stations have been silent for quietAfter, or it is not usable.
	silenceEvery = time.Second
	// quietAfter is the silence after which stations are asked, silentAgain the time that their
	// answers may take.
	quietAfter  = 10 * time.Second
	silentAgain = 3 * time.Second
	// silentRounds consecutive rounds without any answer show that no frames come through.
	silentRounds = 3
	// silentAsked is the number of stations that the first round asks; the others ask all.
	silentAsked = 3
	// unknownAgain is the period of questions to stations of which none ever answered.
	unknownAgain = time.Minute
)

// silences holds, by name, the links on which instances are held.
type silences struct {
	links map[string]*silence
	next  time.Time // the time of the next check
	turn  uint64    // counts the calls of checkSilence
}

// silence evaluates whether frames come through a link.
type silence struct {
	heard  time.Time // when a station was last heard, or the watch began
	due    time.Time // when to ask next
	rounds int       // the number of rounds of questions since heard
	warned []string  // instances whose warning is in force
	turn   uint64    // the turn in which an instance was last held on the link
}

func newSilences() silences { return silences{links: make(map[string]*silence)} }

func newSilence(now time.Time) *silence {
	return &silence{heard: now, due: now.Add(quietAfter)}
}

// step records when a station was last heard and how many stations should answer. It returns how
// many to ask now.
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
	return maxStations
}

// unheard reports whether no frames come through.
func (s *silence) unheard(stations int) bool { return stations > 0 && s.rounds > silentRounds }

// check watches the links on which instances are held.
func (all *silences) check(t *turn) {
	all.turn++
	for _, instance := range t.held.Held() {
		link := t.sets[instance].Link
		s := all.links[link]
		if s == nil {
			s = newSilence(t.now)
			all.links[link] = s
			all.next = t.now
		}
		s.turn = all.turn
	}
	look, again := !t.now.Before(all.next), unknownAgain
	for name, s := range all.links {
		s.end(t, name, func(instance string) bool { return !t.held.Holds(instance) })
		if s.turn != all.turn {
			delete(all.links, name)
		} else if look {
			again = min(again, s.judge(t, name))
		}
	}
	if look {
		all.next = deadline.Coalesce(t.now, again)
	}
}

// judge asks stations on a link where none is heard, and evaluates the answers. It returns the longest
// time until it must be called again.
func (s *silence) judge(t *turn, name string) (again time.Duration) {
	link, heard, stations := t.cache.lastHeard(name)
	again = silenceEvery
	if !link.Usable || !link.Resolves() {
		s.heard, s.due, s.rounds = t.now, t.now.Add(quietAfter), 0
	} else if n := s.step(t.now, heard, stations); n > 0 {
		askSilent(t, link, t.cache.askable(name, n))
	}
	if link.Usable && (s.rounds == 0 || stations == 0) { // otherwise a warning ends soon after a station is heard
		again = max(again, s.due.Sub(t.now))
	}
	if !s.unheard(stations) {
		s.end(t, name, func(string) bool { return true })
		return again
	}
	for _, instance := range t.held.Held() {
		if t.sets[instance].Link == name && !slices.Contains(s.warned, instance) {
			s.warned = append(s.warned, instance)
			t.warn(instance, event.WarnUnheard, name, fmt.Sprintf(
				"no station is heard on %s since %s (stations known there: %d, and none answers): check the cable or the lower device of %s: its carrier is up, but nothing comes through; nothing is wrong if those stations are all off",
				name, heard.UTC().Format(time.RFC3339), stations, name))
		}
	}
	t.forgetReach(name)
	return again
}

// askSilent asks stations on a link, also from one of its devices of each family: if the network
// lets only a virtual MAC through, frames do come through.
func askSilent(t *turn, link event.Link, stations []netip.Addr) {
	t.batch.Reset()
	for _, a := range stations {
		t.batch.Ask(link, a)
	}
	done := make(map[bool]bool) // by whether the family is IPv4
	for instance, device := range t.held.Devices {
		set := t.sets[instance]
		if set.Link != link.Name || !t.up(instance, device) {
			continue
		}
		from, ok := t.source(set)
		if !ok || done[from.Is4()] {
			continue
		}
		done[from.Is4()] = true
		t.cache.setBelow(device.Index, link.Index)
		for _, a := range stations {
			if answersTo(a, from) {
				t.batch.Ask(asking(device, from), a)
			}
		}
	}
	t.send()
}

// end ends the warning of those instances on a link for which over is true.
func (s *silence) end(t *turn, name string, over func(instance string) bool) {
	s.warned = slices.DeleteFunc(s.warned, func(instance string) bool {
		if !over(instance) {
			return false
		}
		t.warn(instance, event.WarnUnheard, name, "")
		return true
	})
}
