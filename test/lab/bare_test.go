package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestInstanceWithoutAddresses runs two routers of an instance without addresses, as in a cloud
// that moves the address itself: one is Active, the other takes over when its cable is pulled, and
// neither rejects adverts without addresses.
func TestInstanceWithoutAddresses(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, family := range []string{"ipv4", "ipv6"} {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			const interval = 100 * time.Millisecond
			s := newSite(t, []segment{inside}, "a", "b")
			start := func(host string, priority int) *daemon {
				return s.startYAML(host, fmt.Sprintf(`log: {level: debug}
control: {socket: %s}
links: {default: {recovery: {wait: 0}}}
instances:
  - {name: inside, interface: eth0, vrid: 51, priority: %d, interval: %v, family: %s}
`, s.socket(host), priority, interval, family))
			}
			before := s.ip("a", "-o", "address")
			began := time.Now()
			a := start("a", 150)
			a.becomes("active", began, 8*time.Second)
			b := start("b", 100)
			b.becomes("backup", began, 5*time.Second)
			time.Sleep(2 * downInterval(100, interval))
			if b.state() != "backup" || a.state() != "active" {
				t.Fatalf("a is %s, b is %s", a.state(), b.state())
			}
			if after := s.ip("a", "-o", "address"); after != before {
				t.Errorf("the addresses of a were\n%s\nand are now\n%s", before, after)
			}

			since := time.Now()
			s.pull("a", inside)
			b.becomes("active", since, 5*time.Second)
			a.becomes("fault", since, 5*time.Second)
			since = time.Now()
			s.plug("a", inside)
			a.becomes("active", since, 8*time.Second)
			b.becomes("backup", since, 5*time.Second)
			for host, d := range map[string]*daemon{"a": a, "b": b} {
				for _, l := range d.log(began) {
					wrong := []string{"advert.mismatch", "advert.rejected", "instance.warning", "instance.holding"}
					if l.Level == "error" || slices.Contains(wrong, l.Event) || strings.HasPrefix(l.Event, "address.") {
						t.Errorf("%s: %+v", host, l)
					}
				}
			}
		})
	}
}
