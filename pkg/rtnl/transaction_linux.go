package rtnl

import (
	"errors"
	"fmt"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Transact sends requests to a subsystem of nfnetlink, such as NFNL_SUBSYS_NFTABLES, as one
// transaction: all of them take effect or none. It returns the refusals, each once.
//
// The kernel answers a transaction as a whole, at its first message, if it has no such subsystem
// (EOPNOTSUPP), the sender has no right (EPERM), or it could not be completed; otherwise it sends
// an error for each message at fault, and the answer to the last one.
func (c *Conn) Transact(subsystem uint8, requests []netlink.Message) error {
	if len(requests) == 0 {
		return nil
	}
	limit := func(kind netlink.HeaderType) netlink.Message {
		return netlink.Message{Header: netlink.Header{Type: kind}, Data: []byte{unix.AF_UNSPEC, 0, 0, subsystem}}
	}
	messages := slices.Concat([]netlink.Message{limit(unix.NFNL_MSG_BATCH_BEGIN)}, requests, []netlink.Message{limit(unix.NFNL_MSG_BATCH_END)})
	last := len(requests) // its index in messages
	for i := range messages {
		messages[i].Header.Flags |= netlink.Request
	}
	messages[last].Header.Flags |= netlink.Acknowledge
	if err := c.send(messages); err != nil {
		return err
	}
	var errs []error
	broken := c.receive(messages, func(i int, m netlink.Message) (done bool) {
		if m.Header.Type != netlink.Error {
			return false
		}
		if err := refusal(m); err != nil {
			errs = append(errs, fmt.Errorf("message %d of %d: %w", i, len(requests), err))
			return i == 0 || i == last
		}
		return i == last
	})
	return errors.Join(append(errs, broken)...)
}
