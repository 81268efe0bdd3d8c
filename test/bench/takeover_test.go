package bench

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// held is how many addresses one instance has.
const held = 250

// 9. One instance with many addresses takes over.
func TestManyAddresses(t *testing.T) {
	figures(t)
	report.define(9, `Two routers of priority 100 that do not preempt, one instance with 250 addresses, 100 ms adverts. The Active is
killed. The time is measured from the last advert of the killed router to a gratuitous ARP of the other, minus the
Active_Down_Interval. The first figure is the last gratuitous ARP of the takeover: both daemons send 5 per address;
the second round, 5 s later, is turned off for both. The second figure is the gratuitous ARP with which each
address has been announced once, so that hosts have learned all of them.`,
		`keepalived adds all addresses before it announces the first, and sends each frame with its own system call.
ripcord adds 64 addresses with one call, and announces them with one call before it adds the next. The rest is mostly the kernel's work: it adds the addresses, and delivers each frame through veths and bridge to all
listeners before the call returns.`)
	ours, theirs := inTurn(t, announcements)
	last := func(x announcement) time.Duration { return x.last }
	each := func(x announcement) time.Duration { return x.each }
	x, y := ms(pick(ours, last)), ms(pick(theirs, last))
	v, w := ms(pick(ours, each)), ms(pick(theirs, each))
	report.add(
		figure{number: 9, what: "250 addresses taken over: last GARP, median", unit: "ms", of: len(x), ours: median(x), theirs: median(y),
			targets: []target{times("0.6×", 0.6, median(y))}},
		figure{number: 9, what: "the same: each address announced once, median", unit: "ms", of: len(v), ours: median(v), theirs: median(w),
			targets: []target{times("0.7×", 0.7, median(w))}},
	)
}

func pick[S, T any](list []S, f func(S) T) (out []T) {
	for _, x := range list {
		out = append(out, f(x))
	}
	return out
}

// announcement is how long after the protocol's time the addresses were
// announced.
type announcement struct{ each, last time.Duration }

func announcements(t *testing.T, m maker) (took []announcement) {
	const interval = 100 * time.Millisecond
	s := newSite(t, m, 1, "a", "b")
	s.listen()
	r := router{priority: 100, interval: interval, nopreempt: true, once: true, instances: []instance{{ifname: ifname(0), vrid: 1}}}
	for v := range held {
		r.instances[0].addresses = append(r.instances[0].addresses, virtual(0, v+1, 0))
	}
	s.start("a", r).ready()
	s.active("a", time.Now())
	s.start("b", r).ready()
	for range 3 * now.few { // keepalived varies most here
		time.Sleep(time.Second)
		record, err := s.Segment(segment(0)).Record()
		if err != nil {
			t.Fatal(err)
		}
		active, backup := s.roles()
		at := s.daemons[active].kill()
		first := s.heard(0, 10*time.Second, "nobody takes over", func(x lan.Advert) bool { return x.Host == backup && x.At.After(at) })
		s.allAnnounced(backup, held, record)
		seen := s.untilQuiet(backup, record)
		record.Close()
		due := s.lastAdvert(active, 0, first.At).At.Add(downInterval(r.priority, interval))
		took = append(took, announcement{each: seen.each.Sub(due), last: seen.last.Sub(due)})
		s.start(active, r).ready()
	}
	return took
}

// untilQuiet waits until a host has announced nothing for a while.
func (s *site) untilQuiet(host string, record *lan.Recorder) garps {
	for {
		g := gratuitous(record.Frames(), s.Cable(host, ifname(0)).MAC())
		if time.Since(g.last) > 500*time.Millisecond {
			return g
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// garps is what gratuitous ARP was seen: the first of each address, the instant
// when each had been announced once, and that of the last.
type garps struct {
	first      map[netip.Addr]time.Time
	each, last time.Time
}

// gratuitous reads the gratuitous ARP of a station out of what was recorded.
func gratuitous(frames []lan.Frame, station lan.MAC) garps {
	g := garps{first: make(map[netip.Addr]time.Time)}
	for _, f := range frames {
		b := f.Data
		if len(b) < 42 || binary.BigEndian.Uint16(b[12:]) != 0x0806 || lan.MAC(b[6:12]) != station {
			continue
		}
		sender, target := netip.AddrFrom4([4]byte(b[28:32])), netip.AddrFrom4([4]byte(b[38:42]))
		if sender != target {
			continue
		}
		g.last = f.At
		if _, ok := g.first[sender]; !ok {
			g.first[sender], g.each = f.At, f.At
		}
	}
	return g
}
