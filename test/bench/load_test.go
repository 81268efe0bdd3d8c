package bench

import (
	"fmt"
	"math"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// cost is what a daemon used in a window of time.
type cost struct {
	cpu      float64 // seconds of CPU, user and system, a second
	resident float64 // MiB
}

// costOf measures the cost of daemons for a while, without a sniffer.
func costOf(window time.Duration, daemons ...*daemon) []cost {
	began, before := time.Now(), make([]time.Duration, len(daemons))
	for i, d := range daemons {
		before[i] = d.cpu()
	}
	time.Sleep(window)
	costs := make([]cost, len(daemons))
	for i, d := range daemons {
		costs[i] = cost{float64(d.cpu()-before[i]) / float64(time.Since(began)), d.resident()}
	}
	return costs
}

// load is what was measured of a pair with many instances.
type load struct {
	active, backup cost
	errors         []float64 // of adverts, in ms
	drift          float64   // of the adverts, in µs a second; it has a sign
}

// 5, 6, 7. Many instances: CPU time, memory, and how regular the adverts are.
func TestManyInstances(t *testing.T) {
	figures(t)
	report.define(5, fmt.Sprintf(`Two routers with %d instances on four links, 100 ms adverts, one address each. CPU time, user and system, of
all processes of the daemon in %v of a quiet LAN, per second, from /proc/PID/stat; no other program listens. The sum of
the two times there is the scheduler's own count, so a daemon that works between two ticks of the clock is charged, too.
The sender's system time includes the veths, the bridge and part of the receivers' work, for both daemons.`, now.instances, now.window),
		`A profile with 1,000 instances shows: 72 % of the Active's time is sendmmsg, including the veths, the bridge and the
receivers' sockets; the queue of adverts takes 7 %, the accounting of sent adverts 5 %, Go's runtime 5 %. Packet sockets
would save the IP layer's part of sendmmsg, about a fifth of it, but would bypass the firewall of the machine. The Backup's
kernel drops repeated adverts, which counts as the Active's time (docs/protocol.md#filter); with `+"`filter: off`"+` the Backup
used 68 ms. Half of its remaining time renews the timer of each state machine, some five times a second.`)
	report.define(6, fmt.Sprintf(`The same routers in another %v. Each instance's k-th advert is compared with a grid of 100 ms that passes
through its least late advert. The error is the delay of an advert at the switch against its place on the grid;
p99 is computed over all adverts. Drift is the additional delay of an instance's adverts per second: the median
over all its pairs of adverts that are a quarter of the window apart, since other work on the machine delays
single adverts, or all adverts from some time on. The figure is the median over the tenth of the instances with
the least scatter, since later adverts of a batch depend on the speed of the machine; then the median over the
repetitions, without its sign.`, now.rhythm),
		`The daemon's deadlines are absolute and do not drift by design. The figure shows other work on the machine: 1 µs a
second means that two adverts a quarter of a minute apart differ by 15 µs. Computed from the two halves of 20 s, the
drift was 5 µs; computed from the medians of the halves, 62 µs.`)
	report.define(7, `VmRSS of the daemon's largest process after these measurements; the higher value of Active and Backup.`,
		`Analysed once for an Active with 35 MiB: 18 MiB are pages of the program itself: code, types and Go's tables of stacks
and lines. They stay locked, so that no failover waits for the disk. 17 MiB are its own: 10 are live on Go's heap, 3 are
free in between, 1 is for stacks, and 3 belong to Go's runtime. The garbage of the start is returned after the daemon has
been quiet for 2 s, on a busy machine later.`)
	ours, theirs := inTurn(t, loaded)
	pair := func(number int, what, unit string, of func(load) float64, targets func(theirs float64) []target) figure {
		x, y := median(pick(ours, of)), median(pick(theirs, of))
		return figure{number: number, what: what, unit: unit, of: len(ours), ours: x, theirs: y, targets: targets(y)}
	}
	drift := func(l load) float64 { return l.drift }
	report.add(
		pair(5, "CPU time of the Active per second", "ms", func(l load) float64 { return 1000 * l.active.cpu },
			func(y float64) []target { return []target{times("0.5×", 0.5, y)} }),
		pair(5, "CPU time of the Backup per second", "ms", func(l load) float64 { return 1000 * l.backup.cpu },
			func(y float64) []target { return []target{times("0.6×", 0.6, y)} }),
		pair(6, "error of an advert against the grid, p99", "ms", func(l load) float64 { return p99(l.errors) },
			func(y float64) []target { return []target{times("0.8×", 0.8, y)} }),
		figure{number: 6, what: "drift of the adverts per second", unit: "µs", of: len(ours), targets: []target{under("0 (under 1 µs)", 1)},
			ours: math.Abs(median(pick(ours, drift))), theirs: math.Abs(median(pick(theirs, drift)))},
		pair(7, "resident memory", "MiB", func(l load) float64 { return max(l.active.resident, l.backup.resident) },
			func(y float64) []target { return []target{times("4×", 4, y), under("under 25 MiB", 25)} }),
	)
}

func loaded(t *testing.T, m maker) []load {
	const interval = 100 * time.Millisecond
	s := newSite(t, m, 4, "a", "b")
	a, b := s.crowd(now.instances, interval, false)
	s.deaf()
	time.Sleep(now.settle)
	costs := costOf(now.window, a, b)
	s.listen()
	began := time.Now()
	time.Sleep(now.rhythm)
	l := load{active: costs[0], backup: costs[1]}
	var all []rhythm
	for _, list := range s.adverts("a", began) {
		r := rhythmOf(list, interval)
		l.errors = append(l.errors, r.errors...)
		all = append(all, r)
	}
	l.drift = driftOf(all)
	return []load{l}
}

// crowd starts two routers with many instances, the first of which becomes
// Active for all.
func (s *site) crowd(count int, interval time.Duration, realtime bool) (a, b *daemon) {
	s.t.Helper()
	s.listen()
	r := router{priority: 150, interval: interval, instances: s.spread(count), realtime: realtime}
	began := time.Now()
	a = s.start("a", r)
	s.allActive("a", count, began)
	r.priority = 100
	b = s.start("b", r)
	b.ready()
	return a, b
}

// virtualRouter is one of a site's.
type virtualRouter struct {
	segment string
	vrid    uint8
}

// allActive waits until a host has advertised itself as Active for so many
// virtual routers, and gives the instant.
func (s *site) allActive(host string, count int, since time.Time) (at time.Time) {
	s.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		seen := s.adverts(host, since)
		if len(seen) >= count {
			for _, list := range seen {
				if list[0].After(at) {
					at = list[0]
				}
			}
			return at
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: %s is Active for %d of %d", s.maker.name(), host, len(seen), count)
		}
	}
}

// adverts are the instants of a host's, by virtual router, since an instant.
func (s *site) adverts(host string, since time.Time) map[virtualRouter][]time.Time {
	out := make(map[virtualRouter][]time.Time)
	for _, sniffer := range s.sniffers {
		for _, a := range sniffer.Adverts() {
			if a.Host == host && a.Priority > 0 && a.At.After(since) {
				v := virtualRouter{a.Segment, a.VRID}
				out[v] = append(out[v], a.At)
			}
		}
	}
	return out
}

// episodes counts how often a host began to advertise itself as Active of a
// virtual router that another one had.
func episodes(adverts []lan.Advert, host string) (n int) {
	last := make(map[virtualRouter]string)
	for _, a := range adverts {
		v := virtualRouter{a.Segment, a.VRID}
		if a.Host == host && a.Priority > 0 && last[v] != host {
			n++
		}
		last[v] = a.Host
	}
	return n
}
