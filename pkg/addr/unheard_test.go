package addr

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// A link is judged by when something was last heard on it. Each line is a second, the
// numbers are of seconds since the watch began.
func TestSilence(t *testing.T) {
	for _, c := range []struct {
		name     string
		stations int
		heard    []int // seconds at which a station is heard
		seconds  int
		want     string // second:how many are asked, second:! unheard, second:. not any more
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

// unheardTime is long enough for a warning, from when a station was last heard.
const unheardTime = quietAfter + (silentRounds+1)*silentAgain

// An Active that hears nobody any more where stations were known asks them and warns,
// until anything is heard, it is released, or its link is down.
func TestUnheard(t *testing.T) {
	ends := map[string]func(r *rig){
		"an answer": func(r *rig) {
			r.listener.seen <- neigh.Sighting{Index: eth0, Address: host4, Answer: true, At: time.Now()}
		},
		"somebody":    func(r *rig) { r.listener.seen <- neigh.Sighting{Index: eth0, Address: host6, At: time.Now()} },
		"an advert":   func(r *rig) { r.advert(host4) },
		"release":     func(r *rig) { r.do(Release, "a") },
		"a link down": func(r *rig) { r.links.Publish(event.Link{Seq: 9, Name: "eth0", Index: eth0, AdminUp: true}) },
	}
	for name, end := range ends {
		synctest.Test(t, func(t *testing.T) {
			r := conflictRig(t, nil)
			r.listener.seen <- neigh.Sighting{Index: eth0, Address: host4, At: time.Now()}
			last := time.Now()
			r.pass(2 * unheardTime)
			expect(t, name+": Backup", r.warned(), "")
			r.do(Hold, "a")
			r.packets.take()
			r.pass(quietAfter - 2*time.Second)
			expect(t, name+": held for a short time", r.warned(), "")
			r.pass(unheardTime)
			expect(t, name+": nothing heard", r.warned(), "unheard")
			w := r.cfg.Warnings.All()[0]
			for _, part := range []string{last.UTC().Format(time.RFC3339), "known there: 1,", "check the cable or the lower device of eth0: its carrier is up"} {
				if !strings.Contains(w.Text, part) {
					t.Errorf("%s: no %q in %s", name, part, w.Text)
				}
			}
			question := question(r.lookout.linkNamed("eth0"), host4)
			asked := 0
			for _, f := range r.packets.takeWhole() {
				if f == question {
					asked++
				}
			}
			if asked < silentRounds {
				t.Errorf("%s: asked %d times before the warning", name, asked)
			}
			expect(t, name+": events", strings.Count(r.names(), "instance.warning"), 1)
			end(r)
			r.pass(2 * time.Second)
			expect(t, name+": over", r.warned(), "")
		})
	}
}

// question returns the question of a link for a station, as fakePackets writes it.
func question(link event.Link, station netip.Addr) string {
	return fmt.Sprintf("%x", wire.AppendARPRequest(nil, link.HardwareAddr, link.Primary4, station))
}

// advert is a valid advert from an address.
func (r *rig) advert(from netip.Addr) {
	r.heard.Publish(vrrp.Heard{Cause: event.Cause{At: time.Now()}, Instance: "a", Source: from})
}

// Stations of which no answer can be expected, or that the kernel's neighbor table
// alone knows, prove nothing: neither that something comes through nor the contrary.
func TestUnheardProvesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		known  neigh.Sighting
		advert netip.Addr
		want   string
	}{
		"nobody was known":       {},
		"the table knows one":    {known: neigh.Sighting{Index: eth0, Address: host4, FromTable: true}},
		"a peer behind a router": {advert: netip.MustParseAddr("198.51.100.7")},
		"another link's":         {known: neigh.Sighting{Index: 99, Address: host4}},
		"our own":                {known: neigh.Sighting{Index: eth0, Address: own4}},
		"one that was heard":     {known: neigh.Sighting{Index: eth0, Address: host4}, want: "unheard"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := conflictRig(t, nil)
			if c.known.Address.IsValid() {
				c.known.At = time.Now()
				r.listener.seen <- c.known
			}
			if c.advert.IsValid() {
				r.advert(c.advert)
			}
			r.do(Hold, "a")
			for range 12 { // the table is read every 10 s
				r.pass(10 * time.Second)
				r.listener.seen <- neigh.Sighting{Index: eth0, Address: host4, FromTable: true, At: time.Now()}
			}
			expect(t, name, r.warned(), c.want)
		})
	}
}

// A neighbor table full of stations that have long gone pushes none out of which an
// answer can be expected.
func TestTableDisplacesNoStationThatAnswers(t *testing.T) {
	s := newStations(watched)
	s.see(whole)
	s.notice(sighting(host4))
	a := netip.MustParseAddr("198.51.100.0")
	for range 3 * stationsMax {
		a = a.Next()
		table := sighting(a)
		table.FromTable = true
		s.notice(table)
	}
	at := s.links["eth0"]
	expect(t, "remembered", len(at.known), stationsMax)
	expect(t, "an answer is expected of", at.resolved(), 1)
	expect(t, "asked first", at.askable(1), "[192.0.2.12]")
	expect(t, "last heard", at.heard, during)
}

// Where stations ceased to answer to the virtual MAC, and then to any, the warning that
// nothing comes through takes the place of the other.
func TestUnheardTakesThePlaceOfUnreached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, virtualSets())
		r.links.Publish(event.Link{Seq: 3, Name: "eth0", Index: eth0, AdminUp: true, Usable: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}, Primary4: own4})
		synctest.Wait()
		r.listener.seen <- neigh.Sighting{Index: eth0, Address: host4, At: time.Now()}
		r.do(Hold, "v")
		pass := func(d time.Duration, answer bool) {
			for ; d > 0; d -= 100 * time.Millisecond {
				r.pass(100 * time.Millisecond)
				for _, f := range r.packets.take() {
					if answer && strings.HasPrefix(f, "7:") {
						r.listener.seen <- neigh.Sighting{Index: eth0, Address: host4, Answer: true, At: time.Now()}
					}
				}
			}
		}
		pass(time.Minute, true)
		expect(t, "the virtual MAC is filtered", r.warned(), "unreached")
		pass(2*unheardTime, false)
		expect(t, "nothing comes through", r.warned(), "unheard")
		pass(time.Minute, true)
		expect(t, "the virtual MAC is filtered again", r.warned(), "unreached")
	})
}
