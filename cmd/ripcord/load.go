package main

import (
	"context"
	"fmt"

	"ripcord/pkg/config"
)

// load reads the configuration. It is given up when ctx ends: a file may be a pipe
// into which nobody writes, or take long.
func load(ctx context.Context, path string) (*config.Config, error) {
	type loaded struct {
		cfg *config.Config
		err error
	}
	done := make(chan loaded, 1)
	go func() {
		cfg, err := config.Load(path)
		done <- loaded{cfg, err}
	}()
	select {
	case l := <-done:
		return l.cfg, l.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w while %s was read", errInterrupted{context.Cause(ctx)}, path)
	}
}

// errInterrupted is the error of what was given up because the command was told to end.
type errInterrupted struct{ cause error }

func (e errInterrupted) Error() string { return fmt.Sprintf("interrupted (%v)", e.cause) }
func (e errInterrupted) Unwrap() error { return e.cause }
