package bench

import (
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// pairOf starts two routers that know nothing of their number, of priority 150 and 100, with an instance on each
// segment of the site, in a group if there are several, and waits until the
// first is Active.
func (s *site) pairOf(interval time.Duration) { s.pairLike(router{interval: interval}) }

// pairLike is pairOf for routers that are configured like this one for the rest.
func (s *site) pairLike(r router) {
	s.t.Helper()
	r.priority, r.instances, r.grouped = 150, s.spread(s.segments), s.segments > 1
	began := time.Now()
	s.start("a", r).ready()
	r.priority = 100
	s.start("b", r).ready()
	s.active("a", began)
}

// 1. From the pulled cable to the first priority 0 on the other segment.
func TestCarrierLoss(t *testing.T) {
	figures(t)
	report.define(1, `Two routers, two segments in a group, 100 ms adverts. The Active's cable is pulled on one segment, at a
random time. Meanwhile another veth on the machine is created, flaps and is removed every 200 ms, so that the
kernel announces a loss up to 1 s late. The cable is a veth whose two ends have the same ifindex, which the
kernel treats like a physical NIC. The time is measured from just before the switch's end is set down to the
arrival of that router's first priority-0 advert on the other segment.`,
		`ripcord asks the driver every 10 ms (links.NAME.confirm), so half of the
median is the wait for the next question. On a busy machine the asking thread also waits for a processor, which
p99 shows: the machine's load is listed above the table.`)
	churn(t)
	ours, theirs := inTurn(t, func(t *testing.T, m maker) []time.Duration {
		return lanes(t, func(t *testing.T) []time.Duration { return resignations(t, m) })
	})
	x, y := ms(ours), ms(theirs)
	report.add(
		figure{number: 1, what: "carrier lost → priority 0 on the other segment, median", unit: "ms", of: len(x), ours: median(x), theirs: median(y)},
		figure{number: 1, what: "the same, p99", unit: "ms", of: len(x), ours: p99(x), theirs: p99(y), targets: []target{times("1/20", 0.05, p99(y))}},
	)
}

func resignations(t *testing.T, m maker) (took []time.Duration) {
	s := newSite(t, m, 2, "a", "b")
	s.listen()
	s.pairOf(100 * time.Millisecond)
	for n := range (now.many + now.lanes - 1) / now.lanes {
		time.Sleep(time.Duration(200+37*n%200) * time.Millisecond)
		at := s.at(s.Cable("a", ifname(0)).Pull())
		resigned := s.heard(1, 3*time.Second, "no resignation", func(x lan.Advert) bool {
			return x.Host == "a" && x.Priority == 0 && x.At.After(at)
		})
		took = append(took, resigned.At.Sub(at))
		s.active("a", s.at(s.Cable("a", ifname(0)).Plug()))
	}
	return took
}

// 2. From the pulled cable until both segments are served.
func TestTwoSegments(t *testing.T) {
	figures(t)
	report.define(2, `Two routers, two segments in a group, 1 s adverts, priorities 150 and 100. The Active's cable is pulled on
one segment; nothing else on the machine changes. A host on each segment sends an ARP request every 2 ms. The
time is measured from just before the pull until both hosts have an answer from the other router.`,
		`The minimum is the Backup's Skew_Time, 0.61 s. With "routers: 2" ripcord does not wait for it. The remaining time
is for detecting the loss on one segment, resigning on the other, and verifying the takeover.`)
	ours, theirs := inTurn(t, func(t *testing.T, m maker) []time.Duration { return serves(t, m, router{interval: now.slow}, now.few) })
	x, y := ms(ours), ms(theirs)
	report.add(figure{number: 2, what: "cable of the Active pulled → both segments served, median", unit: "ms", of: len(x),
		ours: median(x), theirs: median(y), targets: []target{times("1/4", 0.25, median(y))}})
	ours, theirs = inTurn(t, func(t *testing.T, m maker) []time.Duration {
		return lanes(t, func(t *testing.T) []time.Duration {
			return serves(t, m, router{interval: now.slow, two: true}, (now.many+now.lanes-1)/now.lanes)
		})
	})
	x, y = ms(ours), ms(theirs)
	report.add(
		figure{number: 2, what: "the same, ripcord with routers: 2, median", unit: "ms", of: len(x),
			ours: median(x), theirs: median(y), targets: []target{{"25 ms", 25}}},
		figure{number: 2, what: "the same, ripcord with routers: 2, p99", unit: "ms", of: len(x),
			ours: p99(x), theirs: p99(y), targets: []target{{"40 ms", 40}}},
	)
}

func serves(t *testing.T, m maker, r router, times int) (took []time.Duration) {
	s := newSite(t, m, 2, "a", "b", "client")
	s.listen()
	s.pairLike(r)
	watches := []*lan.Watch{s.watch("client", 0, 1, 2*time.Millisecond), s.watch("client", 1, 1, 2*time.Millisecond)}
	for n := range times {
		time.Sleep(1200*time.Millisecond + time.Duration(n*330%1000)*time.Millisecond)
		at := s.at(s.Cable("a", ifname(0)).Pull())
		var served time.Time
		for n, w := range watches {
			mac := s.Cable("b", ifname(n)).MAC()
			answer, err := w.WaitAnswer(10*time.Second, func(x lan.Answer) bool { return x.MAC == mac && x.At.After(at) })
			if err != nil {
				t.Fatalf("%s: segment %d is not served: %v", m.name(), n, err)
			}
			if answer.At.After(served) {
				served = answer.At
			}
		}
		took = append(took, served.Sub(at))
		s.active("a", s.at(s.Cable("a", ifname(0)).Plug()))
	}
	return took
}
