package bench

import (
	"fmt"
	"testing"
	"time"
)

// stress is what came of a pair while all cores burned.
type stress struct{ false, late, adverts int }

// 10. Short intervals on a machine that is busy.
func TestBusyMachine(t *testing.T) {
	figures(t)
	report.define(10, fmt.Sprintf(`Two routers with %d instances on four links, 10 ms adverts, for %v with a busy process on each core, at the
normal priority. keepalived runs with its real-time option (vrrp_rt_priority 50, vrrp_no_swap, and vrrp_rlimit_rttime
1000000, since with its default the kernel killed it at the start), ripcord with its defaults. A false transition
is an advert of the Backup for an instance of the Active. A late advert is one that arrives two or more
intervals after the previous one.`, now.stressed, now.stress),
		`ripcord's sending thread has real-time scheduling if permitted; its receiver and its main loop wait for a processor.`)
	ours, theirs := inTurn(t, func(t *testing.T, m maker) []stress {
		const interval = 10 * time.Millisecond
		s := newSite(t, m, 4, "a", "b")
		s.crowd(now.stressed, interval, true)
		s.deaf()
		time.Sleep(now.settle)
		s.listen()
		t.Run("burn", func(t *testing.T) {
			burnAll(t)
			time.Sleep(now.stress)
		})
		var x stress
		for _, sniffer := range s.sniffers {
			x.false += episodes(sniffer.Adverts(), "b")
		}
		for _, list := range s.adverts("a", time.Time{}) {
			x.adverts += len(list)
			for k := 1; k < len(list); k++ {
				if list[k].Sub(list[k-1]) >= 2*interval {
					x.late++
				}
			}
		}
		return []stress{x}
	})
	total := func(list []stress, of func(stress) int) (n float64) {
		return sum(pick(list, func(x stress) float64 { return float64(of(x)) }))
	}
	falses, late, adverts := func(x stress) int { return x.false }, func(x stress) int { return x.late }, func(x stress) int { return x.adverts }
	report.add(
		figure{number: 10, what: "false transitions", ours: total(ours, falses), theirs: total(theirs, falses), targets: []target{under("0", 0)}},
		figure{number: 10, what: "late adverts", ours: total(ours, late), theirs: total(theirs, late), targets: []target{times("1×", 1, total(theirs, late))}},
		figure{number: 10, what: "adverts of the Active in total", ours: total(ours, adverts), theirs: total(theirs, adverts)},
	)
}
