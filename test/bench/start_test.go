package bench

import (
	"fmt"
	"net"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// 8. From the start until all is served.
func TestStart(t *testing.T) {
	figures(t)
	report.define(8, fmt.Sprintf(`One router with %d instances on four links, 100 ms adverts, priority 150, no other router. The time is measured
from just before the start of the daemon until each instance has sent its first advert and each address its
first gratuitous ARP. The presence of the addresses is checked afterwards. The time includes the
Active_Down_Interval, 0.34 s.`, now.instances),
		`The cause has not been analysed.`)
	ours, theirs := inTurn(t, starts)
	x, y := median(pick(ours, time.Duration.Seconds)), median(pick(theirs, time.Duration.Seconds))
	report.add(figure{number: 8, what: fmt.Sprintf("%d instances: start → all Active with addresses and GARP sent, median", now.instances), unit: "s",
		of: len(ours), ours: x, theirs: y, targets: []target{times("1.05×", 1.05, y)}})
}

func starts(t *testing.T, m maker) (took []time.Duration) {
	for n := range (now.few + 1) / 2 {
		t.Run(fmt.Sprint(n+1), func(t *testing.T) {
			s := newSite(t, m, 4, "a")
			s.listen()
			var records []*lan.Recorder
			for n := range s.segments {
				record, err := s.Segment(segment(n)).Record()
				if err != nil {
					t.Fatal(err)
				}
				records = append(records, record)
			}
			d := s.start("a", router{priority: 150, interval: 100 * time.Millisecond, instances: s.spread(now.instances)})
			all := s.allActive("a", now.instances, d.began)
			if announced := s.allAnnounced("a", now.instances, records...); announced.After(all) {
				all = announced
			}
			took = append(took, all.Sub(d.began))
			s.allHeld("a", now.instances)
		})
	}
	return took
}

// allAnnounced waits until a host has announced so many addresses, and gives
// the instant of the last one's first announcement.
func (s *site) allAnnounced(host string, count int, records ...*lan.Recorder) (at time.Time) {
	s.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		announced := 0
		for n, record := range records {
			g := gratuitous(record.Frames(), s.Cable(host, ifname(n)).MAC())
			announced += len(g.first)
			if g.each.After(at) {
				at = g.each
			}
		}
		if announced >= count {
			return at
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: %s has announced %d addresses of %d", s.maker.name(), host, announced, count)
		}
	}
}

// allHeld checks that a host has so many addresses beside its own.
func (s *site) allHeld(host string, count int) {
	s.t.Helper()
	held := 0
	err := s.Host(host).Do(func() error {
		list, err := net.InterfaceAddrs()
		for _, a := range list {
			if network, ok := a.(*net.IPNet); ok && network.IP.To4() != nil && network.IP[len(network.IP)-2] > 0 {
				held++
			}
		}
		return err
	})
	if err != nil || held != count {
		s.t.Fatalf("%s: %s holds %d addresses of %d (%v)", s.maker.name(), host, held, count, err)
	}
}
