package monitor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

var (
	inNetns = netns.Need
	ip      = netns.IP
)

// live is a running monitor, with what it publishes.
type live struct {
	t         *testing.T
	monitor   *Monitor
	bell      bus.Bell
	facts     *bus.Merged[string, event.Link]
	addresses *bus.Merged[event.AddressKey, event.Address]
	answers   *answers
	events    *bus.Ring[event.Event]
	logged    []event.Event
	known     map[string]event.Link
	lost      map[string]int // the Downs of all facts
	there     map[event.AddressKey]event.Address
}

func watch(t *testing.T, k kernel, watched ...string) *live {
	t.Helper()
	return watchAs(t, k, link.Settings{Monitor: link.Auto, Confirm: 10 * time.Millisecond}, watched...)
}

func watchAs(t *testing.T, k kernel, s link.Settings, watched ...string) *live {
	t.Helper()
	cfg := Config{
		Default: s, Watched: watched,
		Facts: bus.NewRetained[string, event.Link](), Addresses: &bus.Topic[event.Address]{},
		Events: &bus.Topic[event.Event]{}, Minter: event.NewMinter(0),
	}
	bell, answers := bus.NewBell(), &answers{}
	cfg.Answer = func(ticket uint64) {
		answers.add(ticket)
		bell.Ring()
	}
	l := &live{t: t, monitor: newMonitor(cfg, k), bell: bell, facts: cfg.Facts.Subscribe(bell),
		addresses: bus.SubscribeMerged(cfg.Addresses, bell),
		answers:   answers, events: bus.SubscribeRing(cfg.Events, bell, 1000),
		known: make(map[string]event.Link), lost: make(map[string]int), there: make(map[event.AddressKey]event.Address)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.monitor.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	select {
	case <-l.monitor.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	return l
}

// take reads the published facts and events.
func (l *live) take() {
	for _, f := range l.facts.Take() {
		l.known[f.Name] = f
		l.lost[f.Name] += f.Downs
	}
	for _, a := range l.addresses.Take() {
		l.there[a.Key()] = a
	}
	events, _ := l.events.Take()
	l.logged = append(l.logged, events...)
}

// until waits until the condition holds for the published facts and events.
func (l *live) until(what string, condition func() bool) {
	l.t.Helper()
	limit := time.After(5 * time.Second)
	for l.take(); !condition(); l.take() {
		select {
		case <-l.bell:
		case <-limit:
			l.t.Fatalf("not within 5 s: %s; known %+v\nlog %v", what, l.known, l.log())
		}
	}
}

func (l *live) usable(name string) func() bool { return func() bool { return l.known[name].Usable } }

func (l *live) down(name string) func() bool {
	return func() bool { f := l.known[name]; return f.Index != 0 && !f.Usable }
}

// log returns the log as lines.
func (l *live) log() []string {
	var lines []string
	for _, e := range l.logged {
		if e, ok := e.(event.LinkChanged); ok {
			lines = append(lines, fmt.Sprintf("%s %s %s", e.Kind, e.Link.Name, e.Source))
		}
	}
	return lines
}

// losses returns the lines of the log about a loss.
func (l *live) losses() []string {
	return slices.DeleteFunc(l.log(), func(line string) bool { return strings.HasPrefix(line, "link.up") })
}

// tap is a device of the plain-NIC class whose carrier the test sets.
type tap struct{ *netns.Tap }

func newTap(t *testing.T, name string) tap {
	t.Helper()
	d, err := netns.NewTap(name)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	ip(t, "link set "+name+" up")
	return tap{d}
}

func (d tap) carrier(t *testing.T, up int32) {
	t.Helper()
	if err := d.SetCarrier(up != 0); err != nil {
		t.Fatal(err)
	}
}
