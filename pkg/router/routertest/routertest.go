// Package routertest has the parts around a router.Router for tests and simulations: an Alarm
// that uses a Go timer, so that it works in virtual time, executors that record their orders, and
// verifiers that answer.
//
// All methods may be called from any goroutine, except Alarm.Set, which only the loop calls.
package routertest

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert"
	"ripcord/pkg/bus"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// Alarm is a router.Alarm that uses a Go timer.
type Alarm struct {
	c     chan struct{}
	timer *time.Timer
}

var _ router.Alarm = (*Alarm)(nil)

// NewAlarm returns an alarm that is not set.
func NewAlarm() *Alarm { return &Alarm{c: make(chan struct{}, 1)} }

// Set is part of router.Alarm.
func (a *Alarm) Set(at time.Time) {
	if a.timer != nil {
		a.timer.Stop()
	}
	a.timer = time.AfterFunc(time.Until(at), bus.Bell(a.c).Ring)
}

// C is part of router.Alarm.
func (a *Alarm) C() <-chan struct{} { return a.c }

// Run is part of router.Alarm.
func (a *Alarm) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Journal keeps recorded lines, in order.
type Journal struct {
	mu    sync.Mutex
	lines []string
}

// Note appends a line.
func (j *Journal) Note(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// Take returns the lines recorded since the last Take.
func (j *Journal) Take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// Engine records "start inside", "arm inside" for a start at a later instant, "resign inside" and
// so on.
type Engine struct{ *Journal }

var _ router.Engine = Engine{}

// Do is part of router.Engine.
func (e Engine) Do(orders ...advert.Order) {
	for _, o := range orders {
		what := [...]string{"start", "now", "hold back", "resign", "mute", "disarm", "probe"}[o.Kind]
		if !o.When.IsZero() {
			what = "arm"
		}
		e.Note(what + " " + o.Instance)
	}
}

// Addresses records "hold inside outside", "ask eth0" and so on.
type Addresses struct{ *Journal }

var _ router.Addresses = Addresses{}

// Do is part of router.Addresses.
func (a Addresses) Do(orders ...addr.Order) {
	for _, o := range orders {
		a.Note([...]string{"hold", "release", "reannounce", "configure"}[o.Kind] + " " + strings.Join(o.Instances, " "))
	}
}

// Ask is part of router.Addresses.
func (a Addresses) Ask(links ...string) { a.Note("ask " + strings.Join(links, " ")) }

// Executed is part of router.Addresses. All orders count as carried out at once.
func (a Addresses) Executed() uint64 { return math.MaxUint64 }

// Blocking wraps an executor of addresses. The loop calls Executed in each turn: there a test can
// block the loop.
type Blocking struct {
	router.Addresses
	Block func()
}

// Executed is part of router.Addresses.
func (b Blocking) Executed() uint64 {
	b.Block()
	return b.Addresses.Executed()
}

// Receiver answers each ticket at once, or not at all.
type Receiver struct {
	Results *bus.Topic[vrrp.Result]
	Silent  bool // set it before the router runs
}

var _ router.Receiver = Receiver{}

// Verify is part of router.Receiver.
func (r Receiver) Verify(ticket uint64) {
	if !r.Silent {
		r.Results.Publish(vrrp.Answered{Ticket: ticket, By: vrrp.Receiver})
	}
}

// Summarize is part of router.Receiver.
func (Receiver) Summarize(...vrrp.Summarize) {}

// Confirmer answers each ticket at once, or not at all, and records "verify 1: eth0 eth1" and
// "engage eth0".
type Confirmer struct {
	*Journal
	Results *bus.Topic[vrrp.Result]
	Silent  bool // set it before the router runs
	// Look, if not nil, is called with the links before a ticket is answered, and may publish
	// their states.
	Look func(links []string)
}

var _ router.Confirmer = Confirmer{}

// Verify is part of router.Confirmer.
func (c Confirmer) Verify(ticket uint64, links []string) {
	c.Note(fmt.Sprintf("verify %d: %s", ticket, strings.Join(links, " ")))
	if c.Look != nil {
		c.Look(links)
	}
	if !c.Silent {
		c.Results.Publish(vrrp.Answered{Ticket: ticket, By: vrrp.Confirmer})
	}
}

// Engage is part of router.Confirmer.
func (c Confirmer) Engage(links []string) {
	c.Note(strings.TrimSpace("engage " + strings.Join(links, " ")))
}
