package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signals are the signals of the process. Until it is known which command runs they
// are caught as the daemon wants it, since one may come in the first millisecond.
type signals struct {
	requests chan os.Signal // SIGHUP and SIGUSR1
	harmless chan os.Signal // those that nobody reads
	release  func()         // of SIGINT and SIGTERM
}

// daemonIgnores do no harm to a daemon. They are caught, not ignored: what it starts
// would inherit that. SIGPIPE is among them because a log whose reader has gone is
// lost lines, not the end of a router.
var daemonIgnores = []os.Signal{syscall.SIGPIPE, syscall.SIGQUIT, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGVTALRM}

// catchSignals returns a context that ends with the first SIGINT or SIGTERM, whose
// cause names it.
func catchSignals(ctx context.Context) context.Context {
	s := &signals{requests: make(chan os.Signal, 4), harmless: make(chan os.Signal, 1)}
	signal.Notify(s.requests, syscall.SIGHUP, syscall.SIGUSR1)
	signal.Notify(s.harmless, daemonIgnores...)
	ctx, s.release = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	return context.WithValue(ctx, signalsKey{}, s)
}

type signalsKey struct{}

// signalsOf returns the signals of a context; nil where nobody catches them.
func signalsOf(ctx context.Context) *signals {
	s, _ := ctx.Value(signalsKey{}).(*signals)
	return s
}

// ordinary makes the signals those of a command that is no daemon: a second SIGINT or SIGTERM
// ends it if the first does not, and the others have their default effect.
func (s *signals) ordinary(ctx context.Context) {
	if s == nil {
		return
	}
	signal.Reset(append([]os.Signal{syscall.SIGHUP, syscall.SIGUSR1}, daemonIgnores...)...)
	context.AfterFunc(ctx, s.release)
}
