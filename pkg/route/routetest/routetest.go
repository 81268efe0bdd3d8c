// Package routetest simulates the kernel's routing tables for tests of code that holds routes.
package routetest

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"ripcord/pkg/route"
)

// Kernel is a routing table in memory. Its fields belong to the caller of With during the call.
type Kernel struct {
	Standing map[string]bool // by the text of an entry; value: ours
	Refuse   error           // the error of all additions
	Stuck    error           // the error of all removals
	Batches  []string
	Removed  []string // in order
	Known    []route.Entry

	mu      sync.Mutex
	changed func()
}

// New returns an empty table, of which List can list the known entries.
func New(known ...route.Entry) *Kernel {
	return &Kernel{Standing: make(map[string]bool), Known: known}
}

// Add implements route.Kernel.
func (k *Kernel) Add(ops []route.Op) (errs []error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Batches = append(k.Batches, fmt.Sprintf("+%d", len(ops)))
	for _, op := range ops {
		_, stands := k.Standing[op.String()]
		switch {
		case stands:
			errs = append(errs, fmt.Errorf("adding: %w", fs.ErrExist))
		case k.Refuse != nil:
			errs = append(errs, k.Refuse)
		default:
			k.Standing[op.String()] = true
			errs = append(errs, nil)
		}
	}
	return errs
}

// Replace implements route.Kernel.
func (k *Kernel) Replace(ops []route.Op) (errs []error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Batches = append(k.Batches, fmt.Sprintf("=%d", len(ops)))
	for _, op := range ops {
		k.Standing[op.String()] = true
		errs = append(errs, nil)
	}
	return errs
}

// Remove implements route.Kernel.
func (k *Kernel) Remove(ops []route.Op) (errs []error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Batches = append(k.Batches, fmt.Sprintf("-%d", len(ops)))
	for _, op := range ops {
		switch {
		case k.Stuck != nil:
			errs = append(errs, k.Stuck)
		case k.Standing[op.String()]:
			delete(k.Standing, op.String())
			k.Removed = append(k.Removed, op.String())
			errs = append(errs, nil)
		default:
			errs = append(errs, fs.ErrNotExist)
		}
	}
	return errs
}

// List lists what of Known is ours.
func (k *Kernel) List() (all []route.Op, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.Known {
		if k.Standing[e.String()] {
			all = append(all, route.Op{Entry: e})
		}
	}
	return all, nil
}

// Watch stores changed for Notify until ctx ends.
func (k *Kernel) Watch(ctx context.Context, changed func()) {
	k.With(func() { k.changed = changed })
	<-ctx.Done()
}

// Notify reports to the watch that another program changed something.
func (k *Kernel) Notify() {
	k.mu.Lock()
	changed := k.changed
	k.mu.Unlock()
	changed()
}

// Lose removes an entry as another program would.
func (k *Kernel) Lose(e route.Entry) {
	k.With(func() { delete(k.Standing, e.String()) })
	k.Notify()
}

// With changes the table while no other goroutine does.
func (k *Kernel) With(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}
