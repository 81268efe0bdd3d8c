package router_test

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// fencer sends the fence commands that it receives to a channel.
type fencer chan vrrp.RunFence

func (f fencer) Fence(e vrrp.RunFence) { f <- e }

// TestFence checks that a fence runs once a station has answered, and that its result belongs to
// the group that ordered it.
func TestFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		groups := alone()
		groups[0].Fence = &vrrp.Fence{Argv: []string{"/usr/sbin/fence"}, Timeout: time.Second}
		b := newBench(t, groups)
		fences := make(fencer, 1)
		b.cfg.Fencer = fences
		b.run()
		settle(0)
		b.hear("alone", 200)
		settle(longest)
		b.moves()
		b.journal.Take()
		b.results.Publish(vrrp.Forwards{Cause: b.cfg.Minter.Cause(time.Now()), Interface: "eth0"})
		settle(0)
		select {
		case f := <-fences:
			if f.Group != "alone" || f.Active.String() != "192.0.2.12" || f.Fence != groups[0].Fence {
				t.Errorf("the fence is %+v", f)
			}
			b.results.Publish(vrrp.Fenced{Cause: b.cfg.Minter.Cause(time.Now()), Ticket: f.Ticket + 1})
			settle(time.Millisecond)
			b.want("after the result of another", b.moves(), nil)
			b.results.Publish(vrrp.Fenced{Cause: b.cfg.Minter.Cause(time.Now()), Ticket: f.Ticket})
		default:
			t.Fatal("the fence was not run")
		}
		settle(time.Millisecond)
		b.want("after its result", b.moves(), []string{"alone backup->active active-timeout"})
		b.stop()
	})
}

// activesRecord is a record of the Actives of one instance.
type activesRecord chan []vrrp.Advertiser

func (r activesRecord) Actives(_ string, list []vrrp.Advertiser) { r <- list }

// TestRecordOfActives checks that the Actives that the previous daemon had heard are fenced, and that
// the Actives are recorded at each change, after each reload, and once
// the record has room for them.
func TestRecordOfActives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		groups := alone()
		groups[0].Fence = &vrrp.Fence{Argv: []string{"/usr/sbin/fence"}, Timeout: time.Second}
		b := newBench(t, groups)
		fences, record := make(fencer, 1), make(activesRecord, 9)
		b.cfg.Fencer, b.cfg.Record = fences, record
		old := vrrp.Advertiser{Source: netip.MustParseAddr("192.0.2.12"), Priority: 200, Interval: interval}
		b.run(vrrp.Recalled{Instance: "alone", Actives: []vrrp.Advertiser{old}})
		want := func(what string, lists ...[]vrrp.Advertiser) {
			t.Helper()
			settle(0)
			for _, list := range lists {
				select {
				case got := <-record:
					if !slices.Equal(got, list) {
						t.Errorf("%s: %v is recorded, want %v", what, got, list)
					}
				default:
					t.Errorf("%s: nothing is recorded, want %v", what, list)
				}
			}
			if len(record) > 0 {
				t.Errorf("%s: more is recorded: %v", what, <-record)
			}
		}
		want("at the start", []vrrp.Advertiser{old})
		if err := b.router.Reconfigure(t.Context(), router.Reconfiguration{Groups: groups}); err != nil {
			t.Fatal(err)
		}
		want("after a reload", []vrrp.Advertiser{old})
		b.router.RecordActives()
		want("once there is room", []vrrp.Advertiser{old})
		settle(longest)
		b.results.Publish(vrrp.Forwards{Cause: b.cfg.Minter.Cause(time.Now()), Interface: "eth0"})
		settle(0)
		select {
		case f := <-fences:
			if f.Active != old.Source {
				t.Errorf("%v is fenced", f.Active)
			}
			b.results.Publish(vrrp.Fenced{Cause: b.cfg.Minter.Cause(time.Now()), Ticket: f.Ticket})
		default:
			t.Fatal("the Active of the previous daemon is not fenced")
		}
		settle(time.Millisecond)
		want("as Active", nil)
		b.stop()
	})
}
