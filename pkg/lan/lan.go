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

// firstIndex is the ifindex of the first device that a LAN makes. Those below
// are left to what a host makes of its own, a macvlan say.
const firstIndex = 500

// LAN is a switch with segments, and hosts on cables.
type LAN struct {
	sw *Namespace

	mu       sync.Mutex
	index    int // the next ifindex
	hosts    []*Host
	segments []*Segment
	cables   []*Cable
	closers  []func() // what runs on the LAN, to be stopped before it goes
}

// Segment is a broadcast domain: a bridge of the switch.
type Segment struct {
	lan   *LAN
	name  string
	index int
}

// Name is the name that AddSegment was given.
func (s *Segment) Name() string { return s.name }

// SpanningTree turns the segment's spanning tree on (IEEE 802.1D), with this
// forward delay, 2 s to 30 s: a cable that is plugged in from now on has carrier
// at once, but its port forwards nothing for twice the delay. Ports that forward
// go on.
func (s *Segment) SpanningTree(delay time.Duration) error {
	if err := s.lan.sw.setBridge(s.index, spanningTree{delay}); err != nil {
		return fmt.Errorf("segment %s: turn on the spanning tree: %w", s.name, err)
	}
	return nil
}

// QuerierDelay is how long after Snooping a segment still floods all multicast: the
// greatest delay of an answer to its first query.
const QuerierDelay = 10 * time.Second

// Snooping makes the segment forward multicast to those ports alone that reported
// their membership (RFC 4541), and query for it, as a Linux bridge does by default
// where it has mcast_querier: in IGMPv2 and MLDv1.
func (s *Segment) Snooping() error {
	// Its queries for MLD need an address to come from.
	if err := s.lan.sw.SetSysctl(fmt.Sprintf("net.ipv6.conf.%s.disable_ipv6", bridgeName(s.index)), "0"); err != nil {
		return fmt.Errorf("segment %s: turn on multicast snooping: %w", s.name, err)
	}
	if err := s.lan.sw.setBridge(s.index, snooping{}); err != nil {
		return fmt.Errorf("segment %s: turn on multicast snooping: %w", s.name, err)
	}
	return nil
}

// Port is one connection of a host to a segment, for Build.
type Port struct {
	Host    string
	Name    string // of the interface
	Segment string
	Options
}

// New makes a LAN with nothing on it.
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

// Build makes a LAN of these ports, and the hosts and segments that they name,
// in the order in which they are first named. When it returns, all cables have
// carrier and all addresses can be used.
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

// AddHost makes a host without any cable.
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

// AddSegment makes a segment without any cable.
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

// Host finds a host by name. It panics if there is none: the test is wrong.
func (l *LAN) Host(name string) *Host {
	h, ok := l.host(name)
	if !ok {
		panic("lan: no host " + name)
	}
	return h
}

// Segment finds a segment by name. It panics if there is none.
func (l *LAN) Segment(name string) *Segment {
	s, ok := l.segment(name)
	if !ok {
		panic("lan: no segment " + name)
	}
	return s
}

// Cable finds a cable by the interface at its host's end. It panics if there
// is none.
func (l *LAN) Cable(host, ifname string) *Cable {
	c, ok := l.Host(host).cable(ifname)
	if !ok {
		panic("lan: no cable in " + ifname + " of " + host)
	}
	return c
}

// Close stops what runs on the LAN, kills every process in its namespaces and
// lets them go. Another Close does nothing.
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
	// All at once: no host should live to see the others gone.
	failed := make([]error, len(spaces))
	var closing sync.WaitGroup
	for i, n := range spaces {
		closing.Go(func() { failed[i] = n.Close() })
	}
	closing.Wait()
	return errors.Join(failed...)
}

// Namespaces returns the numbers of the network namespaces of all hosts, as the kernel has
// them below /proc/PID/ns/net: another namespace may get one when the LAN is closed.
func (l *LAN) Namespaces() (inodes []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.hosts {
		inodes = append(inodes, strings.TrimSuffix(strings.TrimPrefix(h.id, "net:["), "]"))
	}
	return inodes
}

// onClose has f called before the namespaces go. It must be harmless to call
// it more than once.
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

// whose names the host that has this MAC, or else this address; "" for none.
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

// Addresses parses addresses with their prefix length. It panics on a bad one,
// as netip.MustParsePrefix does.
func Addresses(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
