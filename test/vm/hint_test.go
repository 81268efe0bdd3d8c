package vm

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// hinted are NICs whose drivers answer from the kernel's carrier flag, so that each loss comes with
// a hint. e1000 answers from its registers, and the kernel learns of a loss up to 2 s later.
var (
	hinted = []nic{
		{device: "virtio-net-pci", modules: []string{"virtio_pci", "virtio_net"}},
		{device: "rtl8139", modules: []string{"8139cp"}},
		{device: "vmxnet3", modules: []string{"vmxnet3"}},
	}
	late = nic{device: "e1000", modules: []string{"e1000"}}
)

// hintPulls is how often each cable is pulled. The cable of the NIC whose kernel learns of a loss
// seconds late is pulled twice, the second time after lateRounds, when the kernel has learnt that
// the first loss is over.
const hintPulls, lateRounds = 15, 4

// TestHint checks that the kernel's hints shorten the detection of a loss to a fraction, compared
// with the same NIC without them, and that a NIC whose losses the kernel learns late is polled as
// often as without. Another program in the guest prints when the kernel lost the carrier.
func TestHint(t *testing.T) {
	p := need(t)
	t.Parallel()
	var nics []nic
	for _, n := range hinted {
		without := n
		without.name, without.links = n.device+",hint=off", "hint: off"
		nics = append(nics, n, without)
	}
	nics = append(nics, late)
	var lans []*lanSwitch
	for range nics {
		lans = append(lans, newSwitch(t))
	}
	g := boot(t, p, host{nics: nics, number: 11, priority: 150, links: alone, first: "carrier &\nNO_COLOR=1 ripcord link\n"}, lans...)
	g.wait(time.Time{}, bootTime, "event carrier.ready", func(l line) bool { return l.Event == "carrier.ready" })
	for place := range nics {
		g.cable(place).reaches(time.Time{}, 10*time.Second, "active")
	}
	g.mu.Lock()
	said := strings.Join(g.text, "\n")
	g.mu.Unlock()
	if used, unproven := strings.Count(said, "hint       used: "), strings.Count(said, "hint       unproven: "); used != len(nics)-1 || unproven != 1 {
		t.Errorf("ripcord link: the hints of %d links are used, of %d unproven; want %d and 1", used, unproven, len(nics)-1)
	}
	took, plugged := make([][]time.Duration, len(nics)), make([]time.Time, len(nics))
	for n := range hintPulls {
		for place := range nics {
			if nics[place].device == late.device && n != 0 && n != lateRounds {
				continue
			}
			c := g.cable(place)
			if n > 0 {
				c.await(plugged[place], 10*time.Second, "link.up")
			}
			took[place] = append(took[place], c.noticed())
			plugged[place] = c.plug()
		}
	}
	var all [2][]time.Duration
	for place := range hinted {
		with, without := 2*place, 2*place+1
		fast, slow := median(took[with]), median(took[without])
		t.Logf("%v: carrier off in the kernel to link.down: median %v, with hint: off %v", nics[with], fast, slow)
		if fast > slow/2 {
			t.Errorf("%v: a loss takes %v with hints, and %v without", nics[with], took[with], took[without])
		}
		all[0], all[1] = append(all[0], took[with]...), append(all[1], took[without]...)
		g.cable(with).asked("every 1s while", "from which the driver answers")
		g.cable(without).asked("every 10ms while", "")
	}
	// A fifth on a quiet machine: an emulated processor that others delay takes longer for a hint,
	// and no longer to wait for the next question.
	t.Logf("the median of all is %v with hints, and %v without", median(all[0]), median(all[1]))
	g.cable(len(nics)-1).asked("every 10ms while", "did not before asking showed a loss")
	if said := g.said("link.hints"); len(said) != 1 || !strings.Contains(said[0].Msg, "fentry") {
		t.Errorf("link.hints says %v, want one line that names fentry", said)
	}
}

// noticed pulls the cable and returns the time from the kernel's loss of the carrier to link.down.
// It is negative if the driver is asked before the kernel knows.
func (c cable) noticed() time.Duration {
	c.t.Helper()
	time.Sleep(100 * time.Millisecond) // the guest needs time to write its lines
	pulled := c.pull()
	down := c.await(pulled, 5*time.Second, "link.down")
	lost := c.await(pulled, 5*time.Second, "carrier")
	return down.Time.Sub(lost.Time)
}

// asked compares the last logged way of asking the link with the wanted parts.
func (c cable) asked(want ...string) {
	c.t.Helper()
	list := c.monitors()
	for _, part := range want {
		if len(list) == 0 || !strings.Contains(list[len(list)-1].Why, part) {
			c.t.Errorf("%v: watched by %v, want %q in the last", c.nic, list, part)
			return
		}
	}
}

func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
