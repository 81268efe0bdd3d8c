package bench

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// 14. A daemon that dies, and one that hands over.
func TestCrash(t *testing.T) {
	figures(t)
	report.define(14, `Two routers, one segment, priorities 150 and 100. The daemon of the Active is killed (SIGKILL) and started again as soon as it
has ended. The figures are the longest time between two adverts of either router, and how often the advertising router
changes. keepalived starts from scratch and finds its peer. The handover is measured for ripcord only, since keepalived has none:
the same with the command "ripcord handover", and many instances on four links.`,
		`The time between the adverts includes the rest of an interval, the end of one process and the start of the next. A start takes
some 25 ms. With 100 ms adverts, a daemon that starts after 150 ms adopts nothing.`)
	for _, interval := range []time.Duration{time.Second, 100 * time.Millisecond} {
		t.Run(interval.String(), func(t *testing.T) {
			ours, theirs := inTurn(t, func(t *testing.T, m maker) []crash { return crashes(t, m, interval) })
			what := fmt.Sprintf("daemon killed and started again, %v adverts: ", interval)
			x, y := gaps(ours), gaps(theirs)
			report.add(
				figure{number: 14, what: what + "longest time between adverts, median", unit: "ms", of: len(x), ours: median(x), theirs: median(y),
					targets: []target{under("an interval and 50 ms", float64((interval + 50*time.Millisecond).Milliseconds()))}},
				figure{number: 14, what: what + "the advertising router changes", of: len(x), ours: changes(ours), theirs: changes(theirs), targets: []target{under("0", 0)}},
			)
		})
	}
}

// crash is what one costs.
type crash struct {
	gap     time.Duration
	changes int
}

func gaps(all []crash) []float64 {
	var list []time.Duration
	for _, c := range all {
		list = append(list, c.gap)
	}
	return ms(list)
}

func changes(all []crash) (n float64) {
	for _, c := range all {
		n += float64(c.changes)
	}
	return n
}

func crashes(t *testing.T, m maker, interval time.Duration) (all []crash) {
	s := newSite(t, m, 1, "a", "b")
	s.listen()
	r := router{priority: 150, interval: interval, instances: s.spread(1)}
	other := r
	other.priority = 100
	a := s.start("a", r)
	s.active("a", a.began)
	s.start("b", other).ready()
	for n := range now.few {
		time.Sleep(12*time.Second + time.Duration(n)*interval/4) // so that it does not count as one that crashes time and again
		at := a.kill()
		a = s.start("a", r)
		time.Sleep(downInterval(100, interval) + 2*interval)
		all = append(all, s.crash(0, at))
	}
	return all
}

// crash returns what a crash at an instant has cost on segment n.
func (s *site) crash(n int, at time.Time) (c crash) {
	last := s.lastAdvert("a", n, at)
	for _, a := range s.sniffers[n].Adverts() {
		if !a.At.After(last.At) || a.Priority == 0 {
			continue
		}
		c.gap = max(c.gap, a.At.Sub(last.At))
		if a.Host != last.Host {
			c.changes++
		}
		last = a
	}
	return c
}

// 14, the handover.
func TestHandover(t *testing.T) {
	figures(t)
	s := newSite(t, makers[0], 4, "a", "b", "client")
	s.listen()
	r := router{priority: 150, interval: max(now.slow, time.Second), instances: s.spread(now.instances)}
	began := time.Now()
	a := s.start("a", r)
	s.allActive("a", now.instances, began)
	r.priority = 100
	s.start("b", r).ready()
	w := s.watch("client", 0, 1, time.Millisecond)
	time.Sleep(3 * time.Second)

	r.priority = 150
	at := time.Now()
	ordered := exec.Command(makers[0].(ripcord).binary, "handover", "--socket", filepath.Join(s.Dir, "a.sock"))
	if err := s.Host("a").Start(ordered); err != nil {
		t.Fatal(err)
	}
	<-a.Exited
	s.start("a", r)
	if err := ordered.Wait(); err != nil {
		t.Fatalf("ripcord handover: %v", err)
	}
	time.Sleep(5 * time.Second)
	taken := 0
	for _, sniffer := range s.sniffers {
		for _, x := range sniffer.Adverts() {
			if x.Host == "b" && x.At.After(at) {
				taken++
			}
		}
	}
	unanswered := 0
	for _, g := range w.Stop().Gaps(at) {
		if g.Length() > lost {
			unanswered++
		}
	}
	what := fmt.Sprintf("handover of %d instances: ", now.instances)
	report.add(
		figure{number: 14, what: what + "adverts of the other router", ours: float64(taken), theirs: math.NaN(), targets: []target{under("0", 0)}},
		figure{number: 14, what: what + "times in which a client had no answer", ours: float64(unanswered), theirs: math.NaN(), targets: []target{under("0", 0)}},
	)
}

// lost is how long a client that asks each ms has no answer if one was lost, and not late.
const lost = 50 * time.Millisecond
