package addr

import (
	"context"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
	"ripcord/pkg/lease"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/neigh"
	"ripcord/pkg/route"
	"ripcord/pkg/thread"
	"ripcord/pkg/vrrp"
)

// Kernel adds, removes and lists addresses. Only the worker's goroutine calls it.
type Kernel interface {
	// AddBatch adds addresses that do not stand yet, with the mark. An error
	// reports that not all did come to stand: List says which, and a BatchError
	// among its causes, why.
	AddBatch(ops []Op) error
	// Mark gives addresses that stand the mark, and all else that AddBatch gives them.
	Mark(ops []Op) error
	// RemoveBatch removes addresses; of each Op only Index and Prefix count.
	RemoveBatch(ops []Op) error
	// List returns all addresses of all links.
	List() ([]Standing, error)
	// Up reports whether a link is administratively up; false if there is none.
	Up(index int) bool
	// PromoteSecondaries keeps the kernel from removing other addresses of a
	// subnet with the first one on a link, whose name is given where it is known.
	// It is called before each batch that has an IPv4 address of that link.
	PromoteSecondaries(index int, name string) error
	// RestoreSecondaries undoes what PromoteSecondaries changed, and returns the names
	// of the links that a run which crashed had left so. It is called when all is removed.
	RestoreSecondaries() (restored []string, err error)
}

// BatchError lists the addresses of a batch that the kernel did not take.
type BatchError []AddressError

// AddressError is the kernel's answer to one address.
type AddressError struct {
	event.AddressKey
	Err error
	// Refused reports that the kernel refuses the address for what it is, as one whose
	// scope differs from that of others in its subnet: to try again does not help.
	Refused bool
}

// Error writes each answer once: a hundred addresses may have the same.
func (b BatchError) Error() string {
	var texts []string
	for _, e := range b {
		if text := e.Err.Error(); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n")
}

// Unwrap returns the answers.
func (b BatchError) Unwrap() (all []error) {
	for _, e := range b {
		all = append(all, e.Err)
	}
	return all
}

// Routes adds and removes routes and rules. But for Watch only the worker's goroutine
// calls it.
type Routes interface {
	route.Kernel
	// Watch calls changed, from any goroutine, when another program may have removed or
	// replaced a route or rule with our mark, until ctx ends.
	Watch(ctx context.Context, changed func())
}

// Listener notices the stations on the links (neigh.Listener).
type Listener interface {
	// Listen calls seen for each station that is noticed, from any goroutine,
	// until ctx ends.
	Listen(ctx context.Context, seen func(neigh.Sighting))
}

// Firewall drops what comes for some addresses. But for Watch only the worker's goroutine
// calls it.
type Firewall interface {
	firewall.Kernel
	// Watch calls changed when another program may have changed what Drop made, from any
	// goroutine, until ctx ends.
	Watch(ctx context.Context, changed func())
}

// NoFirewall is for a machine without one, on which no instance needs it at the start.
type NoFirewall struct{}

// Drop fails unless there is nothing to drop.
func (NoFirewall) Drop(all []firewall.Destination) error {
	if len(all) > 0 {
		return firewall.ErrNone
	}
	return nil
}

// Stands reports that nothing has changed.
func (NoFirewall) Stands() (bool, error) { return true, nil }

// Watch waits for the end.
func (NoFirewall) Watch(ctx context.Context, _ func()) { <-ctx.Done() }

// Config is what a Worker needs. All of it is required.
type Config struct {
	Sets      []Set
	Lease     *lease.Lease
	Links     *bus.Retained[string, event.Link]
	Addresses *bus.Topic[event.Address]
	Heard     *bus.Topic[vrrp.Heard]
	Results   *bus.Topic[vrrp.Result]
	Events    *bus.Topic[event.Event]
	Setting   func(key string) (string, error) // reads a setting of the kernel, below net; nil: none can be read
	Warnings  *event.Warnings
	Minter    *event.Minter
	Kernel    Kernel
	Routes    Routes
	Firewall  Firewall
	Devices   macvlan.Kernel
	Sender    neigh.Sender
	Listener  Listener
	Now       func() time.Time
	Threads   thread.Raiser // has the worker's thread run before others
	// Waiter puts the worker to sleep, and Placing the goroutine that adds many addresses for it.
	// In the kernel each is woken by whom it waits for; through a channel by another thread of
	// Go's, which comes tens of ms late where the processors are busy.
	Waiter, Placing Waiter
}
