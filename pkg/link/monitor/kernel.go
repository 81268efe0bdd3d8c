package monitor

import (
	"errors"
	"os"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/nic"
	"ripcord/pkg/wakeup"
)

// subject is the subject of a stream or a dump.
type subject int

const (
	ofLinks subject = iota
	ofAddresses
)

// list returns the question that lists the subject.
func (s subject) list() event.Question {
	if s == ofAddresses {
		return event.AskAddresses
	}
	return event.AskLinks
}

// notifications returns the question for the notifications of the subject.
func (s subject) notifications() event.Question {
	if s == ofAddresses {
		return event.AskAddressNotifications
	}
	return event.AskLinkNotifications
}

// kernel is the part of the operating system that Monitor uses.
type kernel interface {
	// open joins the subject's multicast groups.
	open(subject) (stream, error)
	// dump lists the subject; errInterrupted says that the subject changed meanwhile, so that the
	// list cannot be trusted.
	dump(subject) (link.Dump, error)
	// client returns a client that asks NICs, for one goroutine.
	client() client
	// sleeper returns the sleeper of the confirmer.
	sleeper() sleeper
}

// client asks NICs for their link; nic.Client defines the answers. Each question may take long.
type client interface {
	Carrier(nic.Device) (up, known, glink bool)
	// Questions returns the system calls that ask for the carrier; nil: a sleeper cannot ask.
	Questions([]nic.Device) []wakeup.Question
	Capabilities(nic.Device) nic.Capabilities
	MIIStatus(nic.Device) (nic.MIIStatus, error)
	Reason(nic.Device) (string, error)
	Close()
}

// stream is a socket that receives notifications.
type stream interface {
	// receive appends the observations in the next datagram, and returns the instant at which it
	// was read. It waits for a datagram until then, and then returns os.ErrDeadlineExceeded; with a
	// zero until it does not wait. errOverrun says that messages were lost. It ignores messages of
	// another sender or kind.
	receive(dst []link.Observation, until time.Time) ([]link.Observation, time.Time, error)
	// close makes receive return.
	close() error
}

var (
	errOverrun     = errors.New("netlink messages were lost")
	errInterrupted = errors.New("the list changed while it was dumped")
)

// timedOut reports whether receive gave up at its deadline.
func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
