package addr

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	bufferSize  = 64 << 10
	receiveSize = 1 << 20
)

// netlinkKernel is the kernel behind one rtnetlink request socket.
type netlinkKernel struct {
	conn      *netlink.Conn
	solicited *solicited
	marked    bool // the kernel keeps IFA_PROTO
	protos    bool // some address was listed with an IFA_PROTO
}

// LinuxKernel is the Kernel of the network namespace it was opened in.
type LinuxKernel interface {
	Kernel
	Close() error
}

// OpenKernel opens an rtnetlink socket. Where the kernel does not keep the mark
// (before Linux 5.18), the file at record says which addresses are ours.
func OpenKernel(record string) (LinuxKernel, error) {
	k, err := openNetlink()
	if err != nil {
		return nil, err
	}
	if k.marked, err = k.probe(); err != nil {
		k.Close()
		return nil, fmt.Errorf("finding out whether the kernel marks addresses: %w", err)
	}
	if k.solicited, err = openSolicited(); err != nil {
		k.Close()
		return nil, fmt.Errorf("opening the socket that joins solicited-node groups: %w", err)
	}
	if k.marked {
		return k, nil
	}
	r, err := openRecord(k, record)
	if err != nil {
		k.Close()
		return nil, err
	}
	return r, nil
}

func openNetlink() (*netlinkKernel, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{MessageBufferSize: bufferSize})
	if err != nil {
		return nil, fmt.Errorf("opening the rtnetlink socket: %w", err)
	}
	// For better words only. Without CapAcknowledge: the library cannot read the
	// two together.
	_ = conn.SetOption(netlink.ExtendedAcknowledge, true)
	_ = conn.SetReadBuffer(receiveSize) // batchMax errors fit the default too
	return &netlinkKernel{conn: conn, marked: true}, nil
}

// Close closes the sockets.
func (k *netlinkKernel) Close() error { return errors.Join(k.conn.Close(), k.solicited.close()) }

// AddBatch adds with one system call for each batchMax addresses, then joins the
// groups in which they are asked for.
func (k *netlinkKernel) AddBatch(ops []Op) error {
	k.solicited.leave(ops)
	err := k.batches(ops, func(op Op) (netlink.Message, error) { return newAddress(op, k.marked) })
	k.solicited.join(ops)
	return err
}

// RemoveBatch removes with one system call for each batchMax addresses, then
// leaves the groups.
func (k *netlinkKernel) RemoveBatch(ops []Op) error {
	err := k.batches(ops, delAddress)
	k.solicited.leave(ops)
	return err
}

// List dumps all addresses.
func (k *netlinkKernel) List() ([]Standing, error) {
	const attempts = 4
	for range attempts {
		all, whole, err := k.dump()
		if err != nil {
			return nil, fmt.Errorf("listing addresses: %w", err)
		}
		if whole {
			return all, nil
		}
	}
	return nil, fmt.Errorf("listing addresses: they changed during each of %d dumps", attempts)
}

// dump is not whole if addresses changed meanwhile (NLM_F_DUMP_INTR).
func (k *netlinkKernel) dump() (all []Standing, whole bool, err error) {
	if err := k.deadline(); err != nil {
		return nil, false, err
	}
	answers, err := k.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETADDR, Flags: netlink.Request | netlink.Dump},
		Data:   make([]byte, ifAddrMsgLen),
	})
	if err != nil {
		return nil, false, err
	}
	for _, a := range answers {
		if a.Header.Flags&netlink.DumpInterrupted != 0 {
			return nil, false, nil
		}
		s, proto, err := parseAddress(a.Data)
		if err != nil {
			return nil, false, err
		}
		k.protos = k.protos || proto != 0
		all = append(all, s)
	}
	return all, true, nil
}

// Up asks for the link's IFF_UP.
func (k *netlinkKernel) Up(index int) bool {
	data := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(data[4:], uint32(index))
	if k.deadline() != nil {
		return false
	}
	answers, err := k.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request}, Data: data,
	})
	if err != nil || len(answers) == 0 || len(answers[0].Data) < unix.SizeofIfInfomsg {
		return false
	}
	return binary.NativeEndian.Uint32(answers[0].Data[8:])&unix.IFF_UP != 0
}

// probe finds out whether IFA_PROTO is kept: the kernel marks the loopback
// addresses it adds itself; where there are none, one is added for a moment.
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
