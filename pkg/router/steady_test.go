package router

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/vrrp"
)

// idle stands for all executors, which have nothing to do in steady state, and
// for the alarm, which does not ring.
type (
	idle      struct{ set int }
	engine    struct{}
	addresses struct{}
	verifier  struct{}
)

func (*idle) C() <-chan struct{}             { return nil }
func (*idle) Run(context.Context) error      { return nil }
func (a *idle) Set(time.Time)                { a.set++ }
func (engine) Do(...advert.Order)            {}
func (addresses) Do(...addr.Order)           {}
func (addresses) Ask(...string)              {}
func (addresses) Executed() uint64           { return 1 << 62 }
func (verifier) Verify(uint64)               {}
func (verifier) Summarize(...vrrp.Summarize) {}

type confirmer struct{}

func (confirmer) Verify(uint64, []string) {}
func (confirmer) Engage([]string)         {}

// steady returns a router that has been Backup of some groups for a while. hear delivers one
// advert of each of their Actives, and makes the loop take one turn.
func steady(groups int) (r *Router, hear func(), alarm *idle) {
	now := time.Now()
	alarm = &idle{}
	cfg := Config{
		Links: bus.NewRetained[string, event.Link](), Heard: new(bus.Topic[vrrp.Heard]),
		Results: new(bus.Topic[vrrp.Result]), Events: new(bus.Topic[event.Event]),
		Engine: engine{}, Addresses: addresses{}, Receiver: verifier{}, Confirmer: confirmer{},
		Lease: lease.New(now), Minter: event.NewMinter(0), Alarm: alarm, Now: func() time.Time { return now },
	}
	adverts := make([]vrrp.Heard, groups)
	for i := range adverts {
		name := fmt.Sprint(i)
		cfg.Groups = append(cfg.Groups, vrrp.Group{Members: []vrrp.Instance{{
			Virtual:  event.Virtual{Name: name, Interface: "eth0", VRID: uint8(i), Family: event.IPv4},
			Priority: 100, Interval: 100 * time.Millisecond, Miss: 3, Preempt: true,
		}}})
		adverts[i] = vrrp.Heard{
			Instance: name, Source: netip.MustParseAddr("192.0.2.12"), Priority: 150, Interval: 100 * time.Millisecond,
		}
	}
	cfg.Links.Publish(event.Link{Name: "eth0", Index: 2, Usable: true, Primary4: netip.MustParseAddr("192.0.2.11")})
	r = New(cfg)
	r.wake = now
	r.absorbLinks()
	r.all(vrrp.Start{})
	hear = func() {
		now = now.Add(100 * time.Millisecond / time.Duration(groups))
		for _, h := range adverts {
			h.Cause = cfg.Minter.Cause(now)
			cfg.Heard.Publish(h)
		}
		r.turn()
	}
	for range 100 {
		hear()
	}
	return r, hear, alarm
}

// TestTurnAllocatesNothing checks that a Backup that hears only the usual adverts allocates
// nothing, keeps its snapshots, and does not set the alarm again until it rings.
func TestTurnAllocatesNothing(t *testing.T) {
	r, hear, alarm := steady(20)
	shown, set := r.Groups()[0], alarm.set
	if n := testing.AllocsPerRun(100, hear); n != 0 {
		t.Errorf("a turn of 20 adverts allocates %v times", n)
	}
	if r.Groups()[0] != shown || shown.State != event.Backup {
		t.Errorf("the status was replaced, or is not that of a Backup: %+v", shown)
	}
	if n := alarm.set - set; n == 0 || n > 5 {
		t.Errorf("in half a second the alarm was set %d times, want 2 or a few more", n)
	}
}

func BenchmarkTurn(b *testing.B) {
	_, hear, _ := steady(20)
	b.ReportAllocs()
	for b.Loop() {
		hear()
	}
}
