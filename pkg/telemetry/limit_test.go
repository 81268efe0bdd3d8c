package telemetry

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
)

// repeats returns events that others can cause as often as they like.
func repeats(i int) []event.Event {
	v := event.Virtual{Name: "inside", Interface: "eth0", VRID: 51, Family: event.IPv4}
	source := netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
	s := event.Stamp{At: time.Now()}
	return []event.Event{
		event.AdvertRival{Stamp: s, Virtual: v, Source: source, Priority: 100},
		event.AdvertMismatch{Stamp: s, Instance: "inside", Source: source, What: "interval", Theirs: "1s", Ours: "2s"},
		event.RouteMoved{Stamp: s, Kind: event.RouteRestored, Instance: "inside", Routes: []string{"default"}},
		event.InstanceFault{Stamp: s, Virtual: v, Reason: event.MACConflict, Err: source.String()},
	}
}

// TestLogIsLimited requires that of six thousand equal events a few are written with their counts,
// and that other events are written at once.
func TestLogIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var topic bus.Topic[event.Event]
		var out bytes.Buffer
		stop := running(t, &topic, &out)
		const times = 6000
		for i := range times {
			topic.Publish(repeats(i)...)
			time.Sleep(10 * time.Millisecond)
		}
		topic.Publish(event.InstanceTransition{Stamp: event.Stamp{At: time.Now()}, From: event.Active, To: event.Fault, Reason: event.InterfaceDown})
		synctest.Wait()
		if !strings.HasSuffix(strings.TrimSpace(out.String()), `"priority":0}`) || !strings.Contains(out.String(), "interface-down") {
			t.Error("a transition is not written at once")
		}
		stop()
		lines, counts := map[string]int{}, map[string]int{}
		for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			line := struct {
				Event string
				Count int
			}{Count: 1}
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
			lines[line.Event]++
			counts[line.Event] += line.Count
		}
		for _, e := range repeats(0) {
			if n := lines[e.Name()]; n == 0 || n > 40 {
				t.Errorf("%d lines of %s, want at most 40", n, e.Name())
			}
			if n := counts[e.Name()]; n != times {
				t.Errorf("the lines of %s represent %d events, want %d", e.Name(), n, times)
			}
		}
	})
}
