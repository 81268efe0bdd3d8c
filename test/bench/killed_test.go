package bench

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// 3. How late the next Active's first advert is, beside the protocol's own time.
func TestKilled(t *testing.T) {
	figures(t)
	report.define(3, `Two routers of priority 100 that do not preempt, one segment. The Active is killed (SIGKILL). The time is
measured at the switch, from the last advert of the killed router to the first advert of the other, minus the
Active_Down_Interval (RFC 9568 §6.1).`,
		`ripcord decides before the deadline, and a real-time thread sends at the deadline. The remaining time is the
kernel's: it wakes up that thread and sends the frame.`)
	for _, interval := range []time.Duration{100 * time.Millisecond, 10 * time.Millisecond} {
		t.Run(interval.String(), func(t *testing.T) {
			sideBySide(t)
			ours, theirs := inTurn(t, func(t *testing.T, m maker) []time.Duration { return takeovers(t, m, interval) })
			x, y := ms(ours), ms(theirs)
			what := fmt.Sprintf("Active killed → first advert of the next, past Active_Down_Interval, %v adverts", interval)
			report.add(
				figure{number: 3, what: what + ", median", unit: "ms", of: len(x), ours: median(x), theirs: median(y),
					targets: []target{times("1.05×", 1.05, median(y)), under("under 1 ms", 1)}},
				figure{number: 3, what: "the same, p99", unit: "ms", of: len(x), ours: p99(x), theirs: p99(y),
					targets: []target{times("1.05×", 1.05, p99(y))}},
			)
		})
	}
}

func takeovers(t *testing.T, m maker, interval time.Duration) (took []time.Duration) {
	s := newSite(t, m, 1, "a", "b")
	s.listen()
	r := router{priority: 100, interval: interval, instances: s.spread(1), nopreempt: true}
	s.start("a", r).ready()
	s.active("a", time.Now())
	s.start("b", r).ready()
	for n := range now.many {
		time.Sleep(max(100*time.Millisecond, 5*interval) + time.Duration(n*13%50)*time.Millisecond)
		active, backup := s.roles()
		at := s.daemons[active].kill()
		first := s.heard(0, 10*time.Second, "nobody takes over", func(x lan.Advert) bool { return x.Host == backup && x.At.After(at) })
		last := s.lastAdvert(active, 0, first.At)
		took = append(took, first.At.Sub(last.At)-downInterval(r.priority, interval))
		s.start(active, r).ready()
	}
	return took
}
