package send

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// nowhere accepts every message.
type nowhere struct{ sent int }

func (n *nowhere) Send(batch []advert.Message) { n.sent += len(batch) }
func (n *nowhere) Open(string, *advert.Frames) {}
func (n *nowhere) WaitUntil(time.Time)         {}
func (n *nowhere) Wake()                       {}

// recorder counts the recorded calls.
type recorder struct{ sent, silent int }

func (r *recorder) Sent(string, uint8, time.Time) { r.sent++ }
func (r *recorder) Silent(string)                 { r.silent++ }

// TestEngineAllocatesNothing checks that in steady state a turn of the engine with a hundred
// instances allocates nothing.
func TestEngineAllocatesNothing(t *testing.T) {
	var out nowhere
	var record recorder
	late := 0
	counters := stats.Map{}
	now := adverttest.T0
	e := New(Config{
		Stats: counters, Lease: lease.New(now.Add(time.Hour)), Sender: &out, Waiter: &out,
		Late: func(time.Duration) { late++ }, Record: &record, Now: func() time.Time { return now },
		Results: &bus.Topic[vrrp.Result]{}, Events: &bus.Topic[event.Event]{}, Minter: event.NewMinter(0),
	})
	const interval = 100 * time.Millisecond
	for i := range 100 {
		now = adverttest.T0.Add(time.Duration(i) * interval / 100)
		name := fmt.Sprint("i", i)
		counters[name] = &stats.Counters{}
		e.Do(advert.Order{
			Kind: advert.Start, Instance: name, Interval: interval, Miss: 3,
			Advert: advert.Frames{
				Index: 7, Source: netip.MustParseAddr("192.0.2.1"),
				Copies: []advert.Copy{{Advert: []byte(name), Resign: []byte("resign " + name)}},
			},
		})
		e.turn()
	}
	out.sent, late, record = 0, 0, recorder{}
	allocs := testing.AllocsPerRun(1000, func() {
		now, _ = e.plan.Next(now)
		e.turn()
	})
	if allocs != 0 || out.sent < 1000 || late != out.sent || record != (recorder{sent: out.sent}) {
		t.Errorf("%v allocations a turn, %d adverts, %d latenesses, recorded %+v", allocs, out.sent, late, record)
	}
}
