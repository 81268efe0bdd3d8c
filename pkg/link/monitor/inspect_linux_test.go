package monitor

import (
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/nic"
)

func TestKernelInspect(t *testing.T) {
	inNetns(t)
	tap := newTap(t, "tap6")
	for _, up := range []bool{true, false, true} {
		tap.carrier(t, map[bool]int32{true: 1, false: 0}[up])
		reports, err := Inspect([]string{"tap6"}, time.Now())
		if err != nil || len(reports) != 1 {
			t.Fatalf("%+v, %v", reports, err)
		}
		r := reports[0]
		monitor := map[bool]string{true: "ethtool", false: "netlink"}[r.OperState == "unknown"] // until the driver reports
		if r.Carrier != up || r.GLINK.Up == nil || *r.GLINK.Up != up || r.Driver != "tun" || r.MII.Error != "SIOCGMIIPHY: operation not supported" || r.Extended.Error != "" ||
			r.Monitor != monitor || !strings.HasPrefix(r.Why, "the driver reports ") {
			t.Errorf("carrier %v: %+v", up, r)
		}
	}
	ip(t, "link set tap6 down")
	if reports, err := Inspect([]string{"tap6"}, time.Now()); err != nil || !strings.HasPrefix(reports[0].Why, "it is administratively down") {
		t.Errorf("administratively down: %+v, %v", reports, err)
	}
	if _, err := Inspect([]string{"nosuch"}, time.Now()); err == nil {
		t.Error("no error for an interface that does not exist")
	}
	ip(t, "link set lo up")
	if reports, err := Inspect(nil, time.Now()); err != nil || reports[0].Name == "lo" {
		t.Errorf("all: %+v, %v", reports, err)
	}
}

// counting counts the answers of NICs about their carrier.
type counting struct {
	deaf
	answers *atomic.Int64
}

type countingClient struct {
	client
	answers *atomic.Int64
}

func (k counting) client() client { return countingClient{k.deaf.client(), k.answers} }

func (c countingClient) Carrier(d nic.Device) (up, known, glink bool) {
	defer c.answers.Add(1)
	return c.client.Carrier(d)
}

// TestKernelPollEthtool tests the poller alone: without the kernel's notifications, and without an
// instance on the link.
func TestKernelPollEthtool(t *testing.T) {
	inNetns(t)
	tap := newTap(t, "tap7")
	counted := counting{deaf{newKernel()}, new(atomic.Int64)}
	l := watchAs(t, counted, link.Settings{Monitor: link.Ethtool, Poll: polling}, "tap7")
	l.until("tap7 is usable", l.usable("tap7"))
	l.until("it is polled", func() bool { return l.known["tap7"].Monitor == string(link.Ethtool) })
	for begun := time.Now(); counted.answers.Load() < 3; time.Sleep(polling / 20) { // nothing is published for which to wait
		if time.Since(begun) > 5*time.Second {
			t.Fatal("the poller has not reported up")
		}
	}
	var took []time.Duration
	for range 3 {
		pulled := time.Now()
		tap.carrier(t, 0)
		l.until("tap7 is down", l.down("tap7"))
		if s := l.known["tap7"].LastSource; s != event.Ethtool {
			t.Errorf("reported by %s", s)
		}
		took = append(took, time.Since(pulled))
		tap.carrier(t, 1)
		l.until("tap7 is usable", l.usable("tap7"))
	}
	if median(took) > 10*polling {
		t.Errorf("the poller took %v", took)
	}
}

// polling is the period of the poller.
const polling = 20 * time.Millisecond

// TestKernelWatch requires that the confirmer's goroutine seldom wakes while all links have a
// carrier, and that it reports a loss about as soon as ever.
func TestKernelWatch(t *testing.T) {
	inNetns(t)
	taps := []tap{newTap(t, "tap8"), newTap(t, "tap9")}
	counted := counting{deaf{newKernel()}, new(atomic.Int64)}
	l := watchAs(t, counted, link.Settings{Monitor: link.Netlink, Confirm: 5 * time.Millisecond}, "tap8", "tap9")
	l.until("tap8 is usable", l.usable("tap8"))
	l.monitor.Engage([]string{"tap8"})
	time.Sleep(2 * time.Millisecond) // the second one would have another phase
	l.monitor.Engage([]string{"tap8", "tap9"})
	const rest, windows, most = 250 * time.Millisecond, 20, 20
	fewest := int64(math.MaxInt64)
	for range windows { // on a busy machine a round takes so long that the goroutine looks after it
		before := counted.answers.Load()
		time.Sleep(rest)
		if fewest = min(fewest, counted.answers.Load()-before); fewest <= most {
			break
		}
	}
	if fewest < 2 || fewest > most {
		t.Errorf("the goroutine asked at least %d times in %v, in which the links were asked 100 times", fewest, rest)
	}
	var took []time.Duration
	for range 5 {
		pulled := time.Now()
		taps[1].carrier(t, 0)
		l.until("tap9 is down", l.down("tap9"))
		if s := l.known["tap9"].LastSource; s != event.Confirm {
			t.Errorf("reported by %s", s)
		}
		took = append(took, time.Since(pulled))
		taps[1].carrier(t, 1)
		l.until("tap9 is usable", l.usable("tap9"))
		time.Sleep(50 * time.Millisecond)
	}
	if median(took) > 25*time.Millisecond {
		t.Errorf("the loss was reported after %v", took)
	}
}
