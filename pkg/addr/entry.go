package addr

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
)

const (
	// retryEvery is how often a request that the kernel refused is repeated.
	retryEvery = 250 * time.Millisecond
	// inPlaceWithin is how long an address, a route or a rule may be missing before that is
	// reported; againWithin is the same if it was missing the last time, too.
	inPlaceWithin = time.Second
	againWithin   = 100 * time.Millisecond
	// refusedEvery is how often an address is tried again that the kernel refuses for what it is:
	// the same answer is expected until the configuration of the machine changes.
	refusedEvery = 10 * time.Second
)

// Op is one address on one link, to add or to remove.
type Op struct {
	Index int // ifindex
	Address
	// Behind gives the route to the subnet a worse metric than those of other links: the address is
	// on a device, and hosts are reached through the link below.
	Behind bool
}

// key returns the key by which the kernel knows the address.
func (op Op) key() event.AddressKey {
	return event.AddressKey{Index: op.Index, Prefix: op.Prefix}
}

// Standing is an address that the kernel has on a link.
type Standing struct {
	Index  int
	Prefix netip.Prefix
	Marked bool // ours
}

// spot is an address on a link, whatever its prefix length.
type spot struct {
	index int
	addr  netip.Addr
}

// presence is the state of a wanted address in the kernel.
type presence uint8

const (
	absent presence = iota
	ours
	foreign // in the kernel without the mark
)

// entry is one address of a held instance.
type entry struct {
	Address
	at      presence // as it was last reported
	placed  bool     // has been in place since it was ordered
	later   bool     // it was configured while the instance was held
	waiting bool     // lost with its link, until the link is up again
	refused bool     // the kernel refused it for what it is (AddressError.Refused)
	missing bool     // for longer than it may be
	// inherited is set until the address is found in the state in which the previous daemon left
	// it: then it is not reported as added, and not announced.
	inherited bool
	ahead     bool        // the next announcement has already been sent
	since     time.Time   // when it was ordered, or found missing
	cause     event.Cause // the cause of the last loss
	retry     time.Time   // the earliest time of the next attempt
	failed    string      // the failure last reported
	back      limited     // how often it was restored
	// remarked counts how often its mark was restored.
	remarked limited
}

// holding is an instance that is held.
type holding struct {
	set     *Set
	cause   event.Cause
	entries []*entry
	within  time.Duration // what is not in place by then is missing
}

// position is the index of an entry in a holding.
type position struct {
	*holding
	n int // of its entries
}
