package neigh

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// TestSilence: a link is evaluated by the time of the last frame on it. Each line is a second; the
// numbers are seconds since the watch began.
func TestSilence(t *testing.T) {
	for _, c := range []struct {
		name     string
		stations int
		heard    []int // seconds at which a station is heard
		seconds  int
		want     string // second:number of stations asked, second:! unheard, second:. no longer
	}{
		{"something is heard all the time", 1, []int{0, 5, 10, 19, 28, 37}, 40, ""},
		{"nothing at all", 1, nil, 40, "10:3 13:32 16:32 19:32! 29:32 39:32"},
		{"nothing since a while", 1, []int{4}, 25, "14:3 17:32 20:32 23:32!"},
		{"the first round is answered", 1, []int{11}, 25, "10:3 21:3 24:32"},
		{"the last round is answered", 1, []int{18}, 30, "10:3 13:32 16:32 28:3"},
		{"it is heard again", 1, []int{25}, 50, "10:3 13:32 16:32 19:32! 25:. 35:3 38:32 41:32 44:32!"},
		{"none ever answered", 0, nil, 100, "10:3 13:32 16:32 19:32 79:32"},
	} {
		start := time.Unix(1000, 0)
		s, heard, unheard, got := newSilence(start), time.Time{}, false, []string{}
		for second := range c.seconds + 1 {
			now := start.Add(time.Duration(second) * time.Second)
			for _, at := range c.heard {
				if at == second {
					heard = now
				}
			}
			text := ""
			if n := s.step(now, heard, c.stations); n > 0 {
				text = fmt.Sprint(n)
			}
			switch is := s.unheard(c.stations); {
			case is && !unheard:
				text += "!"
			case !is && unheard:
				text += "."
			}
			unheard = s.unheard(c.stations)
			if text != "" {
				got = append(got, fmt.Sprintf("%d:%s", second, text))
			}
		}
		expect(t, c.name, strings.Join(got, " "), c.want)
	}
}

// unheardTime is long enough for a warning, from the last time that a station was heard.
const unheardTime = quietAfter + (silentRounds+1)*silentAgain

// TestUnheard: an Active that hears no station any more where stations were known asks them and
// warns, until it hears something, is released, or its link is down.
func TestUnheard(t *testing.T) {
	ends := map[string]func(r *rig){
		"an answer":   func(r *rig) { r.sight(Sighting{Index: eth0, Address: host4, Answer: true}) },
		"somebody":    func(r *rig) { r.sight(Sighting{Index: eth0, Address: host6}) },
		"an advert":   func(r *rig) { r.adverts = []Advert{{"a", host4, r.now}} },
		"release":     func(r *rig) { r.release() },
		"a link down": func(r *rig) { r.Link(event.Link{Name: "eth0", Index: eth0, AdminUp: true}) },
	}
	question := fmt.Sprintf("%d:%x", eth0, wire.AppendARPRequest(nil, ownMAC, own4, host4))
	for name, end := range ends {
		r := newRig(t, onLink())
		r.sight(Sighting{Index: eth0, Address: host4})
		last := r.now
		r.pass(2 * unheardTime)
		expect(t, name+": Backup", r.warned(), "")
		r.hold()
		r.take()
		r.pass(quietAfter - 2*time.Second)
		expect(t, name+": held for a short time", r.warned(), "")
		r.pass(unheardTime)
		expect(t, name+": nothing heard", r.warned(), "unheard eth0")
		text := r.warnings.All()[0].Text
		for _, part := range []string{last.UTC().Format(time.RFC3339), "known there: 1,", "check the cable or the lower device of eth0: its carrier is up"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %q in %s", name, part, text)
			}
		}
		asked := 0
		for _, f := range r.take() {
			if f == question {
				asked++
			}
		}
		if asked < silentRounds {
			t.Errorf("%s: asked %d times before the warning", name, asked)
		}
		expect(t, name+": events", r.takeEvents(), "instance.warning")
		end(r)
		r.pass(2 * time.Second)
		expect(t, name+": over", r.warned(), "")
	}
}

// TestUnheardProvesNothing: stations that need not answer, or that are only in the kernel's
// neighbor table, prove neither that frames come through nor the contrary.
func TestUnheardProvesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		known  Sighting
		advert netip.Addr
		want   string
	}{
		"nobody was known":       {},
		"the table knows one":    {known: Sighting{Index: eth0, Address: host4, FromTable: true}},
		"a peer behind a router": {advert: netip.MustParseAddr("198.51.100.7")},
		"another link's":         {known: Sighting{Index: 99, Address: host4}},
		"our own":                {known: Sighting{Index: eth0, Address: own4}},
		"one that was heard":     {known: Sighting{Index: eth0, Address: host4}, want: "unheard eth0"},
	} {
		r := newRig(t, onLink())
		if c.known.Address.IsValid() {
			r.sight(c.known)
		}
		if c.advert.IsValid() {
			r.adverts = []Advert{{"a", c.advert, r.now}}
		}
		r.hold()
		for range 12 {
			r.pass(10 * time.Second)
			r.sight(Sighting{Index: eth0, Address: host4, FromTable: true})
		}
		expect(t, name, r.warned(), c.want)
	}
}

// TestTableDisplacesNoStationThatAnswers requires that a neighbor table full of stations that are
// long gone displaces none that should answer.
func TestTableDisplacesNoStationThatAnswers(t *testing.T) {
	s := stationsOf(watched...)
	s.setLink(usable)
	s.notice(sighting(host4))
	a := netip.MustParseAddr("198.51.100.0")
	for range 3 * maxStations {
		a = a.Next()
		table := sighting(a)
		table.FromTable = true
		s.notice(table)
	}
	at := s.links["eth0"]
	expect(t, "remembered", len(at.known), maxStations)
	expect(t, "an answer is expected of", at.resolved(), 1)
	expect(t, "asked first", at.askable(1), "[192.0.2.12]")
	expect(t, "last heard", at.heardAt, during)
}

// TestUnheardTakesThePlaceOfUnreached requires that if stations cease to answer to the virtual MAC,
// and then to any, the warning that no frames come through replaces the other.
func TestUnheardTakesThePlaceOfUnreached(t *testing.T) {
	r := newRig(t, onDevice())
	r.sight(Sighting{Index: eth0, Address: host4})
	r.hold()
	r.answering(time.Minute, eth0)
	expect(t, "the virtual MAC is filtered", r.warned(), "unreached eth0")
	r.answering(2*unheardTime, 0)
	expect(t, "nothing comes through", r.warned(), "unheard eth0")
	r.answering(time.Minute, eth0)
	expect(t, "the virtual MAC is filtered again", r.warned(), "unreached eth0")
}
