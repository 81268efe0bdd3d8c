package link

import (
	"errors"
	"os"
	"time"
)

// subject is what a stream or a dump is about.
type subject int

const (
	ofLinks subject = iota
	ofAddresses
)

// kernel is what Monitor needs of the operating system.
type kernel interface {
	// open joins the subject's multicast groups.
	open(subject) (stream, error)
	// dump lists the subject; errInterrupted says that it changed meanwhile and
	// the list cannot be trusted.
	dump(subject) (Dump, error)
	// asker returns one who asks, for the use of one goroutine.
	asker() asker
	// sleeper returns what the confirmer sleeps in.
	sleeper() sleeper
}

// asker asks the drivers of links. Each question may take long.
type asker interface {
	// carrier asks whether the link has a carrier, and says whether the driver
	// answered ETHTOOL_GLINK; known is false where it cannot be found out.
	carrier(Target) (up, known, glink bool)
	// blind says why the link's driver cannot know whether there is a carrier;
	// empty if nothing is known against it.
	blind(Target) string
	// present fails where the link has no transceiver that can be asked.
	present(Target) error
	// beat asks the transceiver; an error is no word.
	beat(Target) (Beat, error)
	// reason asks the driver why there is no carrier; empty if it does not say.
	reason(Target) (string, error)
	close()
}

// stream is a socket that hears notifications.
type stream interface {
	// receive appends what the next datagram says, and the instant at which it
	// was read. It waits until then for the first one, and gives
	// os.ErrDeadlineExceeded; with a zero until it does not wait at all.
	// errOverrun says that messages were lost. What a foreign sender or of a
	// foreign kind says leaves dst as it was.
	receive(dst []Observation, until time.Time) ([]Observation, time.Time, error)
	// close makes receive return.
	close() error
}

var (
	errOverrun     = errors.New("netlink messages were lost")
	errInterrupted = errors.New("the list changed while it was dumped")
)

// timedOut reports whether receive gave up at its deadline.
func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
