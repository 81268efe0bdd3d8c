package addr

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"ripcord/pkg/neigh"
)

// partSize is the number of addresses that the kernel is given at a time: as many as one system
// call announces.
const partSize = neigh.MaxFrames

// placer adds addresses. If they are many and it runs, it adds them in parts on its own goroutine,
// and the worker announces the added ones while the next part is added: the kernel needs some 8 µs
// for an address and 4 µs for a frame, and does both at once.
type placer struct {
	cfg     *Config
	started bool // run was called, or will be

	mu    sync.Mutex
	batch []Op   // the addresses to add
	parts []part // the parts that the worker has not taken yet
}

// part is a part of a batch of addresses, with the error of its addition.
type part struct {
	ops []Op
	err error
}

// Waiter puts a goroutine to sleep and wakes it. The goroutine is locked to a thread.
type Waiter interface {
	// WaitUntil returns soon after Wake, at once if Wake was called since the last WaitUntil, and
	// at t unless that is zero. It may return for no reason.
	WaitUntil(t time.Time)
	// Wake may be called from any goroutine, and never blocks.
	Wake()
}

// run adds the batches of add until ctx ends. Meanwhile no other goroutine calls the kernel.
func (p *placer) run(ctx context.Context) {
	defer context.AfterFunc(ctx, p.cfg.Placing.Wake)()
	for ctx.Err() == nil {
		p.mu.Lock()
		ops := p.batch
		p.batch = nil
		p.mu.Unlock()
		p.addParts(ops)
		p.cfg.Placing.WaitUntil(time.Time{})
	}
}

// addParts adds addresses part by part. After an error that is not the kernel's answer for some
// addresses, the other parts are not tried: each would wait as long.
func (p *placer) addParts(ops []Op) {
	var broken error
	for some := range slices.Chunk(ops, partSize) {
		err := broken
		if err == nil {
			err = p.cfg.Kernel.AddBatch(some)
		}
		if err != nil && !errors.As(err, new(BatchError)) {
			broken = err
		}
		p.mu.Lock()
		p.parts = append(p.parts, part{some, err})
		p.mu.Unlock()
		p.cfg.Waiter.Wake()
	}
}

// add adds addresses, and yields each part of them when the kernel has answered. All parts have to
// be consumed.
func (p *placer) add(ops []Op) iter.Seq[part] {
	return func(yield func(part) bool) {
		if !p.started || len(ops) <= partSize {
			yield(part{ops, p.cfg.Kernel.AddBatch(ops)})
			return
		}
		p.mu.Lock()
		p.batch = ops
		p.mu.Unlock()
		p.cfg.Placing.Wake()
		defer p.cfg.Waiter.Wake() // the worker may have been woken for something else meanwhile
		for left := len(ops); left > 0; {
			p.cfg.Waiter.WaitUntil(time.Time{})
			for _, some := range p.take() {
				left -= len(some.ops)
				yield(some)
			}
		}
	}
}

// take returns the parts that were added since the last call.
func (p *placer) take() []part {
	p.mu.Lock()
	defer p.mu.Unlock()
	parts := p.parts
	p.parts = nil
	return parts
}

// joined joins the errors of several parts, with the kernel's answers in one list.
func joined(errs []error) error {
	var answers BatchError
	others := errs[:0:0]
	for _, err := range errs {
		var some BatchError
		if errors.As(err, &some) {
			answers = append(answers, some...)
		} else {
			others = append(others, err)
		}
	}
	if answers != nil {
		others = append(others, answers)
	}
	return errors.Join(others...)
}
