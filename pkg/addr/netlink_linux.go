package addr

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
	"ripcord/pkg/rtnl"
)

// netlinkKernel is the Kernel behind one rtnetlink request connection.
type netlinkKernel struct {
	conn      *rtnl.Conn
	solicited *neigh.SolicitedGroups
	marked    bool // the kernel keeps IFA_PROTO
	protos    bool // some address was listed with an IFA_PROTO
	// secondaries are the former values of promote_secondaries that were changed, by ifindex. They
	// are also in the file record, for a run after a crash.
	secondaries map[int]secondaries
	recorded    bool   // the record has a line of ours
	record      string // empty: there is no record
}

// LinuxKernel is the Kernel of the network namespace in which it was opened.
type LinuxKernel interface {
	Kernel
	Close() error
}

// OpenKernel opens an rtnetlink socket. State that must outlive a crash and that the kernel does
// not keep is in files whose names begin with record: changed settings of links, and our addresses
// before Linux 5.18, which keeps no mark.
func OpenKernel(record string) (LinuxKernel, error) {
	k, err := openNetlink(rtnl.Config{})
	if err != nil {
		return nil, err
	}
	if k.marked, err = k.probe(); err != nil {
		k.Close()
		return nil, fmt.Errorf("finding out whether the kernel marks addresses: %w", err)
	}
	if k.solicited, err = neigh.OpenSolicitedGroups(); err != nil {
		k.Close()
		return nil, err
	}
	k.record = record + ".promoted"
	k.readSecondaries()
	if k.marked {
		return k, nil
	}
	r, err := openRecord(k, record+".addresses")
	if err != nil {
		k.Close()
		return nil, err
	}
	return r, nil
}

// openNetlink opens a connection to rtnetlink.
func openNetlink(config rtnl.Config) (*netlinkKernel, error) {
	config.Protocol = unix.NETLINK_ROUTE
	conn, err := rtnl.Dial(config)
	if err != nil {
		return nil, fmt.Errorf("opening the rtnetlink socket: %w", err)
	}
	return &netlinkKernel{conn: conn, marked: true}, nil
}

// Close closes the sockets.
func (k *netlinkKernel) Close() error { return errors.Join(k.conn.Close(), k.solicited.Close()) }

// AddBatch adds all addresses in one batch, then joins the multicast groups on which neighbors ask
// for them.
func (k *netlinkKernel) AddBatch(ops []Op) error {
	k.solicited.Leave(keysOf(ops))
	err := batchError(ops, k.conn.Batch(addMessages(ops, k.marked, netlink.Excl)))
	k.solicited.Join(keysOf(ops))
	return err
}

// refusals are the answers for an address that the kernel refuses for what it is, or for the
// settings of its link, as opposed to a lack of something that may come by itself.
var refusals = []unix.Errno{unix.EINVAL, unix.EADDRNOTAVAIL, unix.EACCES, unix.EAFNOSUPPORT, unix.EOPNOTSUPP, unix.ERANGE}

// batchError returns the error for the kernel's answers to a batch; nil if it executed all of it.
func batchError(ops []Op, answers []error) error {
	var failed BatchError
	for i, err := range answers {
		if err != nil {
			refused := slices.ContainsFunc(refusals, func(errno unix.Errno) bool { return errors.Is(err, errno) })
			failed = append(failed, AddressError{ops[i].key(), err, refused})
		}
	}
	if failed == nil {
		return nil
	}
	return failed
}

// Mark replaces addresses by themselves; they stay on their links throughout.
func (k *netlinkKernel) Mark(ops []Op) error {
	return rtnl.Distinct(k.conn.Batch(addMessages(ops, k.marked, netlink.Replace)))
}

// RemoveBatch removes all addresses in one batch, then leaves the groups.
func (k *netlinkKernel) RemoveBatch(ops []Op) error {
	err := rtnl.Distinct(k.conn.Batch(removeMessages(ops)))
	k.solicited.Leave(keysOf(ops))
	return err
}

// keysOf yields the keys of ops.
func keysOf(ops []Op) iter.Seq[event.AddressKey] {
	return func(yield func(event.AddressKey) bool) {
		for _, op := range ops {
			if !yield(op.key()) {
				return
			}
		}
	}
}

// List dumps all addresses.
func (k *netlinkKernel) List() ([]Standing, error) {
	all, err := rtnl.Dump(k.conn, rtnl.ListAddresses(), func(m netlink.Message) (Standing, bool) {
		a, ok := rtnl.DecodeAddress(m)
		k.protos = k.protos || a.Protocol != 0
		return Standing{Index: a.Index, Prefix: a.Prefix, Marked: a.Protocol == rtnl.Mark}, ok
	})
	if err != nil {
		return nil, fmt.Errorf("listing addresses: %w", err)
	}
	return all, nil
}

// Up requests the link's IFF_UP.
func (k *netlinkKernel) Up(index int) bool {
	link, err := k.conn.LinkByIndex(index)
	return err == nil && link.Up()
}

// probe finds out whether the kernel keeps IFA_PROTO: such a kernel marks the loopback addresses
// that it adds itself. If there are none, probe adds one for a moment.
func (k *netlinkKernel) probe() (bool, error) {
	if _, err := k.List(); err != nil || k.protos {
		return k.protos, err
	}
	const loopback = 1
	op := []Op{{Index: loopback, Address: Address{Prefix: netip.MustParsePrefix("127.112.112.112/32"), Scope: unix.RT_SCOPE_HOST}}}
	if err := k.AddBatch(op); err != nil && !errors.Is(err, unix.EEXIST) {
		return false, err
	}
	_, err := k.List()
	return k.protos, errors.Join(err, k.RemoveBatch(op))
}
