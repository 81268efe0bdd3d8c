package monitor

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/link"
	"ripcord/pkg/nic"
)

// withMII gives eth0 a transceiver before the monitor runs.
func withMII(c *Config, k *fake) {
	c.Default.Poll = time.Second
	k.mii["eth0"] = nic.MIIStatus{Up: true}
}

// TestPollerSeesWhatIsNotAnnounced: only the transceiver of a NIC that announces nothing (e1000e,
// 2002) reports a loss.
func TestPollerSeesWhatIsNotAnnounced(t *testing.T) {
	onBench(t, func(b *bench) {
		if got := b.chosen(); !strings.Contains(got, byUnproven) || !strings.Contains(got, "eth1 by netlink") {
			t.Errorf("chosen\n%s", got)
		}
		if f := b.monitor.Links()[0]; f.Monitor != "mii" {
			t.Errorf("the fact has %q", f.Monitor)
		}
		b.probes("eth0")
		time.Sleep(10 * time.Second)
		if n := b.probes("eth0"); n != 10 {
			t.Errorf("polled %d times in 10 s", n)
		}
		if n := b.probes("eth1"); n != 0 {
			t.Errorf("eth1, which has no transceiver, was polled %d times", n)
		}
		b.setMII("eth0", nic.MIIStatus{})
		time.Sleep(time.Second)
		b.expect("eth0[2] out -1\nlink.down eth0 by mii\n")
		time.Sleep(5 * time.Second)
		b.expect("")
		if got := b.chosen(); got != byRefuted {
			t.Errorf("chosen\n%s", got)
		}
		b.setMII("eth0", nic.MIIStatus{Up: true})
		time.Sleep(time.Second)
		b.expect("eth0[2] up\nlink.up eth0 by mii\n")
		b.setMII("eth0", nic.MIIStatus{Up: true, Flapped: true})
		time.Sleep(time.Second)
		b.expect("eth0[2] up -1\nlink.flapped eth0 by mii\n")
	}, withMII)
}

// TestPollerEnds: one loss that the kernel announces ends the polling.
func TestPollerEnds(t *testing.T) {
	onBench(t, func(b *bench) {
		b.chosen()
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", noCarrier)})
		b.setMII("eth0", nic.MIIStatus{})
		time.Sleep(time.Second)
		if got := b.chosen(); got != byProof {
			t.Errorf("chosen\n%s", got)
		}
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", lost(1))})
		b.expect("eth0[2] out\n") // the transceiver reported down, and must take that back
		b.setMII("eth0", nic.MIIStatus{Up: true})
		time.Sleep(time.Second)
		b.expect("eth0[2] up\nlink.up eth0 by mii\n")
		b.probes("eth0")
		time.Sleep(time.Minute)
		if n := b.probes("eth0"); n != 0 {
			t.Errorf("polled %d times", n)
		}

		b.announce(ofLinks, link.LinkGone{Index: 2}, link.LinkSeen{Link: up(9, "eth0")}) // another NIC: the choice begins again
		if got := b.chosen(); got != byUnproven {
			t.Errorf("chosen for the successor\n%s", got)
		}
		time.Sleep(10 * time.Second)
		if n := b.probes("eth0"); n < 9 {
			t.Errorf("the successor was polled %d times", n)
		}
	}, withMII)
}

// TestPollerFindsADriverThatIsAlwaysUp requires a log line and no polling for a driver that always
// reports a carrier.
func TestPollerFindsADriverThatIsAlwaysUp(t *testing.T) {
	onBench(t, func(b *bench) {
		want := "eth0 by none: the host does not report it: it is taken as up, and a pulled cable stays unseen"
		if got := b.chosen(); !strings.Contains(got, want) || !strings.Contains(got, "eth1 by netlink") {
			t.Errorf("chosen\n%s", got)
		}
	}, func(_ *Config, k *fake) { k.alwaysUp = map[string]string{"eth0": "the host does not report it"} })
}

// TestPollerWithoutAnAnswer: an ioctl that fails is not a report.
func TestPollerWithoutAnAnswer(t *testing.T) {
	onBench(t, func(b *bench) {
		time.Sleep(2 * time.Second)
		b.published()
		b.mu.Lock()
		delete(b.fake.mii, "eth0")
		b.mu.Unlock()
		b.probes("eth0")
		time.Sleep(10 * time.Second)
		if n := b.probes("eth0"); n != 10 {
			t.Errorf("polled %d times", n)
		}
		b.expect("")
	}, withMII)
}

