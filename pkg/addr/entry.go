package addr

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

const (
	// retryEvery is how often what the kernel refused is tried again.
	retryEvery = 250 * time.Millisecond
	// inPlaceWithin is how long an address, a route or a rule may be missing before
	// that is reported; againWithin, where it was missing the last time too.
	inPlaceWithin = time.Second
	againWithin   = 100 * time.Millisecond
	// refusedEvery is how often an address is tried again that the kernel refuses for what it
	// is: the same answer is to be expected until somebody changes something.
	refusedEvery = 10 * time.Second
)

// Op is one address on one link, to add or to remove.
type Op struct {
	Index int // ifindex
	Address
	// Behind keeps the route to its subnet behind those of other links: it is on
	// a device, and hosts are reached through the link below.
	Behind bool
}

// key is what the kernel knows the address by.
func (op Op) key() event.AddressKey {
	return event.AddressKey{Index: op.Index, Prefix: op.Prefix}
}

// Standing is one address that the kernel has on a link.
type Standing struct {
	Index  int
	Prefix netip.Prefix
	Marked bool // ours
}

// spot is where an address stands, whatever its prefix length.
type spot struct {
	index int
	addr  netip.Addr
}

// presence is how a wanted address stands.
type presence uint8

const (
	absent presence = iota
	ours
	foreign // stands there without the mark
)

// entry is one address of a held instance.
type entry struct {
	Address
	at     presence // as it was last reported
	placed bool     // has been in place since it was ordered
	later  bool     // it was configured while the instance was held
	// inherited is set until it is found to stand as the daemon before has left it: nobody
	// has added it now, and nothing is to be announced.
	inherited bool
	ahead     bool        // the next announcement has been sent already
	since     time.Time   // ordered, or found missing
	cause     event.Cause // of the last loss
	retry     time.Time   // not to be tried before
	waiting   bool        // lost with its link, until that is up again
	failed    string      // the failure last reported
	refused   bool        // the kernel did not take it for what it is (AddressError.Refused)
	missing   bool        // for longer than it may be
	back      limited     // how often it was put back
	// remarked is how often it was given its mark back.
	remarked limited
}

// holding is an instance that is held.
type holding struct {
	set     *Set
	cause   event.Cause
	entries []*entry
	within  time.Duration // what is not in place by then is missing
}

// position is where an entry is.
type position struct {
	*holding
	n int // of its entries
}
