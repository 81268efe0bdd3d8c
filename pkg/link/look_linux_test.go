package link

import (
	"testing"
	"time"

	"ripcord/pkg/event"
)

func TestKernelLook(t *testing.T) {
	inNetns(t)
	tap := newTap(t, "tap6")
	for _, up := range []bool{true, false, true} {
		tap.carrier(t, map[bool]int32{true: 1, false: 0}[up])
		nics, err := Look([]string{"tap6"}, time.Now())
		if err != nil || len(nics) != 1 {
			t.Fatalf("%+v, %v", nics, err)
		}
		n := nics[0]
		if n.Carrier != up || n.GLINK.Up == nil || *n.GLINK.Up != up || n.Driver != "tun" || n.MII.Error != notSupported || n.MII.Up != nil {
			t.Errorf("carrier %v: %+v", up, n)
		}
	}
	tap.carrier(t, 0)
	if nics, err := Look([]string{"tap6"}, time.Now()); err != nil || nics[0].Extended.Error != "" || nics[0].Extended.State != "" {
		t.Errorf("asked for the extended state, which a tap has not: %+v, %v", nics, err)
	}
	if _, err := Look([]string{"nosuch"}, time.Now()); err == nil {
		t.Error("found what is not there")
	}
	ip(t, "link set lo up")
	if nics, err := Look(nil, time.Now()); err != nil || nics[0].Name == "lo" {
		t.Errorf("all: %+v, %v", nics, err)
	}
}

// What QEMU 7.2 offers, and the same with status=off.
func TestVirtioFeatures(t *testing.T) {
	for features, want := range map[string]bool{
		"1110011110001111111110111100110110000000000000000000000000000000\n": true,
		"1110011110001111011110111100110110000000000000000000000000000000\n": false,
		"": true, "0000000000000000": true, // what is not there denies nothing
	} {
		if got := tellsStatus([]byte(features)); got != want {
			t.Errorf("%q: %v", features, got)
		}
	}
}

// The poller alone: deaf to the kernel, and no instance on the link.
func TestKernelPollEthtool(t *testing.T) {
	inNetns(t)
	tap := newTap(t, "tap7")
	l := watchAs(t, deaf{newKernel()}, Settings{Monitor: Ethtool, Poll: polling}, "tap7")
	l.until("tap7 is usable", l.usable("tap7"))
	l.until("it is polled", func() bool { return l.known["tap7"].Monitor == string(Ethtool) })
	said := func() bool {
		l.monitor.mu.Lock()
		defer l.monitor.mu.Unlock()
		w := l.monitor.table.byName["tap7"].word(event.Ethtool)
		return w != nil && !w.down
	}
	for begun := time.Now(); !said(); time.Sleep(polling / 20) { // nothing is published that could be waited for
		if time.Since(begun) > 5*time.Second {
			t.Fatal("the poller has not said up")
		}
	}
	var took []time.Duration
	for range 3 {
		pulled := time.Now()
		tap.carrier(t, 0)
		l.until("tap7 is down", l.down("tap7"))
		if s := l.known["tap7"].LastSource; s != event.Ethtool {
			t.Errorf("told by %s", s)
		}
		took = append(took, time.Since(pulled))
		tap.carrier(t, 1)
		l.until("tap7 is usable", l.usable("tap7"))
	}
	if median(took) > 10*polling {
		t.Errorf("the poller took %v", took)
	}
}

// The time that may pass between two questions of the poller.
const polling = 20 * time.Millisecond
