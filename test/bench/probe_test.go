package bench

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"testing"
	"time"
)

// 12. A router loses its power, and the other watches its machine.
func TestProbePowerLost(t *testing.T) {
	figures(t)
	report.define(12, `Two routers, two segments in a group, 1 s adverts, priorities 150 and 100, ripcord with "routers: 2" and
"probe: {}". The Active loses power at a random time: SIGKILL, then both cables out. As in row 11, a client sends a datagram
every ms; the gap between two answers is measured from the last cable. With a keepalived as Active that uses version 2, the Backups of both
daemons are measured.`,
		`A quarter of the gap is the time until the next probe after the loss, the rest is three intervals of 50 ms.`)
	for _, c := range []struct {
		name   string
		active bool // keepalived, version 2
	}{{"power lost, probe", false}, {"the same, the Active is keepalived with VRRPv2", true}} {
		t.Run(c.name, func(t *testing.T) {
			ours, theirs := inTurn(t, func(t *testing.T, m maker) []time.Duration {
				return lanes(t, func(t *testing.T) []time.Duration {
					return powerLost(t, m, c.active, (now.many+now.lanes-1)/now.lanes)
				})
			})
			x, y := ms(ours), ms(theirs)
			report.add(
				figure{number: 12, what: c.name + ": client's gap, median", unit: "ms", of: len(x),
					ours: median(x), theirs: median(y), targets: []target{{"250 ms", 250}}},
				figure{number: 12, what: c.name + ": client's gap, p99", unit: "ms", of: len(x),
					ours: p99(x), theirs: p99(y), targets: []target{{"400 ms", 400}}},
			)
		})
	}
}

// powerLost takes the power of a router away again and again, which is the maker's own or, if
// foreign, keepalived with version 2.
func powerLost(t *testing.T, m maker, foreign bool, times int) (took []time.Duration) {
	s := newSite(t, m, 2, "a", "b")
	s.listen()
	for _, host := range []string{"a", "b"} {
		if err := s.Host(host).SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
			t.Fatal(err)
		}
	}
	s.behind("client", 0)
	s.behind("server", 1)
	r := router{priority: 150, interval: max(now.slow, time.Second), instances: s.spread(2), grouped: true, two: true, probe: true, old: foreign}
	startActive := func() *daemon {
		active := r
		if foreign {
			s.maker, active.two, active.probe = makers[1], false, false
		}
		defer func() { s.maker = m }()
		return s.start("a", active)
	}
	began := time.Now()
	startActive()
	s.active("a", began)
	backup := r
	backup.priority = 100
	s.start("b", backup).ready()
	ping := s.ping()
	for n := range times {
		time.Sleep(2*time.Second + time.Duration(n*330%1000)*time.Millisecond) // the Backup knows its Active
		ping.flows(t)
		s.daemons["a"].kill()
		at := time.Now()
		for n := range s.segments {
			at = s.at(s.Cable("a", ifname(n)).Pull())
		}
		s.active("b", at)
		ping.flows(t)
		from, to := ping.gap(at)
		took = append(took, to.Sub(from))
		back := time.Now()
		startActive()           // takes away what the killed one left,
		time.Sleep(time.Second) // before anybody can ask for it
		for n := range s.segments {
			s.at(s.Cable("a", ifname(n)).Plug())
		}
		s.active("a", back)
	}
	return took
}

// 13. A living Active that is taken for dead.
func TestProbeFalseAlarms(t *testing.T) {
	figures(t)
	report.define(13, fmt.Sprintf(`Two routers of ripcord with %d instances on four links, 1 s adverts, "routers: 2" and "probe: {}", for %v each: with
a busy process on each core, and with a loss of a fifth of all incoming frames at each host. A false alarm is a probe.dead in the
log of the Backup. keepalived has no probe.`, now.stressed, now.stress),
		`See the log of the test.`)
	for _, c := range []struct {
		name    string
		disturb func(t *testing.T, s *site)
	}{
		{"both cores burn", func(t *testing.T, _ *site) { burnAll(t) }},
		{"a fifth of all frames is lost", func(t *testing.T, s *site) {
			for _, host := range []string{"a", "b", "client"} {
				s.lose(host, 20)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, makers[0], 4, "a", "b", "client")
			s.listen()
			for n := range s.segments {
				s.watch("client", n, 1, 50*time.Millisecond) // it is a station on each
			}
			r := router{priority: 150, interval: max(now.slow, time.Second), instances: s.spread(now.stressed), two: true, probe: true}
			began := time.Now()
			s.start("a", r)
			s.allActive("a", now.stressed, began)
			r.priority = 100
			b := s.start("b", r)
			b.ready()
			time.Sleep(3 * time.Second) // it knows its Active
			t.Run("disturbed", func(t *testing.T) {
				c.disturb(t, s)
				time.Sleep(now.stress)
			})
			log, err := os.ReadFile(b.Log)
			if err != nil {
				t.Fatal(err)
			}
			alarms := float64(bytes.Count(log, []byte(`"event":"probe.dead"`)))
			report.add(figure{number: 13, what: "false alarms of the probe, " + c.name, ours: alarms, theirs: math.NaN(), targets: []target{under("0", 0)}})
		})
	}
}

// lose has a host lose that share of what comes in on its links, in percent.
func (s *site) lose(host string, percent int) {
	s.t.Helper()
	rules := "add table netdev lost"
	for n := range s.segments {
		rules += fmt.Sprintf("; add chain netdev lost in%[1]d { type filter hook ingress device %[2]s priority 0; }; add rule netdev lost in%[1]d numgen random mod 100 < %[3]d drop",
			n, ifname(n), percent)
	}
	if _, err := s.Run(host, "nft", rules); err != nil {
		s.t.Fatal(err)
	}
}