func TestPollerOfEthtool(t *testing.T) {
	onBench(t, func(b *bench) {
		b.took("eth0")
		time.Sleep(time.Second)
		if n := b.took("eth0"); n != 10 {
			t.Errorf("asked %d times in 1 s", n)
		}
		b.carry("eth0", false)
		time.Sleep(100 * time.Millisecond)
		if got := b.published(); !strings.HasSuffix(got, "link.down eth0 by ethtool\n") {
			t.Errorf("got\n%s", got)
		}
		b.carry("eth0", true)
		time.Sleep(200 * time.Millisecond)
		if got := b.published(); !strings.Contains(got, "link.up eth0 by ") {
			t.Errorf("got\n%s", got)
		}
	}, func(c *Config, _ *fake) {
		c.Links = map[string]link.Settings{"eth0": {Monitor: link.Ethtool, Poll: 100 * time.Millisecond, Confirm: 10 * time.Millisecond}}
	})
}

// TestPollerBlocksNobody requires that a transceiver that does not answer delays neither the
// notifications nor the confirmer.
func TestPollerBlocksNobody(t *testing.T) {
	onBench(t, func(b *bench) {
		b.mu.Lock()
		b.stuck = true
		b.mu.Unlock()
		time.Sleep(1500 * time.Millisecond) // the poller is in the ioctl now
		b.published()
		b.monitor.Engage([]string{"eth1"})
		time.Sleep(20 * time.Millisecond)
		b.carry("eth1", false)
		time.Sleep(10 * time.Millisecond)
		b.expect("eth1[3] out -1\nlink.down eth1 by confirm\n")
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", noCarrier)})
		b.expect("eth0[2] out -1\nlink.down eth0 by notification\n")
	}, withMII)
}

// TestVerifyAsksTheTransceiver requires that a takeover asks the transceiver too if it may be the
// only source: no group goes Active on a link whose loss was not announced.
func TestVerifyAsksTheTransceiver(t *testing.T) {
	onBench(t, func(b *bench) {
		time.Sleep(1500 * time.Millisecond)
		b.published()
		b.probes("eth0")
		b.setMII("eth0", nic.MIIStatus{})
		b.monitor.Verify(1, []string{"eth0", "eth1"})
		synctest.Wait()
		b.expect("eth0[2] out -1\nlink.down eth0 by mii\n")
		if r := b.answers.take(); !slices.Equal(r, []uint64{1}) {
			t.Errorf("answers %v", r)
		}
		if n := b.probes("eth0"); n != 1 || b.probes("eth1") != 0 {
			t.Errorf("asked %d times", n)
		}
	}, withMII)
}

// TestPollerTurnedOff: without a period nothing is polled.
func TestPollerTurnedOff(t *testing.T) {
	onBench(t, func(b *bench) {
		time.Sleep(time.Minute)
		if n := b.probes("eth0"); n != 0 {
			t.Errorf("polled %d times", n)
		}
	}, withMII, func(c *Config, _ *fake) { c.Default.Poll = 0 })
}

// TestSourceThatIsGone: a transceiver that reported down and is gone keeps the link down for at
// most 3 s if the kernel reports up, and for a minute if no other source can report. When it
// answers again it counts again.
func TestSourceThatIsGone(t *testing.T) {
	for _, c := range []struct {
		name  string
		alone bool
		lasts time.Duration
	}{{"the kernel says up", false, 3 * time.Second}, {"there is no other source", true, time.Minute}} {
		t.Run(c.name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				time.Sleep(2 * time.Second)
				b.setMII("eth0", nic.MIIStatus{})
				time.Sleep(2 * time.Second)
				if b.monitor.Links()[0].Usable {
					b.t.Fatal("the transceiver reported down, and the link is up")
				}
				b.mu.Lock()
				delete(b.fake.mii, "eth0")
				b.mu.Unlock()
				time.Sleep(c.lasts - time.Second)
				if b.monitor.Links()[0].Usable {
					t.Errorf("taken as up sooner than %v", c.lasts)
				}
				time.Sleep(3 * time.Second)
				if !b.monitor.Links()[0].Usable {
					t.Errorf("still down after %v", c.lasts+2*time.Second)
				}
				if got := b.chosen(); !strings.Contains(got, "does not answer any more") {
					t.Errorf("chosen\n%s", got)
				}
				b.setMII("eth0", nic.MIIStatus{}) // the transceiver is back, and reports down
				time.Sleep(2 * time.Second)
				if b.monitor.Links()[0].Usable {
					t.Error("the transceiver reports down again, and the link is up")
				}
				b.setMII("eth0", nic.MIIStatus{Up: true})
				time.Sleep(2 * time.Second)
				if !b.monitor.Links()[0].Usable {
					t.Error("the transceiver took it back, and the link is down")
				}
			}, withMII, func(_ *Config, k *fake) {
				if c.alone {
					delete(k.carriers, "eth0")
					k.links[0] = up(2, "eth0", unknown)
				}
			})
		})
	}
}
