package rtnl

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// DefaultTimeout is how long the kernel may take for an answer after it has received the
	// request. It executes requests within the system calls that send and receive, so it waits
	// there for its RTNL lock as long as others hold it.
	DefaultTimeout = 3 * time.Second
	// maxBatch is the number of messages in one datagram: their errors, if all fail, must fit into
	// the receive buffer.
	maxBatch = 256
	// dumpAttempts limits how often a list is requested that changes each time.
	dumpAttempts = 4
)

var (
	// ErrUnknown matches the errors that leave open whether the kernel executed the request.
	ErrUnknown = errors.New("the kernel did not answer")
	// ErrInterrupted is the error of a list that changed during each attempt.
	ErrInterrupted = errors.New("the list changed while the kernel sent it")
)

// Config configures a Conn.
type Config struct {
	// Protocol is the netlink protocol, such as NETLINK_ROUTE.
	Protocol int
	// Strict makes the kernel filter its lists by the fields of the request
	// (NETLINK_GET_STRICT_CHK, Linux 4.20).
	Strict bool
	// Timeout is how long the kernel may take for an answer; 0: DefaultTimeout.
	Timeout time.Duration
	// Open, if set, opens the sockets instead of the kernel: for tests.
	Open func() (Transport, error)
}

// Conn sends requests and receives their answers. Only Port may be called by other goroutines than
// the one that sends requests.
type Conn struct {
	config   Config
	socket   Transport // nil: the next request opens one
	sequence uint32    // of the last request, over all sockets
	port     atomic.Uint32
}

// Dial opens a Conn.
func Dial(config Config) (*Conn, error) {
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	if config.Open == nil {
		config.Open = func() (Transport, error) { return openForRequests(config.Protocol, config.Strict) }
	}
	c := &Conn{config: config}
	if err := c.open(); err != nil {
		return nil, err
	}
	return c, nil
}

// Close closes the socket.
func (c *Conn) Close() error {
	if c.socket == nil {
		return nil
	}
	socket := c.socket
	c.socket = nil
	return socket.Close()
}

// Port returns the port number that notifications give as the sender of changes by this Conn. Each
// socket has its own.
func (c *Conn) Port() uint32 { return c.port.Load() }

// Execute sends one request that the kernel answers, by its nature or for NLM_F_ACK, and returns
// the answer, which is empty if the kernel only acknowledges. Its Data is valid until the next
// request.
func (c *Conn) Execute(request netlink.Message) (answer netlink.Message, err error) {
	request.Header.Flags |= netlink.Request
	messages := []netlink.Message{request}
	if err := c.send(messages); err != nil {
		return answer, err
	}
	refused := c.receive(messages, func(_ int, m netlink.Message) (done bool) {
		if m.Header.Type == netlink.Error {
			err = refusal(m)
		} else {
			answer = m
		}
		return true
	})
	return answer, errors.Join(refused, err)
}

// Dump sends a request for a list and returns the result of decode for each message; it omits
// messages for which decode returns false. The Data of a message is valid only during the call.
func Dump[T any](c *Conn, request netlink.Message, decode func(netlink.Message) (T, bool)) ([]T, error) {
	request.Header.Flags |= netlink.Request | netlink.Dump
	for range dumpAttempts {
		var all []T
		whole, err := c.dump(request, func(m netlink.Message) {
			if v, ok := decode(m); ok {
				all = append(all, v)
			}
		})
		if whole || err != nil {
			return all, err
		}
	}
	return nil, ErrInterrupted
}

// dump passes each message of a list to take. whole is false if the list changed meanwhile.
func (c *Conn) dump(request netlink.Message, take func(netlink.Message)) (whole bool, err error) {
	messages := []netlink.Message{request}
	if err := c.send(messages); err != nil {
		return false, err
	}
	whole = true
	failed := c.receive(messages, func(_ int, m netlink.Message) (done bool) {
		whole = whole && m.Header.Flags&netlink.DumpInterrupted == 0 // only the last message of all may bear it
		switch m.Header.Type {
		case netlink.Error, netlink.Done:
			err = refusal(m)
			return true
		}
		take(m)
		return m.Header.Flags&netlink.Multi == 0
	})
	return whole, errors.Join(failed, err)
}

// Batch sends requests with one system call for each 256 and returns the result of each: nil, the
// kernel's refusal, or an error that ErrUnknown matches.
func (c *Conn) Batch(requests []netlink.Message) []error {
	errs := make([]error, 0, len(requests))
	var broken error
	for part := range slices.Chunk(requests, maxBatch) {
		if broken != nil { // each part would wait as long
			errs = append(errs, slices.Repeat([]error{broken}, len(part))...)
			continue
		}
		var refused []error
		refused, broken = c.batch(part)
		errs = append(errs, refused...)
	}
	return errs
}

