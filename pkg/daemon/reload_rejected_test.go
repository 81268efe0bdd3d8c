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
		p := &parts{programs: c.programs}
		p.config.Store(&config.Config{File: "x.yaml"})
		ring := bus.SubscribeRing(&p.events, bus.NewBell(), 8)
		_, err := p.reload(t.Context(), Options{Config: next, Load: c.load}, false)
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

// TestReloadSaysPartFailure requires a log line if a part does not apply the new configuration:
// here the state of its link is not known in time.
func TestReloadSaysPartFailure(t *testing.T) {
	next := &config.Config{File: "x.yaml", Groups: []vrrp.Group{{Members: []vrrp.Instance{{Virtual: event.Virtual{Name: "out", Interface: "eth9"}}}}}}
	p := &parts{programs: ownPrograms{}, stats: stats.NewRegistry(nil, time.Now()), links: bus.NewRetained[string, event.Link]()}
	p.log = telemetry.NewLog(&p.events, telemetry.NewLogger(io.Discard, event.Error))
	p.checks = track.New(p.programs, nil, p.reportCheck)
	p.notifier = newNotifier(p.programs, notifySettings{}, "", nil, &p.events, nil)
	p.monitor = monitor.New(monitor.Config{Minter: event.NewMinter(1), Facts: bus.NewRetained[string, event.Link](), Addresses: &p.addresses, Events: &p.events})
	p.config.Store(&config.Config{File: "x.yaml"})
	ring := bus.SubscribeRing(&p.events, bus.NewBell(), 8)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.reload(ctx, Options{Config: next, Load: func(context.Context) (*config.Config, error) { return next, nil }}, false)
	events, _ := ring.Take()
	if err == nil || len(events) != 1 {
		t.Fatalf("error %v, events %v", err, events)
	}
	want := "x.yaml was applied only in part, restart ripcord: links: context canceled"
	if e, ok := events[0].(event.ConfigRejected); !ok || e.Message() != want || err.Error() != want {
		t.Errorf("logged %v, want %q", events[0], want)
	}
}
