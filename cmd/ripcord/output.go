package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// output is the writer to which a command prints. It remembers the first error, so that the command
// fails. Once ctx has ended it waits at most one second for the reader, because a full pipe must
// not keep a program from ending.
type output struct {
	ctx context.Context
	to  io.Writer

	mu  sync.Mutex
	err error // the first
}

// unreadAfter is how long the reader may take after the command was interrupted.
const unreadAfter = time.Second

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	n, err := o.write(b)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

func (o *output) write(b []byte) (n int, err error) {
	own := bytes.Clone(b) // the write may go on when this has returned
	written := make(chan struct{})
	go func() {
		defer close(written)
		n, err = o.to.Write(own)
	}()
	select {
	case <-written:
		return n, err
	case <-o.ctx.Done():
	}
	select {
	case <-written:
		return n, err
	case <-time.After(unreadAfter):
		return 0, fmt.Errorf("nobody reads it")
	}
}

// failed returns the first error of a write; nil if all output was written.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return nil
	}
	return fmt.Errorf("the output could not be written: %w", o.err)
}

// underlying returns the writer below an output.
func underlying(w io.Writer) io.Writer {
	if o, ok := w.(*output); ok {
		return o.to
	}
	return w
}
