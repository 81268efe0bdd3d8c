package lab

import (
	"fmt"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestBothCables pulls and plugs both cables in any order: no router is Active while no cable is
// plugged, and one is within little more than an Active_Down_Interval of the last plug.
func TestBothCables(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 200 * time.Millisecond
	orders := [][2]string{{"a", "b"}, {"b", "a"}}
	for _, out := range orders {
		for _, in := range orders {
			t.Run(fmt.Sprintf("out %s %s, in %s %s", out[0], out[1], in[0], in[1]), func(t *testing.T) {
				t.Parallel()
				s, a, b := pair(t, []segment{inside}, interval, "")
				watch := s.watch(inside, 5*time.Millisecond)
				s.pull(out[0], inside)
				time.Sleep(300 * time.Millisecond)
				dark := s.pull(out[1], inside)
				a.wait(time.Time{}, patience, "fault", inFault)
				b.wait(time.Time{}, patience, "fault", inFault)
				time.Sleep(2 * downInterval(100, interval))
				for name, d := range map[string]*daemon{"a": a, "b": b} {
					if st := d.state(); st != "fault" || s.holds(name, inside) {
						t.Errorf("nothing is linked, and %s is %s, holds the address: %v", name, st, s.holds(name, inside))
					}
				}
				s.plug(in[0], inside)
				time.Sleep(150 * time.Millisecond)
				last := s.plug(in[1], inside)
				limit := downInterval(100, interval) + time.Second + slack
				if _, err := watch.WaitAnswer(limit, func(x lan.Answer) bool { return x.At.After(last) }); err != nil {
					t.Fatalf("no router serves %v after the last plug: %v", limit, err)
				}
				time.Sleep(time.Until(last.Add(limit)))
				if s.holds("a", inside) == s.holds("b", inside) {
					t.Errorf("a holds the address: %v, b: %v; want one of them", s.holds("a", inside), s.holds("b", inside))
				}
				if gap := watch.Timeline().Gaps(dark); len(gap) == 0 {
					t.Error("the client saw no outage: the cables were not out")
				}
			})
		}
	}
}

func inFault(l line) bool { return l.Event == "instance.transition" && l.To == "fault" }

// TestOnlyRouter pulls the cable of the only router for a second. One other host is on the segment,
// which the router first hears shortly before. This host answers, and the router is Active again
// within 1.2 Active_Down_Intervals of the return.
func TestOnlyRouter(t *testing.T) {
	netns.NeedRoot(t)
	for _, on := range []shared{insideIPv4, insideIPv6} {
		t.Run(on.virtual[0], func(t *testing.T) {
			t.Parallel()
			const interval = time.Second
			s := newSharedSite(t, []shared{on}, "a")
			began := time.Now()
			a := s.startShared("a", 150, interval, on)
			a.becomes("active", began, 8*time.Second)
			watch := s.watchShared(on)
			s.servedBy("a", inside, watch, began, 5*time.Second)

			at := s.pull("a", inside)
			a.becomes("fault", at, patience)
			time.Sleep(time.Until(at.Add(time.Second)))
			back := s.plug("a", inside)
			active := a.becomes("active", back, 2*patience)
			s.within("return → Active", back.Round(0), active.TS, 0, downInterval(150, interval)*6/5)
			s.servedBy("a", inside, watch, active.TS, patience)
		})
	}
}
