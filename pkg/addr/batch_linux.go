package addr

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
)

const (
	// batchMax is how many messages go into one sendmsg: their errors, if all
	// fail, must fit into the receive buffer.
	batchMax = 256
	// answerWithin is how long the kernel may take to answer; it holds RTNL
	// for others meanwhile.
	answerWithin = 10 * time.Second
)

// batches asks with one system call for each batchMax operations.
func (k *netlinkKernel) batches(ops []Op, message func(Op) (netlink.Message, error)) error {
	var errs []error
	for part := range slices.Chunk(ops, batchMax) {
		messages := make([]netlink.Message, 0, len(part)+1)
		for _, op := range part {
			m, err := message(op)
			if err != nil {
				return err
			}
			messages = append(messages, m)
		}
		errs = append(errs, k.batch(messages)...)
	}
	return errors.Join(errs...)
}

// batch sends messages at once and returns the distinct errors.
func (k *netlinkKernel) batch(messages []netlink.Message) (errs []error) {
	seen := make(map[string]bool)
	for _, err := range k.answers(messages) {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			errs = append(errs, err)
		}
	}
	return errs
}

// answers sends messages at once and returns what became of each. Errors come
// unasked, and nothing comes for what succeeds; a no-op at the end asks for the
// one answer that closes the batch, whatever became of the last message.
func (k *netlinkKernel) answers(messages []netlink.Message) []error {
	errs := make([]error, len(messages))
	failed := func(err error) []error { // of what has no error yet nothing is known
		for i := range errs {
			if errs[i] == nil {
				errs[i] = err
			}
		}
		return errs
	}
	sent, err := k.send(append(messages, netlink.Message{
		Header: netlink.Header{Type: netlink.Noop, Flags: netlink.Request | netlink.Acknowledge},
	}))
	if err != nil {
		return failed(fmt.Errorf("sending to the kernel: %w", err))
	}
	number := make(map[uint32]int, len(sent))
	for i, m := range sent {
		number[m.Header.Sequence] = i
	}
	for range sent { // one answer each at the most
		answers, err := k.conn.Receive()
		if err == nil {
			if len(answers) > 0 && number[answers[len(answers)-1].Header.Sequence] == len(messages) {
				return errs
			}
			continue
		}
		refused := new(netlink.OpError)
		if !errors.As(err, &refused) || refused.Sequence == 0 { // not of a message
			return failed(fmt.Errorf("waiting for the kernel's answer: %w", err))
		}
		if i, asked := number[refused.Sequence]; asked && i < len(messages) {
			if errs[i] = refused.Err; refused.Message != "" {
				errs[i] = fmt.Errorf("%w (%s)", refused.Err, refused.Message)
			}
		}
	}
	return failed(errors.New("the kernel did not say that it is done"))
}

// send sends messages and bounds the wait for their answers.
func (k *netlinkKernel) send(messages []netlink.Message) ([]netlink.Message, error) {
	if err := k.deadline(); err != nil {
		return nil, err
	}
	return k.conn.SendMessages(messages)
}

// deadline bounds the wait for what is asked next.
func (k *netlinkKernel) deadline() error { return k.conn.SetReadDeadline(time.Now().Add(answerWithin)) }
