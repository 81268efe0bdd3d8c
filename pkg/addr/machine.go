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
	// AddBatch adds addresses that do not exist yet, with the mark. An error says that not all were
	// added: List shows which, and a BatchError among its causes says why.
	AddBatch(ops []Op) error
	// Mark gives existing addresses the mark, and all other attributes that AddBatch sets.
	Mark(ops []Op) error
	// RemoveBatch removes addresses; of each Op only Index and Prefix count.
	RemoveBatch(ops []Op) error
	// List returns all addresses of all links.
	List() ([]Standing, error)
	// Up reports whether a link is administratively up; false if there is none.
	Up(index int) bool
	// PromoteSecondaries keeps the kernel from removing other addresses of a subnet with the first
	// one on a link; name is given if it is known. It is called before each batch with an IPv4
	// address of that link.
	PromoteSecondaries(index int, name string) error
	// RestoreSecondaries undoes the changes of PromoteSecondaries, and returns the names of the
	// links whose setting a crashed run had left changed. It is called when everything is removed.
	RestoreSecondaries() (restored []string, err error)
}

// BatchError lists the addresses of a batch that the kernel did not add.
type BatchError []AddressError

// AddressError is the kernel's answer for one address.
type AddressError struct {
	event.AddressKey
	Err error
	// Refused says that the kernel refuses the address for what it is, for example because its
	// scope differs from that of others in its subnet: another attempt does not help.
	Refused bool
}

// Error lists each answer once: a hundred addresses may have the same.
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

// Routes adds and removes routes and rules. Except for Watch, only the worker's goroutine calls it.
type Routes interface {
	route.Kernel
	// Watch calls changed, from any goroutine, when another program may have removed or
	// replaced a route or rule with our mark, until ctx ends.
	Watch(ctx context.Context, changed func())
}

// Listener observes the stations on the links (neigh.Listener).
type Listener interface {
	// Listen calls seen for each sighting of a station, from any goroutine, until ctx ends.
	Listen(ctx context.Context, seen func(neigh.Sighting))
}

// Firewall drops packets for some addresses. Except for Watch, only the worker's goroutine calls
// it.
type Firewall interface {
	firewall.Kernel
	// Watch calls changed, from any goroutine, when another program may have changed what Drop
	// made, until ctx ends.
	Watch(ctx context.Context, changed func())
}

// NoFirewall is the Firewall of a machine without nftables, on which no instance needs it at the
// start.
type NoFirewall struct{}

// Drop returns an error unless there is nothing to drop.
func (NoFirewall) Drop(all []firewall.Destination) error {
	if len(all) > 0 {
		return firewall.ErrNone
	}
	return nil
}

// Stands reports that nothing has changed.
func (NoFirewall) Stands() (bool, error) { return true, nil }

// Watch waits until ctx ends.
func (NoFirewall) Watch(ctx context.Context, _ func()) { <-ctx.Done() }

// Waiter puts a goroutine to sleep and wakes it. The goroutine is locked to a thread.
type Waiter interface {
	// WaitUntil returns soon after Wake, at once if Wake was called since the last WaitUntil, and
	// at t unless that is zero. It may return for no reason.
	WaitUntil(t time.Time)
	// Wake may be called from any goroutine, and never blocks.
	Wake()
}

// Config is the configuration of a Worker. All of it is required.
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
	Questions *event.Questions // records the questions to the kernel that fail; nil: nowhere
	Minter    *event.Minter
	Kernel    Kernel
	Routes    Routes
	Firewall  Firewall
	Devices   macvlan.Kernel
	Sender    neigh.Sender
	Listener  Listener
	Now       func() time.Time
	Threads   thread.Raiser // raises the scheduling priority of the worker's thread
	// Waiter puts the worker to sleep, in the kernel, where it is woken by the goroutine for which it
	// waits; through a channel, it would be woken by another of Go's threads, which comes tens of ms
	// late if the processors are busy.
	Waiter Waiter
}
