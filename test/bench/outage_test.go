package bench

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// happening is a way in which the Active ceases to serve, and back.
type happening struct {
	name   string
	strike func(s *site) time.Time
	mend   func(s *site, r router)
	silent bool    // there is no notification: the outage counts from the last advert
	two    bool    // with ripcord's `routers: 2`
	most   float64 // ms at the median, where that is said
}

var happenings = []happening{
	{name: "cable pulled",
		strike: func(s *site) time.Time { return s.at(s.Cable("a", ifname(0)).Pull()) },
		mend:   func(s *site, _ router) { s.at(s.Cable("a", ifname(0)).Plug()) }},
	{name: "cable pulled, ripcord with routers: 2", two: true, most: 30,
		strike: func(s *site) time.Time { return s.at(s.Cable("a", ifname(0)).Pull()) },
		mend:   func(s *site, _ router) { s.at(s.Cable("a", ifname(0)).Plug()) }},
	{name: "interface set down",
		strike: func(s *site) time.Time { return s.at(s.Cable("a", ifname(0)).AdminDown()) },
		mend:   func(s *site, _ router) { s.at(s.Cable("a", ifname(0)).AdminUp()) }},
	{name: "daemon stopped",
		strike: func(s *site) time.Time { return s.daemons["a"].stop() },
		mend:   func(s *site, r router) { s.start("a", r).ready() }},
	{name: "power lost, past the last advert", silent: true,
		strike: func(s *site) time.Time {
			at := s.daemons["a"].kill()
			for n := range s.segments {
				s.at(s.Cable("a", ifname(n)).Pull())
			}
			return at
		},
		mend: func(s *site, r router) {
			s.start("a", r)         // takes away what the killed one left,
			time.Sleep(time.Second) // before anybody can ask for it
			for n := range s.segments {
				s.at(s.Cable("a", ifname(n)).Plug())
			}
		}},
}

// 11. What a client is without.
func TestOutage(t *testing.T) {
	figures(t)
	report.define(11, `Two routers, two segments in a group, 1 s adverts, priorities 150 and 100. A client on one segment sends a UDP
datagram every ms through the routers to a server on the other, which returns it. Both use only the virtual
addresses as gateways. The figure is the longest time between two answers, from just before the event.
*Stopped* is SIGTERM: the stopped router still forwards packets to its MAC until the hosts have learned the
other MAC. *Power lost* is SIGKILL with both cables out; here the time is measured from the router's last
advert to the first answer after the gap. It includes the Active_Down_Interval of 3.61 s.`,
		`The minimum for pull, admin down and stop is the Backup's Skew_Time, 0.61 s; with ripcord's "routers: 2" there is none.`)
	for _, h := range happenings {
		t.Run(h.name, func(t *testing.T) {
			sideBySide(t)
			ours, theirs := inTurn(t, func(t *testing.T, m maker) []time.Duration { return outages(t, m, h) })
			x, y := median(ms(ours)), median(ms(theirs))
			bound := target{"1.05× of keepalived's, or 2 ms more", max(1.05*y, y+2)}
			if h.name == "cable pulled" || h.name == "interface set down" {
				bound = times("1/4", 0.25, y)
			}
			if h.most > 0 {
				bound = target{fmt.Sprintf("%g ms", h.most), h.most}
			}
			report.add(figure{number: 11, what: "client's outage, " + h.name + ", median", unit: "ms", of: len(ours),
				ours: x, theirs: y, targets: []target{bound}})
		})
	}
}

func outages(t *testing.T, m maker, h happening) (took []time.Duration) {
	s := newSite(t, m, 2, "a", "b")
	s.listen()
	for _, host := range []string{"a", "b"} {
		if err := s.Host(host).SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
			t.Fatal(err)
		}
	}
	s.behind("client", 0)
	s.behind("server", 1)
	s.pairLike(router{interval: now.slow, two: h.two})
	ping := s.ping()
	r := router{priority: 150, interval: now.slow, instances: s.spread(2), grouped: true, two: h.two}
	for n := range now.few {
		ping.flows(t)
		time.Sleep(1200*time.Millisecond + time.Duration(n*330%1000)*time.Millisecond)
		at := h.strike(s)
		s.active("b", at)
		ping.flows(t)
		from, to := ping.gap(at)
		if h.silent {
			from = s.lastAdvert("a", 0, to).At
			if other := s.lastAdvert("a", 1, to).At; other.After(from) {
				from = other
			}
		}
		took = append(took, to.Sub(from))
		back := time.Now()
		h.mend(s, r)
		s.active("a", back)
	}
	return took
}

// behind makes a host on segment n alone, whose gateway is its virtual address.
func (s *site) behind(name string, n int) {
	s.t.Helper()
	host, err := s.AddHost(name)
	if err == nil {
		_, err = s.Connect(host, "eth0", s.Segment(segment(n)), lan.Options{Addresses: []netip.Prefix{netip.PrefixFrom(stationOn(n), 16)}})
	}
	if err == nil {
		_, err = s.Run(name, "ip", "route", "add", "10.0.0.0/8", "via", virtual(n, 1, 0))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// stationOn is the address of the host that is behind the routers on segment n.
func stationOn(n int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("10.%d.0.99", n)) }
