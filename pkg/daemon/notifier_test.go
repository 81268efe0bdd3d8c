package daemon

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"ripcord/pkg/bus"
	"ripcord/pkg/command"
	"ripcord/pkg/event"
	"ripcord/pkg/notify"
	"ripcord/pkg/runner"
)

// waitingPrograms are programs that do not end, or that wait for a lost runner.
type waitingPrograms struct {
	ownPrograms
	ready bool
}

func (waitingPrograms) Run(ctx context.Context, _ command.Request, done func(command.Result)) {
	<-ctx.Done()
	done(command.Result{Exit: -1, Err: command.Lost("gone")})
}

func (w waitingPrograms) Status() runner.Status { return runner.Status{Ready: w.ready} }

// TestUnfinishedUnrun requires that commands which wait for a lost runner when ripcord ends are
// logged as unrun, others as killed.
func TestUnfinishedUnrun(t *testing.T) {
	for ready, want := range map[bool]string{true: "they are killed", false: "they were not started"} {
		synctest.Test(t, func(t *testing.T) {
			var events bus.Topic[event.Event]
			ring := bus.SubscribeRing(&events, bus.NewBell(), 8)
			n := newNotifier(waitingPrograms{ready: ready}, notifySettings{}, "", nil, &events, nil)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _ = n.runner.Run(ctx) }()
			n.runner.Notify(notify.Transition{Kind: notify.Instance, Name: "a", To: event.Active},
				notify.Commands{Any: &notify.Command{Argv: []string{"/bin/true"}}})
			synctest.Wait()
			n.finish()
			cancel()
			got, _ := ring.Take()
			if len(got) == 0 {
				t.Fatal("nothing is logged")
			}
			if e, ok := got[0].(event.NotifyUnfinished); !ok || !strings.Contains(e.Message(), want) {
				t.Errorf("ready %t: %+v, want %q", ready, got[0], want)
			}
		})
	}
}
