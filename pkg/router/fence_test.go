package router_test

import (
	"testing"
	"testing/synctest"
	"time"

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
