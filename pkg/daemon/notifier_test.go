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
	"ripcord/pkg/vrrp"
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

// silentPrograms are programs whose files a server has that does not answer.
type silentPrograms struct{ ownPrograms }

func (silentPrograms) Check(ctx context.Context, _ command.Request) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestNotifierEnds requires that a notifier which was given new commands by reloads leaves nothing
// running when it has ended, though the files of the programs cannot be looked at.
func TestNotifierEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events bus.Topic[event.Event]
		ring := bus.SubscribeRing(&events, bus.NewBell(), 8)
		groups := func() []*vrrp.GroupStatus { return nil }
		n := newNotifier(silentPrograms{}, notifySettings{}, "", nil, &events, groups)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- n.run(ctx) }()
		for range 3 {
			n.update(notifySettings{user: &command.User{Name: "nobody", UID: 65534, GID: 65534}, names: map[string]bool{"inside": true}, all: &notify.Commands{Any: &notify.Command{Argv: []string{"/nfs/notify"}}}})
			synctest.Wait()
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		synctest.Wait() // a goroutine that is left ends the test with an error
		if logged, _ := ring.Take(); len(logged) > 0 {
			t.Errorf("logged %v: the end of the daemon is no fault of a command", logged)
		}
	})
}
