package route

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
)

// Kernel adds, removes and lists routes and rules.
type Kernel interface {
	// Add adds routes and rules with the mark, and returns the answer to each: nil, fs.ErrExist if
	// the like exists, or why the kernel refused.
	Add(ops []Op) []error
	// Replace replaces existing routes by those with the mark.
	Replace(ops []Op) []error
	// Remove removes routes and rules with the mark, and no others; fs.ErrNotExist if there was
	// none.
	Remove(ops []Op) []error
	// List returns all routes and rules with the mark.
	List() ([]Op, error)
}

// Config is the configuration of a Holder. All of it but Questions is required.
type Config struct {
	// Entries are the routes and rules of each instance, in the order in which they are added.
	Entries map[string][]Entry
	// Ready reports whether the addresses of an instance are in place.
	Ready  func(instance string) bool
	Kernel Kernel
	Events *bus.Topic[event.Event]
	Minter *event.Minter
	Now    func() time.Time
	// Questions records the questions to the kernel that fail; nil: nowhere.
	Questions *event.Questions
}

// Holder holds the routes and rules of instances.
type Holder struct {
	cfg    Config
	ledger *ledger
}

// NewHolder returns a Holder that holds nothing.
func NewHolder(cfg Config) *Holder {
	return &Holder{cfg: cfg, ledger: newLedger(cfg.Entries, cfg.Ready)}
}

// TakeOver schedules the removal of what a crashed run left.
func (h *Holder) TakeOver() error {
	found, err := h.cfg.Kernel.List()
	if err != nil {
		return fmt.Errorf("listing our routes and rules at the start: %w", err)
	}
	now := h.cfg.Now()
	h.ledger.leftovers(now, h.cfg.Minter.Cause(now), found)
	return nil
}

// Hold begins to hold the routes and rules of an instance, as ordered at the instant at.
func (h *Holder) Hold(at time.Time, cause event.Cause, instance string) {
	h.ledger.hold(at, cause, instance)
}

// Adopt is Hold for routes and rules that a daemon that died, or handed over, has left in place.
func (h *Holder) Adopt(at time.Time, cause event.Cause, instance string) {
	h.ledger.adopt(at, cause, instance)
}

// Release ceases to hold them.
func (h *Holder) Release(at time.Time, cause event.Cause, instance string) {
	h.ledger.release(at, cause, instance)
}

// Configure replaces the routes and rules of all instances. Held entries that are among them stay
// as they are; the other held ones are released; new entries of an instance that holds some are
// added. An instance that had none needs another Hold.
func (h *Holder) Configure(at time.Time, cause event.Cause, entries map[string][]Entry) {
	h.ledger.configure(at, cause, entries)
}

// SeeLink records a fact about a link.
func (h *Holder) SeeLink(fact event.Link) { h.ledger.link(fact) }

// Link returns the last fact about the interface of a route; zero if no route has it.
func (h *Holder) Link(name string) event.Link { return h.ledger.links[name] }

// Doubt schedules a question to the kernel about all held entries: it may have removed some with an
// address.
func (h *Holder) Doubt() { h.ledger.doubt() }

// Changed is Doubt after another program may have removed or replaced some.
func (h *Holder) Changed() {
	h.ledger.replaced = true
	h.ledger.doubt()
}

// Deadline returns when Remove or Add has something to do if nothing happens.
func (h *Holder) Deadline() (time.Time, bool) { return h.ledger.deadline() }

// RetryRemoval makes the next Remove retry what the kernel refused to remove.
func (h *Holder) RetryRemoval() { h.ledger.removal = time.Time{} }

// Left lists the released entries that were not removed yet.
func (h *Holder) Left() (left []string) {
	for _, leaving := range h.ledger.leaving {
		for _, t := range leaving.all {
			left = append(left, t.String())
		}
	}
	return left
}

// Missing is a held route or rule that is not in place.
type Missing struct {
	Entry
	Reason string // empty: unknown
	// Refused reports that the kernel answered with an error, or that the interface never existed
	// since the order.
	Refused bool
}

// Missing returns the routes and rules that a held instance has lacked for at least within. settled
// is false while more may turn out to be missing.
func (h *Holder) Missing(now time.Time, instance string, within time.Duration) (all []Missing, settled bool) {
	settled = true
	for t := range h.ledger.each {
		if t.holding.instance != instance || t.at != absent {
			continue
		}
		if now.Sub(t.since) < within {
			settled = false
			continue
		}
		all = append(all, Missing{t.Entry, t.failed, t.refused})
	}
	return all, settled
}

// Add adds what is due, which also shows which of the doubtful entries still exist.
func (h *Holder) Add() {
	try, r := h.ledger.adds(h.cfg.Now())
	h.publish(r)
	if len(try) == 0 {
		return
	}
	errs := h.cfg.Kernel.Add(opsOf(try))
	h.restoreReplaced(try, errs)
	now := h.cfg.Now()
	h.publish(h.ledger.tried(now, h.cfg.Minter.Cause(now), try, errs))
}

// restoreReplaced restores routes of ours that another program has replaced, and sets their answers
// in errs to the result.
func (h *Holder) restoreReplaced(try []*tracked, errs []error) {
	suspects := h.ledger.suspects(try, errs)
	h.ledger.replaced = false
	if len(suspects) == 0 {
		return
	}
	marked, err := h.cfg.Kernel.List()
	h.cfg.Questions.Asked(event.AskOwnRoutes, err, h.cfg.Now())
	if err != nil {
		h.ledger.replaced = true // the next audit looks for them again
		return
	}
	suspects = slices.DeleteFunc(suspects, func(t *tracked) bool { return standsAmong(t.Entry, marked) })
	if len(suspects) == 0 {
		return
	}
	for i, err := range h.cfg.Kernel.Replace(opsOf(suspects)) {
		errs[slices.Index(try, suspects[i])] = err
	}
}

// Remove removes what was released or left behind.
func (h *Holder) Remove() {
	gone := h.ledger.removes(h.cfg.Now())
	if len(gone) == 0 {
		return
	}
	errs := h.cfg.Kernel.Remove(opsOf(gone))
	h.publish(h.ledger.removed(h.cfg.Now(), gone, errs))
}

func opsOf(all []*tracked) []Op {
	ops := make([]Op, len(all))
	for i, t := range all {
		ops[i] = t.Op
	}
	return ops
}

func (h *Holder) publish(r report) {
	for _, e := range r {
		h.cfg.Events.Publish(e)
	}
}
