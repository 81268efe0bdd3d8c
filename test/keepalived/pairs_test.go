package keepalived

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
	"ripcord/test/stage"
)

// pairs are files that keepalived and ripcord share, with another priority each.
var pairs = []file{
	{name: "basic-pair-master", routers: 1},
	{name: "basic-ipv6", routers: 1},
	{name: "basic-ipv4-and-ipv6-same-vrid", routers: 2},
	{name: "basic-interval-of-a-fraction-in-version-3", routers: 1},
	{name: "version-3-for-all", routers: 1},
	{name: "multicast-group", routers: 1},
	{name: "unicast-pair", routers: 1},
	{name: "unicast-version-3", routers: 1},
	{name: "unicast-ipv6", routers: 1},
	{name: "unicast-without-interface", routers: 1, since: "2.4"},
	{name: "address-excluded", routers: 1},
	{name: "route-table-and-metric", routers: 1},
	{name: "vmac-plain", routers: 1},
	{name: "group-pair", routers: 2},
	{name: "product-haproxy-pair", routers: 1},
}

// TestPairs: on one LAN, started from the same file but the priority, each takes over from
// the other, whichever is the better one.
func TestPairs(t *testing.T) {
	netns.NeedRoot(t)
	for _, f := range pairs {
		for _, upper := range []brand{keepalived, ripcord} {
			t.Run(f.name+", "+string(upper)+" above", func(t *testing.T) {
				t.Parallel()
				if version() < f.since {
					t.Skipf("keepalived %s does not start with this file, and %s does: KEEPALIVED names another keepalived", version(), f.since)
				}
				newPair(t, f, upper).play()
			})
		}
	}
}

// pair is a LAN with a router of each make.
type pair struct {
	t            *testing.T
	stage        *stage.Stage
	file         file
	upper, lower *router
	sniffers     []*lan.Sniffer
}

const (
	ours   = "ripcord"
	theirs = "keepalived"
)

var (
	priority = regexp.MustCompile(`(?m)^(\s*priority )\d+`)
	number   = regexp.MustCompile(`([.:])1([12])\b`) // of a host, at the end of its address
)

func newPair(t *testing.T, f file, upper brand) *pair {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(corpus, f.name+".conf"))
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{t: t, stage: stage.New(t, ports(theirs, ours)...), file: f}
	make := func(b brand, host, text string, upper bool) *router {
		own := "100"
		if upper {
			own = "150"
		}
		return newRouter(t, p.stage, b, host, priority.ReplaceAllString(text, "${1}"+own))
	}
	k := make(keepalived, theirs, string(raw), upper == keepalived)
	swapped := number.ReplaceAllStringFunc(string(raw), func(s string) string { return s[:2] + map[string]string{"1": "2", "2": "1"}[s[2:]] })
	r := make(ripcord, ours, swapped, upper == ripcord)
	if p.upper, p.lower = k, r; upper == ripcord {
		p.upper, p.lower = r, k
	}
	for _, s := range segments {
		sniffer, err := p.stage.Segment(s.ifname).Sniff()
		if err != nil {
			t.Fatal(err)
		}
		p.sniffers = append(p.sniffers, sniffer)
	}
	t.Cleanup(func() {
		if t.Failed() {
			p.stage.ShowLogs(t, 40, nil)
		}
	})
	return p
}

// play is the order of events.
func (p *pair) play() {
	free := map[*router][]string{p.upper: p.upper.held(p.t), p.lower: p.lower.held(p.t)}
	holds := func(r *router) []string { return without(r.held(p.t), free[r]) }

	p.lower.start(p.t)
	p.alone("it is alone", p.lower)
	held := holds(p.lower)
	p.upper.start(p.t)
	p.alone("the better one came", p.upper)
	p.released("the better one came", p.lower, holds)
	if diff := differing(holds(p.upper), held); diff != "" {
		p.t.Errorf("%s and %s do not hold the same:\n%s", p.upper.brand, p.lower.brand, diff)
	}
	p.upper.stop(p.t)
	p.alone("the better one was stopped", p.lower)
	p.upper.start(p.t)
	p.alone("the better one is back", p.upper)
	p.released("the better one is back", p.lower, holds)
	p.lower.stop(p.t)
	p.alone("the other one was stopped", p.upper)
}

// differing are the lines in which two lists differ, but for what differs by design.
func differing(a, b []string) string {
	a, b = likened(a), likened(b)
	return strings.Join(append(marked("-", without(a, b)), marked("+", without(b, a))...), "\n")
}

// alone waits until a router is Active for all virtual routers, and no other router for any.
func (p *pair) alone(when string, r *router) {
	p.t.Helper()
	var active map[string]string
	for end := time.Now().Add(4*time.Second + patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if active = p.active(); len(active) == p.file.routers && !slices.ContainsFunc(values(active), func(host string) bool { return host != r.host }) {
			time.Sleep(300 * time.Millisecond) // what it holds
			return
		}
	}
	p.t.Fatalf("%s: %s should be Active alone, and these are: %v", when, r.brand, active)
}

// active are the hosts that advertise now, by virtual router: two names where there are two.
func (p *pair) active() map[string]string {
	hosts := map[string]string{}
	for _, s := range p.sniffers {
		last := map[string]lan.Advert{}
		for _, a := range s.Adverts() {
			last[fmt.Sprint(a.Segment, a.VRID, a.Family, a.Host)] = a
		}
		for _, a := range last {
			if a.Priority > 0 && time.Since(a.At) < recently(a) {
				hosts[fmt.Sprintf("VRID %d of %v on %s", a.VRID, a.Family, a.Segment)] += a.Host
			}
		}
	}
	return hosts
}

func values(m map[string]string) (list []string) {
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

// released waits until a router holds nothing.
func (p *pair) released(when string, r *router, holds func(*router) []string) {
	p.t.Helper()
	var held []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if held = holds(r); len(held) == 0 {
			return
		}
	}
	p.t.Errorf("%s: %s still holds %v", when, r.brand, held)
}
