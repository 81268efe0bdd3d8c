// Package lab drives the built binary on LANs of network namespaces, with cables
// that are really pulled, as a person would: by its configuration, its log, its
// control socket and its signals.
//
// Tests that measure run alone; those that only wait call t.Parallel and run as
// LANs side by side. All need root, and skip without it.
package lab

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/stage"
)

// binary is ripcord as it was built for these tests.
var binary string

// long has the tests of a thousand instances take the minutes that a person has for them,
// and no CI.
var long = flag.Bool("long", false, "let the tests of a thousand instances run for minutes")

// shortOr returns how long something is watched: in CI, and with -long.
func shortOr[T any](short, whole T) T {
	if *long {
		return whole
	}
	return short
}

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if os.Getenv(hangs) != "" {
		return hangingDaemon()
	}
	if os.Getenv(crowding) != "" {
		return beClients()
	}
	if os.Getenv(stranger) != "" {
		return beStranger()
	}
	return stage.Main(m, "lab", func(path string) error {
		binary = path
		return nil
	})
}

// segment is one of the LANs' segments, and the interface that is on it.
type segment struct {
	name, ifname string
	vrid         int
	network      string // its first three bytes
}

var (
	inside  = segment{"inside", "eth0", 51, "192.0.2"}
	outside = segment{"outside", "eth1", 52, "198.51.100"}
)

// virtual is the address that the routers share on the segment.
func (s segment) virtual() netip.Addr { return netip.MustParseAddr(s.network + ".1") }

// site is a LAN with routers and a client, for one test.
type site struct {
	*stage.Stage
	t        *testing.T
	segments []segment
	daemons  map[string]*daemon
}

// newSite makes a LAN of these hosts on one or two segments, and a client. The
// n-th host is number 11+n on each.
func newSite(t *testing.T, segments []segment, hosts ...string) *site {
	t.Helper()
	var ports []lan.Port
	for _, s := range segments {
		for i, h := range append(slices.Clone(hosts), "client") {
			address := fmt.Sprintf("%s.%d/24", s.network, 11+i)
			ports = append(ports, lan.Port{Host: h, Name: s.ifname, Segment: s.name, Options: lan.Options{Addresses: lan.Addresses(address)}})
		}
	}
	return newSiteOf(t, segments, ports...)
}

func newSiteOf(t *testing.T, segments []segment, ports ...lan.Port) *site {
	t.Helper()
	s := &site{Stage: stage.New(t, ports...), t: t, segments: segments, daemons: make(map[string]*daemon)}
	t.Cleanup(func() {
		if t.Failed() {
			s.ShowLogs(t, 40, nil)
		}
	})
	return s
}

// prober asks from the client on a segment.
func (s *site) prober(seg segment) *lan.Prober {
	s.t.Helper()
	p, err := s.Host("client").Prober(seg.ifname)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// watch begins to ask for the virtual address of a segment.
func (s *site) watch(seg segment, every time.Duration) *lan.Watch {
	s.t.Helper()
	w, err := s.prober(seg).Watch(seg.virtual(), every)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { w.Stop() })
	return w
}

func (s *site) sniff(seg segment) *lan.Sniffer {
	s.t.Helper()
	sniffer, err := s.Segment(seg.name).Sniff()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(sniffer.Close)
	return sniffer
}

// servedBy waits until the router answers for the virtual address of the
// segment, after since, and gives the instant.
func (s *site) servedBy(host string, seg segment, w *lan.Watch, since time.Time, within time.Duration) time.Time {
	s.t.Helper()
	mac := s.Cable(host, seg.ifname).MAC()
	a, err := w.WaitAnswer(within, func(a lan.Answer) bool { return a.MAC == mac && a.At.After(since) })
	if err != nil {
		s.t.Fatalf("%s does not serve %s within %v: %v", host, seg.name, within, err)
	}
	return a.At
}

// pull takes a cable out; plug puts it in.
func (s *site) pull(host string, seg segment) time.Time {
	return s.at(s.Cable(host, seg.ifname).Pull())
}
func (s *site) plug(host string, seg segment) time.Time {
	return s.at(s.Cable(host, seg.ifname).Plug())
}

func (s *site) at(at time.Time, err error) time.Time {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

var downInterval, skew = stage.DownInterval, stage.Skew

// median is the middle of the values; 0 if there are none.
func median(values []time.Duration) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
