package monitor

import (
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/link"
)

// TestExplainer requires that a driver is asked once per loss, after the loss is published, and
// that only the explainer waits for the answer.
func TestExplainer(t *testing.T) {
	onBench(t, func(b *bench) {
		b.mu.Lock()
		b.fake.reasons = map[string]string{"eth0": "no cable"}
		b.mu.Unlock()
		queries := func() int {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.fake.queries["eth0"]
		}
		hold := make(chan struct{})
		b.mu.Lock()
		b.thinking = hold
		b.mu.Unlock()
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", noCarrier)})
		b.expect("eth0[2] out -1\nlink.down eth0 by notification\n")
		b.announce(ofLinks, link.LinkSeen{Link: up(3, "eth1", noCarrier)})
		b.expect("eth1[3] out -1\nlink.down eth1 by notification\n")
		close(hold)
		synctest.Wait()
		b.expect("eth0[2] out\nlink.reason eth0 by ethtool\n")
		if l := b.monitor.Links()[0]; l.Reason != "no cable" || queries() != 1 {
			t.Errorf("reason %q, asked %d times", l.Reason, queries())
		}
		b.announce(ofLinks, link.LinkSeen{Link: up(5, "other")}, link.LinkSeen{Link: up(5, "other", noCarrier)})
		b.expect("other[5] out -1\n")
		b.mu.Lock()
		if n := b.fake.queries["other"]; n != 0 {
			t.Errorf("an unused link was asked %d times", n)
		}
		b.mu.Unlock()
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", lost(1))})
		b.expect("eth0[2] up\nlink.up eth0 by notification\n")
		if l := b.monitor.Links()[0]; l.Reason != "" || queries() != 1 {
			t.Errorf("the carrier is back: reason %q, asked %d times", l.Reason, queries())
		}
	})
}

// TestExplainerWithoutAnAnswer: without the ethtool family there are no reasons, and nothing else
// is missing.
func TestExplainerWithoutAnAnswer(t *testing.T) {
	onBench(t, func(b *bench) {
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", noCarrier)})
		b.expect("eth0[2] out -1\nlink.down eth0 by notification\n")
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", lost(1))})
		b.expect("eth0[2] up\nlink.up eth0 by notification\n")
	})
}

// TestMonitorDebounces requires nothing one tick before the deadline, and one change at the tick.
func TestMonitorDebounces(t *testing.T) {
	onBench(t, func(b *bench) {
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", noCarrier)})
		b.expect("eth0[2] up\n")
		time.Sleep(time.Second - time.Nanosecond)
		b.expect("")
		time.Sleep(time.Nanosecond)
		b.expect("eth0[2] out -1\nlink.down eth0 by notification\n")
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", lost(1))})
		b.expect("eth0[2] barred\n")
		time.Sleep(3*time.Second - time.Nanosecond)
		b.expect("")
		time.Sleep(time.Nanosecond)
		b.expect("eth0[2] up\nlink.up eth0 by notification\n")
	}, func(c *Config, _ *fake) {
		c.Links = map[string]link.Settings{"eth0": {Monitor: link.Auto, Confirm: 10 * time.Millisecond, DownDelay: time.Second, UpDelay: 3 * time.Second}}
	})
}
