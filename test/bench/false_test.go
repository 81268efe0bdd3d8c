package bench

import (
	"net"
	"testing"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// 4. Backups that take their own dead cable for a dead Active.
func TestFalseActive(t *testing.T) {
	figures(t)
	report.define(4, `Two routers, one segment, 100 ms adverts. The Backup's cable is pulled for 1.2 s, while another veth on the
machine is created, flaps and is removed every 200 ms. A false Active is counted if the Backup's kernel
announces in that time that the virtual address was added.`,
		`A false Active is a defect: see the log of the test.`)
	churn(t)
	ours, theirs := inTurn(t, func(t *testing.T, m maker) []bool {
		return lanes(t, func(t *testing.T) []bool { return pulledBackups(t, m) })
	})
	report.add(figure{number: 4, what: "Backup's cable pulled near other link events: false Actives", of: len(ours),
		ours: count(ours), theirs: count(theirs), targets: []target{under("0", 0)}})
}

func count(list []bool) (n float64) {
	for _, yes := range list {
		if yes {
			n++
		}
	}
	return n
}

func pulledBackups(t *testing.T, m maker) (wrong []bool) {
	s := newSite(t, m, 1, "a", "b")
	s.listen()
	added := s.additions("b", virtual(0, 1, 0))
	s.pairOf(100 * time.Millisecond)
	for n := range now.falses {
		time.Sleep(1200*time.Millisecond + time.Duration(n*41%200)*time.Millisecond) // Backup again, whatever the news took
		before := len(added())
		s.at(s.Cable("b", ifname(0)).Pull())
		time.Sleep(1200 * time.Millisecond)
		wrong = append(wrong, len(added()) > before)
		s.at(s.Cable("b", ifname(0)).Plug())
	}
	return wrong
}

// additions hears, from the kernel of a host, that an address is added, and
// gives the instants so far.
func (s *site) additions(host, address string) func() []time.Time {
	s.t.Helper()
	var conn *rtnetlink.Conn
	err := s.Host(host).Do(func() (err error) {
		conn, err = rtnetlink.Dial(&netlink.Config{Groups: unix.RTMGRP_IPV4_IFADDR})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	want := net.ParseIP(address)
	heard := make(chan []time.Time, 1)
	heard <- nil
	s.t.Cleanup(func() { conn.Close() })
	go func() {
		for {
			messages, headers, err := conn.Receive()
			if err != nil {
				return // closed
			}
			for i, m := range messages {
				a, ok := m.(*rtnetlink.AddressMessage)
				if ok && headers[i].Header.Type == unix.RTM_NEWADDR && a.Attributes.Address.Equal(want) {
					heard <- append(<-heard, time.Now())
				}
			}
		}
	}()
	return func() []time.Time {
		list := <-heard
		heard <- list
		return list
	}
}
