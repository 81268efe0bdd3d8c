package router_test

import (
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// TestRouterAdoptsAndHandsOver checks that an adopted group advertises at once, with no order for
// its addresses and no transition, and that at a handover it receives no order to leave.
func TestRouterAdoptsAndHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, edge()[:1])
		now := time.Now()
		b.run(vrrp.Adopted{Group: "edge", Last: now.Add(-interval), Until: now.Add(interval), Since: now.Add(-time.Hour), Priority: 100})
		settle(0)
		b.want("orders at the start", b.journal.Take(), []string{"start inside", "start outside", "engage eth0 eth1"})
		b.want("transitions", b.moves(), nil)
		if s := b.router.Groups()[0]; s.State != event.Active || s.Members[1].State != event.Active {
			t.Errorf("the state in the snapshot is %v", s.State)
		} else if at := now.Add(-time.Hour); !s.Since.Equal(at) || !s.Members[1].Since.Equal(at) {
			t.Errorf("the snapshot has since %v and %v, want %v", s.Since, s.Members[1].Since, at)
		}
		if n := b.cfg.Stats.Of("inside").Get(stats.ActiveTransitions); n != 0 {
			t.Errorf("%d transitions to Active are counted", n)
		}
		settle(longest)
		b.want("orders later on", b.journal.Take(), nil)

		b.router.HandOver()
		b.stop()
		b.want("orders at the end", b.journal.Take(), nil)
		b.want("transitions", b.moves(), nil)
	})
}

// TestRouterAdoptsNoFault checks that a group with a fault is not adopted: its addresses are
// released.
func TestRouterAdoptsNoFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, edge()[:1])
		b.link("eth1", false)
		now := time.Now()
		b.run(vrrp.Adopted{Group: "edge", Last: now, Until: now.Add(interval), Priority: 100})
		settle(0)
		b.want("orders at the start", b.journal.Take(), []string{"release inside outside", "engage"})
		b.stop()
	})
}
