package lab

import (
	"testing"
	"time"

	"ripcord/test/netns"
)

// The MTU of the Backup's link is below IPv6's least for a moment: the kernel throws
// the link's IPv6 settings away, and the membership with them. The Backup joins
// again, stays Backup, and still takes over when it should.
func TestMTUTooSmallForIPv6(t *testing.T) {
	netns.NeedRoot(t)
	for _, tt := range []struct {
		name  string
		small time.Duration
	}{{"50 ms", 50 * time.Millisecond}, {"1 s", time.Second}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const interval = 200 * time.Millisecond
			s, a, b := startPair(t, interval, insideIPv6)
			began := time.Now()
			s.ip("b", "link", "set", "eth0", "mtu", "1200")
			time.Sleep(tt.small)
			s.ip("b", "link", "set", "eth0", "mtu", "1500")
			back := time.Now()
			time.Sleep(2*time.Second + 2*downInterval(100, interval)) // a link-local address comes, and what is silent counts
			for _, l := range b.log(began) {
				if l.Event == "instance.transition" && l.To == "active" {
					t.Errorf("a second Active %v after the MTU was back: %s", l.TS.Sub(back.Round(0)), l.Msg)
				}
			}
			if sa, sb := a.state(), b.state(); sa != "active" || sb != "backup" {
				t.Fatalf("a is %s, b is %s", sa, sb)
			}
			b.wait(began, patience, "that it was deaf", func(l line) bool {
				return l.Level == "error" && (l.Event == "advert.failed" || l.Event == "instance.fault" && l.Reason == "deaf")
			})
			at := s.pull("a", inside)
			b.becomes("active", at, 5*time.Second)
		})
	}
}
