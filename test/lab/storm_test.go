package lab

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// TestLinkStorm sends thousands of link messages within a second or two, of foreign links and of
// ripcord's own, whose cables are pulled and plugged: the daemon knows the true state within 100 ms
// of the end of the storm, and on a busy machine, which first has to read the messages, within a
// second. No other test runs at the same time, since it would make the machine busy.
func TestLinkStorm(t *testing.T) {
	const others, rounds = 20, 50
	s := newSiteOf(t, nil, lan.Port{Host: "a", Name: "eth0", Segment: "other"})
	nics := make([]*nic, 5)
	for i := range nics {
		nics[i] = &nic{number: i}
		s.batch("a", nics[i].make()...)
	}
	var made []string
	for i := range others {
		made = append(made, fmt.Sprintf("link add o%d type veth peer name q%d", i, i), fmt.Sprintf("link set o%d up", i))
	}
	s.batch("a", made...)
	d := s.startYAML("a", nicsYAML(s.socket("a"), nics))
	d.wait(time.Time{}, 5*time.Second, "daemon.ready", is("daemon.ready"))
	d.becomes("backup", time.Time{}, 5*time.Second)

	rng := rand.New(rand.NewPCG(3, 4))
	var storm []string
	for round := range rounds {
		for i := range others { // a message for each end
			storm = append(storm, fmt.Sprintf("link set q%d %s", i, []string{"up", "down"}[round%2]), fmt.Sprintf("link set o%d mtu %d", i, 1400+round%2))
		}
		n := nics[rng.IntN(len(nics))]
		n.pulled = !n.pulled
		storm = append(storm, fmt.Sprintf("link set p%d %s", n.number, map[bool]string{true: "down", false: "up"}[n.pulled]))
	}
	measured(t, func(m *machine) (wrong string) {
		began := time.Now()
		s.batch("a", storm...)
		over := time.Now()
		diff := s.untrue(d, nics)
		for ; diff != "" && time.Since(over) < patience; diff = s.untrue(d, nics) {
			time.Sleep(time.Millisecond)
		}
		took := time.Since(over)
		t.Logf("a storm of %d changes within %v; the truth is known %v later", len(storm), over.Sub(began), took)
		if diff != "" {
			t.Fatalf("%v after the storm: %s", took, diff)
		}
		limit := 100 * time.Millisecond
		if m.busy(3 * time.Millisecond) {
			limit = slack
		}
		if took > limit {
			wrong = fmt.Sprintf("the truth is known %v after the storm, want %v at most", took, limit)
		}
		return wrong
	})
}