// batch sends requests in one datagram. The kernel sends errors unasked, and nothing for a success;
// a no-op at the end requests the one answer that closes the batch, whatever the result of the last
// request.
func (c *Conn) batch(requests []netlink.Message) (errs []error, broken error) {
	errs = make([]error, len(requests))
	messages := append(slices.Clone(requests), netlink.Message{
		Header: netlink.Header{Type: netlink.Noop, Flags: netlink.Acknowledge},
	})
	for i := range messages {
		messages[i].Header.Flags |= netlink.Request
	}
	broken = c.send(messages)
	if broken == nil {
		broken = c.receive(messages, func(i int, m netlink.Message) (done bool) {
			if i < len(errs) && m.Header.Type == netlink.Error {
				errs[i] = refusal(m)
			}
			return i == len(errs)
		})
	}
	for i := range errs {
		if errs[i] == nil { // nothing is known about requests without a refusal
			errs[i] = broken
		}
	}
	return errs, broken
}

// send numbers messages and sends them in one datagram, on a new socket after an error of the last
// one.
func (c *Conn) send(messages []netlink.Message) error {
	if c.socket == nil {
		if err := c.open(); err != nil {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		}
	}
	if c.sequence > math.MaxUint32-uint32(len(messages)) {
		c.sequence = 0 // so that the numbers of a batch are consecutive, and none is 0
	}
	for i := range messages {
		c.sequence++
		messages[i].Header.Sequence = c.sequence
	}
	if err := c.socket.Send(messages); err != nil {
		return c.broken(fmt.Errorf("sending the request: %w", err))
	}
	return nil
}

// receive calls take for each message that answers one of the requests, with the request's index,
// until take returns true.
func (c *Conn) receive(requests []netlink.Message, take func(i int, m netlink.Message) (done bool)) error {
	until := time.Now().Add(c.config.Timeout)
	for {
		messages, err := c.socket.Receive(until)
		if err != nil {
			return c.broken(fmt.Errorf("waiting for up to %v: %w", c.config.Timeout, err))
		}
		for _, m := range messages {
			i := m.Header.Sequence - requests[0].Header.Sequence
			if i >= uint32(len(requests)) {
				continue // answers an earlier request
			}
			if take(int(i), m) {
				return nil
			}
			until = time.Now().Add(c.config.Timeout)
		}
	}
}

// open opens the socket.
func (c *Conn) open() error {
	socket, err := c.config.Open()
	if err != nil {
		return err
	}
	c.socket = socket
	c.port.Store(socket.Port())
	return nil
}

// broken closes the socket on which an answer may still come.
func (c *Conn) broken(err error) error {
	_ = c.Close()
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

// Flags of an NLMSG_ERROR or NLMSG_DONE (linux/netlink.h) that package netlink
// does not name.
const (
	capped  = 0x100 // NLM_F_CAPPED: the answer contains only the header of the request
	ackTLVs = 0x200 // NLM_F_ACK_TLVS: attributes follow
)

// refusal returns the error of an NLMSG_ERROR or NLMSG_DONE, with the kernel's explanation if there
// is one; nil if the request succeeded.
func refusal(m netlink.Message) error {
	if len(m.Data) < 4 {
		return nil // NLMSG_DONE of an old kernel
	}
	code := -int32(Uint32(m.Data))
	if code == 0 {
		return nil
	}
	var attributes []byte
	if m.Header.Flags&ackTLVs != 0 {
		attributes = m.Data[4:]
		if m.Header.Type == netlink.Error && len(attributes) >= unix.SizeofNlMsghdr {
			repeated := unix.SizeofNlMsghdr
			if m.Header.Flags&capped == 0 {
				repeated = align(int(Uint32(attributes)))
			}
			attributes = attributes[min(repeated, len(attributes)):]
		}
	}
	for kind, value := range Attributes(attributes) {
		if kind == 1 { // NLMSGERR_ATTR_MSG
			return fmt.Errorf("%w (%s)", unix.Errno(code), String(value))
		}
	}
	return unix.Errno(code)
}

// Distinct joins the errors of a batch, each text once.
func Distinct(errs []error) error {
	seen := make(map[string]bool)
	var distinct []error
	for _, err := range errs {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			distinct = append(distinct, err)
		}
	}
	return errors.Join(distinct...)
}
