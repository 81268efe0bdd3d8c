// Package lab drives the built binary on LANs of network namespaces, with cables
// that are really pulled, as a person would: by its configuration, its log, its
// control socket and its signals.
//
// Tests that measure run alone; those that only wait call t.Parallel and run as
// LANs side by side. All need root, and skip without it.
package lab

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/built"
)

// binary is ripcord as it was built for these tests.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if os.Getenv(hangs) != "" {
		return hangingDaemon()
	}
	if os.Geteuid() != 0 {
		fmt.Println("lab: not root: no test here can make its network namespaces; all are skipped")
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "ripcord-lab-")
	if err != nil {
		fmt.Println("lab:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary, err = built.Command(dir, built.Ripcord); err != nil {
		fmt.Println("lab:", err)
		return 1
	}
	return m.Run()
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
	*lan.LAN
	t        *testing.T
	dir      string
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

// needRoot skips the test without root.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: cannot make network namespaces")
	}
}

func newSiteOf(t *testing.T, segments []segment, ports ...lan.Port) *site {
	t.Helper()
	needRoot(t)
	l, err := lan.Build(ports...)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "rc") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &site{LAN: l, t: t, dir: dir, segments: segments, daemons: make(map[string]*daemon)}
	t.Cleanup(func() {
		if t.Failed() {
			s.showLogs()
		}
		if err := l.Close(); err != nil {
			t.Errorf("close the LAN: %v", err)
		}
		for _, d := range s.daemons {
			<-d.exited
		}
		_ = os.RemoveAll(dir)
	})
	return s
}

func (s *site) showLogs() {
	for name, d := range s.daemons {
		text, _ := os.ReadFile(d.logfile)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		lines = lines[max(0, len(lines)-40):]
		s.t.Logf("the end of the log of %s:\n%s", name, strings.Join(lines, "\n"))
	}
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

// downInterval is the Active_Down_Interval of RFC 9568 §6.1, reckoned here.
func downInterval(priority int, interval time.Duration) time.Duration {
	return 3*interval + skew(priority, interval)
}

func skew(priority int, interval time.Duration) time.Duration {
	return time.Duration(256-priority) * interval / 256
}

// median is the middle of the values.
func median(values []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
