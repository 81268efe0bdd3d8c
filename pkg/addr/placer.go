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

// partSize is how many addresses the kernel is given at a time: as many as are announced by one
// system call.
const partSize = neigh.MaxFrames

// placer adds addresses. Where they are many and it runs, it adds them in parts on a goroutine
// of its own, and the worker announces what stands while the next part is added: the kernel
// takes some 8 µs for an address and 4 µs for a frame, and does both at once.
type placer struct {
	cfg     *Config
	started bool // run was called, or will be

	mu    sync.Mutex
	batch []Op   // to be added
	parts []part // that the worker has not taken yet
}

// part is some of the addresses of a batch, and why the kernel did not take all of them.
type part struct {
	ops []Op
	err error
}

// Waiter puts a goroutine to sleep and wakes it. Its sleeper is locked to a thread.
type Waiter interface {
	// WaitUntil returns soon after Wake, or at once if that was called since the last
	// WaitUntil; and at t, unless that is zero. It may return for no reason.
	WaitUntil(t time.Time)
	// Wake may be called from any goroutine, and never blocks.
	Wake()
}

// run adds what add hands over, until ctx ends. Nobody else calls the kernel meanwhile.
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

// addParts adds addresses part by part. After an error that is not the kernel's answer to
// some addresses the others are not tried: each part would wait as long.
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

// add adds addresses, and yields each part of them when the kernel has answered. All parts
// have to be taken.
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
		defer p.cfg.Waiter.Wake() // for what else the worker was woken meanwhile
		for left := len(ops); left > 0; {
			p.cfg.Waiter.WaitUntil(time.Time{})
			for _, some := range p.take() {
				left -= len(some.ops)
				yield(some)
			}
		}
	}
}

// take returns the parts that were added since it was last called.
func (p *placer) take() []part {
	p.mu.Lock()
	defer p.mu.Unlock()
	parts := p.parts
	p.parts = nil
	return parts
}

// joined makes one error of those of several parts, of which the kernel's answers are one list.
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
