package daemon

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/link/monitor"
	"ripcord/pkg/notify"
	"ripcord/pkg/router"
	"ripcord/pkg/stats"
	"ripcord/pkg/telemetry"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// brokenPrograms is a runner that reads another configuration than the daemon.
type brokenPrograms struct{ ownPrograms }

func (brokenPrograms) Reload(context.Context, string) error {
	return errors.New("the configuration was changed meanwhile")
}

// TestReloadSaysEachFailure requires a log line for each reload that is not applied completely,
// wherever it fails: after SIGHUP the error appears nowhere else.
func TestReloadSaysEachFailure(t *testing.T) {
	next := &config.Config{File: "x.yaml"}
	for name, c := range map[string]struct {
		load     func(context.Context) (*config.Config, error)
		programs programs
		want     string
	}{
		"no file":  {nil, ownPrograms{}, "x.yaml was not applied, the previous configuration stays in force: this daemon was given"},
		"file":     {func(context.Context) (*config.Config, error) { return nil, errors.New("no such key") }, ownPrograms{}, "the previous configuration stays in force: no such key"},
		"programs": {func(context.Context) (*config.Config, error) { return next, nil }, brokenPrograms{}, "the previous configuration stays in force: its programs cannot be run: the configuration was changed"},
	} {
		p := &parts{programs: c.programs, router: withoutGroups()}
		p.config.Store(&config.Config{File: "x.yaml"})
		ring := bus.SubscribeRing(&p.events, bus.NewBell(), 8)
		_, err := p.reload(t.Context(), Options{Config: next, Load: c.load}, reloadOrder{client: t.Context()})
		events, _ := ring.Take()
		if err == nil || len(events) != 1 {
			t.Errorf("%s: error %v, events %v", name, err, events)
			continue
		}
		e, ok := events[0].(event.ConfigRejected)
		if !ok || e.Level() != event.Error || e.Message() != err.Error() || !strings.Contains(e.Message(), c.want) {
			t.Errorf("%s: logged %v, want %q", name, events[0], c.want)
		}
	}
}

// withoutGroups returns a router that has no groups and does not run.
func withoutGroups() *router.Router {
	return router.New(router.Config{
		Links: bus.NewRetained[string, event.Link](), Heard: new(bus.Topic[vrrp.Heard]), Results: new(bus.Topic[vrrp.Result]),
		Minter: event.NewMinter(1), Now: time.Now,
	})
}

// reloadable returns parts that can be reloaded up to the first step that needs a link: here its
// state is never known.
func reloadable() *parts {
	p := &parts{
		programs: ownPrograms{}, router: withoutGroups(), stats: stats.NewRegistry(nil, time.Now()), links: bus.NewRetained[string, event.Link](),
		reloadOrders: make(chan reloadOrder),
	}
	p.log = telemetry.NewLog(&p.events, telemetry.NewLogger(io.Discard, event.Error))
	p.checks = track.New(p.programs, nil, p.reportCheck)
	p.notifier = notify.NewNotifier(notify.Config{Programs: p.programs, Events: &p.events})
	p.monitor = monitor.New(monitor.Config{Minter: event.NewMinter(1), Facts: bus.NewRetained[string, event.Link](), Addresses: &p.addresses, Events: &p.events})
	p.config.Store(&config.Config{File: "x.yaml"})
	return p
}

// withOut is the configuration of an instance "out" on a link that is never known.
func withOut() *config.Config {
	return &config.Config{File: "x.yaml", Groups: []vrrp.Group{{Members: []vrrp.Instance{{Virtual: event.Virtual{Name: "out", Interface: "eth9"}}}}}}
}

// TestReloadSaysPartFailure requires a log line if a part does not apply the new configuration:
// here the state of its link is not known in time. The configuration in force is then still the
// previous one, so that the next reload finds the same differences.
func TestReloadSaysPartFailure(t *testing.T) {
	next, p := withOut(), reloadable()
	before := p.config.Load()
	ring := bus.SubscribeRing(&p.events, bus.NewBell(), 8)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStops)
	for range 2 {
		_, err := p.reload(ctx, Options{Config: next, Load: func(context.Context) (*config.Config, error) { return next, nil }}, reloadOrder{client: t.Context()})
		events, _ := ring.Take()
		if err == nil || len(events) != 1 {
			t.Fatalf("error %v, events %v", err, events)
		}
		want := "x.yaml was applied only in part, run `ripcord reload` again, which applies it to all parts: links: ripcord stops"
		if e, ok := events[0].(event.ConfigRejected); !ok || e.Message() != want || err.Error() != want {
			t.Errorf("logged %v, want %q", events[0], want)
		}
		if p.config.Load() != before {
			t.Error("a configuration that not all parts have is in force")
		}
	}
}

// TestReloadClientLeaves requires that a reload whose client leaves changes nothing while the file
// is read, and is completed after that.
func TestReloadClientLeaves(t *testing.T) {
	next, p := withOut(), reloadable()
	ring := bus.SubscribeRing(&p.events, bus.NewBell(), 8)
	client, leave := context.WithCancel(t.Context())
	read := false // the file is read although the client leaves
	load := func(ctx context.Context) (*config.Config, error) {
		leave()
		if read {
			return next, nil
		}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() { ended <- p.reloads(ctx, Options{Config: next, Load: load}) }()
	reload := func() {
		if _, err := (orders{parts: p}).Reload(client, false); err == nil || !strings.HasSuffix(err.Error(), errClientLeft.Error()) {
			t.Errorf("the answer after the client has left: %v", err)
		}
	}
	logged := func(want string) {
		t.Helper()
		var events []event.Event
		for range 1000 {
			if events, _ = ring.Take(); len(events) > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if len(events) != 1 || events[0].(event.ConfigRejected).Message() != want {
			t.Fatalf("logged %v, want %q", events, want)
		}
	}
	reload()
	logged("x.yaml was not applied, the previous configuration stays in force: the client that requested the reload has left")

	client, leave = context.WithCancel(t.Context())
	defer leave()
	read = true
	reload()
	time.Sleep(50 * time.Millisecond) // it waits for the link, whatever the client does
	stop(errStops)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	logged("x.yaml was applied only in part, run `ripcord reload` again, which applies it to all parts: links: ripcord stops")
}
