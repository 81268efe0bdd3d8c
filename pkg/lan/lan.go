//go:build linux

package lan

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// firstIndex is the ifindex of the first device that a LAN makes. Lower ones are left to the
// devices that a host makes itself, such as a macvlan.
const firstIndex = 500

// LAN is a switch with segments, and hosts connected by cables.
type LAN struct {
	sw *Namespace

	mu       sync.Mutex
	index    int // the next ifindex
	hosts    []*Host
	segments []*Segment
	cables   []*Cable
	closers  []func() // stop what runs on the LAN before it is removed
}

// Segment is a broadcast domain: a bridge of the switch.
type Segment struct {
	lan   *LAN
	name  string
	index int
}

// Name returns the name of the segment.
func (s *Segment) Name() string { return s.name }

// SpanningTree turns on the segment's spanning tree (IEEE 802.1D) with this forward delay, 2 s to
// 30 s. A cable plugged in from now on has carrier at once, but its port forwards nothing for twice
// the delay. Ports that forward already go on.
func (s *Segment) SpanningTree(delay time.Duration) error {
	if err := s.lan.sw.setBridge(s.index, spanningTree{delay}); err != nil {
		return fmt.Errorf("segment %s: turn on the spanning tree: %w", s.name, err)
	}
	return nil
}

// QuerierDelay is how long after Snooping a segment still floods all multicast: the greatest delay
// of an answer to its first query.
const QuerierDelay = 10 * time.Second

// Snooping makes the segment forward multicast only to ports that reported their membership (RFC
// 4541), and query for it in IGMPv2 and MLDv1, as a Linux bridge with mcast_querier does by
// default.
func (s *Segment) Snooping() error {
	// Its MLD queries need a source address.
	if err := s.lan.sw.SetSysctl(fmt.Sprintf("net.ipv6.conf.%s.disable_ipv6", bridgeName(s.index)), "0"); err != nil {
		return fmt.Errorf("segment %s: turn on multicast snooping: %w", s.name, err)
	}
	if err := s.lan.sw.setBridge(s.index, snooping{}); err != nil {
		return fmt.Errorf("segment %s: turn on multicast snooping: %w", s.name, err)
	}
	return nil
}

// Port describes one connection of a host to a segment, for Build.
type Port struct {
	Host    string
	Name    string // name of the interface
	Segment string
	Options
}

// New makes an empty LAN.
func New() (*LAN, error) {
	sw, err := NewNamespace("switch")
	if err != nil {
		return nil, err
	}
	if err := sw.actAsSwitch(); err != nil {
		return nil, errors.Join(err, sw.Close())
	}
	return &LAN{sw: sw, index: firstIndex}, nil
}

// Build makes a LAN of these ports, with the hosts and segments that they name, in the order in
// which they are first named. When it returns, all cables have carrier and all addresses can be
// used.
func Build(ports ...Port) (*LAN, error) {
	l, err := New()
	if err != nil {
		return nil, err
	}
	for _, p := range ports {
		if err := l.build(p); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

func (l *LAN) build(p Port) (err error) {
	host, ok := l.host(p.Host)
	if !ok {
		if host, err = l.AddHost(p.Host); err != nil {
			return err
		}
	}
	segment, ok := l.segment(p.Segment)
	if !ok {
		if segment, err = l.AddSegment(p.Segment); err != nil {
			return err
		}
	}
	_, err = l.Connect(host, p.Name, segment, p.Options)
	return err
}

// AddHost adds a host without cables.
func (l *LAN) AddHost(name string) (*Host, error) {
	if _, ok := l.host(name); ok {
		return nil, fmt.Errorf("add host %s: there is one already", name)
	}
	n, err := NewNamespace(name)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	h := &Host{Namespace: n, lan: l, number: len(l.hosts) + 1}
	l.hosts = append(l.hosts, h)
	return h, nil
}

func bridgeName(index int) string { return fmt.Sprintf("br%d", index) }

// AddSegment adds a segment without cables.
func (l *LAN) AddSegment(name string) (*Segment, error) {
	if _, ok := l.segment(name); ok {
		return nil, fmt.Errorf("add segment %s: there is one already", name)
	}
	s := &Segment{lan: l, name: name, index: l.takeIndex()}
	if err := l.sw.makeBridge(bridgeName(s.index), s.index, farMAC(s.index)); err != nil {
		return nil, fmt.Errorf("add segment %s: %w", name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, s)
	return s, nil
}

// Host returns the host of a name. It panics if there is none, which is a mistake in the test.
func (l *LAN) Host(name string) *Host {
	h, ok := l.host(name)
	if !ok {
		panic("lan: no host " + name)
	}
	return h
}

// Segment returns the segment of a name. It panics if there is none.
func (l *LAN) Segment(name string) *Segment {
	s, ok := l.segment(name)
	if !ok {
		panic("lan: no segment " + name)
	}
	return s
}

// Cable returns the cable in an interface of a host. It panics if there is none.
func (l *LAN) Cable(host, ifname string) *Cable {
	c, ok := l.Host(host).cable(ifname)
	if !ok {
		panic("lan: no cable in " + ifname + " of " + host)
	}
	return c
}

// Close stops what runs on the LAN, kills every process in its namespaces and releases them.
// Further calls do nothing.
func (l *LAN) Close() error {
	l.mu.Lock()
	closers, spaces := l.closers, []*Namespace{l.sw}
	for _, h := range l.hosts {
		spaces = append(spaces, h.Namespace)
	}
	l.closers = nil
	l.mu.Unlock()

	for i := len(closers) - 1; i >= 0; i-- {
		closers[i]()
	}
	// Close all at once: no host should live to see the others gone.
	failed := make([]error, len(spaces))
	var closing sync.WaitGroup
	for i, n := range spaces {
		closing.Go(func() { failed[i] = n.Close() })
	}
	closing.Wait()
	return errors.Join(failed...)
}

// Namespaces returns the inode numbers of the network namespaces of all hosts, as /proc/PID/ns/net
// shows them. The kernel may reuse them after the LAN is closed.
func (l *LAN) Namespaces() (inodes []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.hosts {
		inodes = append(inodes, strings.TrimSuffix(strings.TrimPrefix(h.id, "net:["), "]"))
	}
	return inodes
}

// onClose registers a function to call before the namespaces are released. Several calls of it must
// do no harm.
func (l *LAN) onClose(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closers = append(l.closers, f)
}

func (l *LAN) takeIndex() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index++
	return l.index - 1
}

func (l *LAN) host(name string) (*Host, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.hosts {
		if h.name == name {
			return h, true
		}
	}
	return nil, false
}

func (l *LAN) segment(name string) (*Segment, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		if s.name == name {
			return s, true
		}
	}
	return nil, false
}

// whose returns the name of the host with this MAC or else this address, or "" if there is none.
func (l *LAN) whose(mac MAC, source netip.Addr) string {
	l.mu.Lock()
	cables := append([]*Cable(nil), l.cables...)
	l.mu.Unlock()
	for _, c := range cables {
		if c.mac == mac {
			return c.host.name
		}
	}
	for _, c := range cables {
		if c.has(source) {
			return c.host.name
		}
	}
	return ""
}

// Addresses parses addresses with their prefix length. Like netip.MustParsePrefix it panics on an
// invalid one.
func Addresses(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
