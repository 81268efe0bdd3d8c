package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"ripcord/pkg/early"
)

// signals are the signals of the process. Until the command is known they are caught as the daemon
// needs it, since a signal may come in the first millisecond (package early).
type signals struct {
	requests <-chan os.Signal // SIGHUP and SIGUSR1
	harmless chan os.Signal   // SIGQUIT, which does not end a daemon: nobody reads it
	release  func()           // stops catching SIGINT and SIGTERM
}

// catchSignals returns a context that ends with the first SIGINT or SIGTERM; its cause names the
// signal.
func catchSignals(ctx context.Context) context.Context {
	s := &signals{requests: early.Requests, harmless: make(chan os.Signal, 1)}
	signal.Notify(s.harmless, syscall.SIGQUIT)
	ctx, s.release = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	return context.WithValue(ctx, signalsKey{}, s)
}

type signalsKey struct{}

// signalsOf returns the signals of a context, or nil if they are not caught.
func signalsOf(ctx context.Context) *signals {
	s, _ := ctx.Value(signalsKey{}).(*signals)
	return s
}

// restoreDefaults makes the signals those of a command that is not the daemon: a second SIGINT or
// SIGTERM ends it if the first does not, and the others have their default effect.
func (s *signals) restoreDefaults(ctx context.Context) {
	if s == nil {
		return
	}
	signal.Reset(append([]os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGQUIT}, early.Harmless...)...)
	context.AfterFunc(ctx, s.release)
}
