// Package early catches the signals that do not end a daemon before the other packages of the
// program are initialised. That takes several milliseconds, in which one of these signals would
// end the process, as it ends any program that does not catch it.
//
// Go initialises a package as soon as those that it imports are initialised. So this package
// imports only what catching a signal needs, and is initialised about one millisecond after the
// start.
package early

import (
	"os"
	"os/signal"
	"syscall"
)

// Requests receives SIGHUP and SIGUSR1.
var Requests = catch(4, syscall.SIGHUP, syscall.SIGUSR1)

// Harmless are signals without a meaning for a daemon. They are caught, not ignored, because the
// programs that it starts would inherit an ignored signal. SIGPIPE is among them: a log whose
// reader has gone costs lines, but must not end the router.
var Harmless = []os.Signal{syscall.SIGPIPE, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGVTALRM}

var _ = catch(1, Harmless...) // nobody reads them

// catch returns a channel that receives some signals.
func catch(backlog int, signals ...os.Signal) chan os.Signal {
	c := make(chan os.Signal, backlog)
	signal.Notify(c, signals...)
	return c
}
