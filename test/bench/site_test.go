package bench

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/stage"
)

// site is a LAN with segments, the hosts of one maker's daemons, and others.
type site struct {
	*stage.Stage
	t        *testing.T
	maker    maker
	segments int
	sniffers []*lan.Sniffer // one a segment, unless closed
	daemons  map[string]*daemon
}

// ifname is the interface that every host has on segment n.
func ifname(n int) string { return fmt.Sprintf("eth%d", n) }

// segment is the name of segment n.
func segment(n int) string { return fmt.Sprintf("s%d", n) }

// virtual is the address of virtual router v on segment n, or its k-th.
func virtual(n, v, k int) string { return fmt.Sprintf("10.%d.%d.%d", n, k+1, v) }

// newSite makes the LAN. The i-th host has 10.N.0.(11+i) on segment N.
func newSite(t *testing.T, m maker, segments int, hosts ...string) *site {
	t.Helper()
	var ports []lan.Port
	for n := range segments {
		for i, h := range hosts {
			address := fmt.Sprintf("10.%d.0.%d/16", n, 11+i)
			ports = append(ports, lan.Port{Host: h, Name: ifname(n), Segment: segment(n), Options: lan.Options{Addresses: lan.Addresses(address)}})
		}
	}
	s := &site{Stage: stage.New(t, ports...), t: t, maker: m, segments: segments, daemons: make(map[string]*daemon)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("with %s:", m.name())
			s.ShowLogs(t, 30, nil)
		}
	})
	return s
}

// listen begins to hear the adverts on all segments.
func (s *site) listen() {
	s.t.Helper()
	for n := range s.segments {
		sniffer, err := s.Segment(segment(n)).Sniff()
		if err != nil {
			s.t.Fatal(err)
		}
		s.sniffers = append(s.sniffers, sniffer)
	}
}

// deaf ends that, so that hearing costs nothing.
func (s *site) deaf() {
	for _, sniffer := range s.sniffers {
		sniffer.Close()
	}
	s.sniffers = nil
}

// spread configures count instances on the segments in turn, with one address
// each.
func (s *site) spread(count int) (list []instance) {
	for i := range count {
		n, v := i%s.segments, i/s.segments+1
		list = append(list, instance{ifname(n), v, []string{virtual(n, v, 0)}})
	}
	return list
}

// heard waits for an advert on segment n.
func (s *site) heard(n int, within time.Duration, what string, match func(lan.Advert) bool) lan.Advert {
	s.t.Helper()
	a, err := s.sniffers[n].WaitAdvert(within, match)
	if err != nil {
		s.t.Fatalf("%s: %s: %v", s.maker.name(), what, err)
	}
	return a
}

// active waits until a host advertises itself as Active on all segments since
// an instant.
func (s *site) active(host string, since time.Time) {
	s.t.Helper()
	for n := range s.segments {
		s.heard(n, 30*time.Second, host+" does not become Active", func(a lan.Advert) bool {
			return a.Host == host && a.Priority > 0 && a.At.After(since)
		})
	}
}

// lastAdvert is the last one of a host on segment n, before an instant.
func (s *site) lastAdvert(host string, n int, before time.Time) lan.Advert {
	s.t.Helper()
	adverts := s.sniffers[n].Adverts()
	for i := len(adverts) - 1; i >= 0; i-- {
		if adverts[i].Host == host && adverts[i].At.Before(before) {
			return adverts[i]
		}
	}
	s.t.Fatalf("%s: %s has sent no advert", s.maker.name(), host)
	return lan.Advert{}
}

// roles returns which of a and b is Active on segment 0. On a machine that stalls
// the roles change by themselves.
func (s *site) roles() (active, backup string) {
	s.t.Helper()
	heard := s.heard(0, 10*time.Second, "no router is Active", func(x lan.Advert) bool { return time.Since(x.At) < 50*time.Millisecond })
	if heard.Host == "a" {
		return "a", "b"
	}
	return "b", "a"
}

// watch begins to ask from a host for the address of virtual router v.
func (s *site) watch(host string, n, v int, every time.Duration) *lan.Watch {
	s.t.Helper()
	p, err := s.Host(host).Prober(ifname(n))
	if err != nil {
		s.t.Fatal(err)
	}
	w, err := p.Watch(netip.MustParseAddr(virtual(n, v, 0)), every)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { w.Stop() })
	return w
}

// at is for what gives an instant or an error.
func (s *site) at(at time.Time, err error) time.Time {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

var downInterval = stage.DownInterval
