package daemon_test

import (
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ripcord/pkg/daemon"
	"ripcord/pkg/router"
	"ripcord/pkg/router/routertest"
)

// TestDaemonHangs: a loop that hangs does not keep the daemon from ending: advertised instances are
// resigned, the addresses are removed, and the error names the part.
func TestDaemonHangs(t *testing.T) {
	cables(t)
	inside, outside := listen(t, "far0"), listen(t, "far1")
	before := runtime.NumGoroutine()
	var hang atomic.Bool
	forever := make(chan struct{})
	r := run(t, func(o *daemon.Options) {
		o.Addresses = func(a router.Addresses) router.Addresses {
			return routertest.Blocking{Addresses: a, Block: func() {
				if hang.Load() {
					<-forever
				}
			}}
		}
	})
	r.lead(inside, outside)
	hang.Store(true)
	<-time.After(300 * time.Millisecond) // the loop hangs at its next turn
	began := time.Now()
	r.cancel()
	err := r.end(inside, outside)
	if err == nil || !strings.HasPrefix(err.Error(), "router: hangs") {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the daemon took %v to end", took)
	}
	r.output.await(t, 1, "daemon.stopped", "level", "error")
	close(forever)
	goroutines(t, before)
}

// unread is a log that nobody reads from some moment on.
type unread struct {
	*output
	full    atomic.Bool
	forever chan struct{}
}

func (u *unread) Write(b []byte) (int, error) {
	if u.full.Load() {
		<-u.forever
	}
	return u.output.Write(b)
}

// TestDaemonLogIsNotRead: an unread log does not keep the daemon from ending either, in the usual
// time and a second.
func TestDaemonLogIsNotRead(t *testing.T) {
	cables(t)
	inside, outside := listen(t, "far0"), listen(t, "far1")
	log := &unread{output: newOutput(), forever: make(chan struct{})}
	defer close(log.forever)
	r := run(t, func(o *daemon.Options) { o.Output = log })
	r.output = log.output
	r.lead(inside, outside)
	log.full.Store(true)
	began := time.Now()
	r.cancel()
	if err := r.end(inside, outside); !errors.Is(err, daemon.ErrLogUnread) {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the daemon took %v to end", took)
	}
}
