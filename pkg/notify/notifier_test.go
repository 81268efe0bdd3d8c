package notify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/command"
	"ripcord/pkg/event"
	"ripcord/pkg/runner"
	"ripcord/pkg/vrrp"
)

// localPrograms run the programs as children of the test.
type localPrograms struct{ command.Local }

func (localPrograms) MakeFIFO(context.Context) error { return nil }
func (localPrograms) Status() runner.Status          { return runner.Status{Ready: true} }

// waitingPrograms are programs that do not end, or that wait for a lost runner.
type waitingPrograms struct {
	localPrograms
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
			n := NewNotifier(Config{Programs: waitingPrograms{ready: ready}, Events: &events})
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _ = n.runner.Run(ctx) }()
			n.runner.Notify(Transition{Kind: Instance, Name: "a", To: event.Active},
				Commands{Any: &Command{Argv: []string{"/bin/true"}}})
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
type silentPrograms struct{ localPrograms }

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
		nobody := &command.User{Name: "nobody", UID: 65534, GID: 65534}
		n := NewNotifier(Config{Programs: silentPrograms{}, Events: &events, Groups: groups})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- n.Run(ctx) }()
		for range 3 {
			n.Update(Settings{
				Subjects: map[Subject]bool{{Name: "inside"}: true}, Every: &Commands{Any: &Command{Argv: []string{"/nfs/notify"}, User: nobody}},
			})
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

// recordingPrograms record which programs are run.
type recordingPrograms struct {
	localPrograms
	mu  *sync.Mutex
	ran *[]string
}

func (p recordingPrograms) Run(_ context.Context, r command.Request, done func(command.Result)) {
	p.mu.Lock()
	*p.ran = append(*p.ran, strings.Join(r.Argv, " "))
	p.mu.Unlock()
	done(command.Result{})
}

func (recordingPrograms) Check(_ context.Context, r command.Request) error {
	return errors.New(r.Argv[0] + " is refused")
}

// TestRemovedStop requires that an instance and a group which a reload removes run their stop
// commands, also if another reload comes first, and that these are then forgotten.
func TestRemovedStop(t *testing.T) {
	settings := func(names ...Subject) Settings {
		s := Settings{Commands: map[Subject]Commands{}, HasAddresses: map[string]bool{}, Subjects: map[Subject]bool{}}
		for _, of := range names {
			s.Commands[of] = Commands{Stop: &Command{Argv: []string{"/bin/stop", of.Name}, Timeout: time.Second}}
			s.Subjects[of] = true
		}
		return s
	}
	inside, edge, other := Subject{Instance, "inside"}, Subject{Group, "edge"}, Subject{Instance, "other"}
	synctest.Test(t, func(t *testing.T) {
		var events bus.Topic[event.Event]
		ring := bus.SubscribeRing(&events, bus.NewBell(), 64)
		programs := recordingPrograms{mu: new(sync.Mutex), ran: new([]string)}
		n := NewNotifier(Config{
			Programs: programs, Settings: settings(inside, edge, other), Events: &events,
			Groups: func() []*vrrp.GroupStatus { return nil },
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- n.Run(ctx) }()
		move := func(from, to event.State) {
			cause := event.Cause{Trace: 1, At: time.Now()}
			stamp := event.Stamp{Cause: cause, At: time.Now()}
			events.Publish(event.InstanceTransition{Stamp: stamp, Virtual: event.Virtual{Name: "inside", Group: "edge"}, From: from, To: to})
			events.Publish(event.GroupTransition{Stamp: stamp, Group: "edge", From: from, To: to})
			synctest.Wait()
		}
		move(event.Initialize, event.Backup)
		_, _ = ring.Take()
		for range 2 {
			n.Update(settings(other))
			synctest.Wait()
		}
		move(event.Backup, event.Initialize)
		time.Sleep(settleWithin)
		synctest.Wait()
		slices.Sort(*programs.ran) // commands of different names run at the same time
		if got := strings.Join(*programs.ran, ", "); got != "/bin/stop edge, /bin/stop inside" {
			t.Errorf("run: %q", got)
		}
		if len(n.settings.leaving) > 0 {
			t.Errorf("kept after the stop: %v", n.settings.leaving)
		}
		n.Update(settings())
		synctest.Wait()
		n.Update(settings())
		synctest.Wait()
		logged, _ := ring.Take()
		refused := 0
		for _, e := range logged {
			if _, is := e.(event.NotifyRefused); is {
				refused++
			}
		}
		if refused != 2 { // of each reload with a command, which is that of other
			t.Errorf("logged %d refused commands: %v", refused, logged)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
