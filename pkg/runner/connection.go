package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"ripcord/pkg/command"
)

// connection is a client's end of a connection.
type connection struct {
	conn   net.Conn
	buffer []byte

	mu    sync.Mutex
	seq   uint64
	calls map[uint64]*call
	over  chan struct{} // closed when the connection has ended
	ended bool
	why   error // the reason of abort
}

// call is a request that waits for answers.
type call struct {
	program bool
	answers chan answer // at most two
}

func newConnection(conn net.Conn) *connection {
	return &connection{conn: conn, buffer: make([]byte, maxAnswer), calls: make(map[uint64]*call), over: make(chan struct{})}
}

// errEnded is the error of a connection whose other end is gone.
var errEnded = errors.New("the process ripcord runner has ended")

// read reads the next answer.
func (l *connection) read() (a answer, err error) {
	n, file, err := receiveMessage(l.conn, l.buffer)
	if err == nil && n == 0 || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		err = errEnded
	}
	if err != nil {
		return a, err
	}
	err = json.Unmarshal(l.buffer[:n], &a)
	a.file = file
	if err != nil {
		a.drop()
	}
	return a, err
}

// drop closes the descriptor that came with an answer.
func (a *answer) drop() {
	closeFiles(a.file)
	a.file = nil
}

// give passes an answer to the call that waits for it.
func (l *connection) give(a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.calls[a.Seq]
	if k == nil {
		a.drop()
		return
	}
	select {
	case k.answers <- a:
	default: // a call has two answers at most
		a.drop()
	}
	if a.Ended {
		delete(l.calls, a.Seq)
	}
}

// end ends all calls, and returns how many programs were under way.
func (l *connection) end() (programs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for _, k := range l.calls {
		if k.program {
			programs++
		}
	}
	close(l.over)
	return programs
}

func (l *connection) isOver() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// abort ends the connection from this side, for a reason.
func (l *connection) abort(why error) {
	l.mu.Lock()
	if l.why == nil {
		l.why = why
	}
	l.mu.Unlock()
	_ = l.conn.Close()
}

// aborted returns the reason of abort; nil if the other end has ended the connection.
func (l *connection) aborted() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// send sends a request, with a number unless it has one.
func (l *connection) send(r *request) (*call, error) {
	k := &call{program: r.Op == opRun, answers: make(chan answer, 2)}
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return nil, command.Lost("it has just ended")
	}
	if r.Seq == 0 {
		l.seq++
		r.Seq = l.seq
		l.calls[r.Seq] = k
	}
	l.mu.Unlock()
	data, err := json.Marshal(r)
	if err == nil && len(data) > maxRequest {
		err = fmt.Errorf("the request is longer than %d bytes", maxRequest)
	}
	if err != nil {
		l.forget(r.Seq)
		return nil, err
	}
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	if err := sendMessage(l.conn, data, r.file); err != nil {
		l.forget(r.Seq)
		l.abort(fmt.Errorf("it takes no requests: %w", err))
		return nil, command.Lost(err.Error())
	}
	return k, nil
}

func (l *connection) forget(seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.calls, seq)
}

// ask sends a request that runs no program, and returns why it was not executed; nil if it was.
func (l *connection) ask(ctx context.Context, r request, within time.Duration) error {
	file, err := l.askFile(ctx, r, within)
	if file != nil {
		_ = file.Close() // it was not requested
	}
	return err
}

// askFile is ask for a request whose answer is a descriptor.
func (l *connection) askFile(ctx context.Context, r request, within time.Duration) (*os.File, error) {
	k, err := l.send(&r)
	if err != nil {
		return nil, err
	}
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case a := <-k.answers:
		return a.file, a.failure()
	case <-l.over:
		return nil, command.Lost("it ended before it answered")
	case <-late.C:
		err := fmt.Errorf("it has not answered within %v", within)
		l.abort(err)
		return nil, command.Lost(err.Error())
	case <-ctx.Done():
		l.forget(r.Seq)
		return nil, context.Cause(ctx)
	}
}

// failure returns why a request was not executed.
func (a *answer) failure() error {
	switch {
	case a.Err == "":
		return nil
	case a.Stale:
		return fmt.Errorf("%w: %w", command.ErrLost, errStale)
	}
	return errors.New(a.Err)
}

// run runs a program. It calls done once, with the result, and returns when nothing of the program
// is left. When ctx is done the program is stopped.
func (l *connection) run(ctx context.Context, r request, within time.Duration, done func(command.Result)) {
	k, err := l.send(&r)
	if err != nil {
		done(command.Result{Exit: -1, Err: err})
		return
	}
	late := time.NewTimer(within)
	defer late.Stop()
	stopped, known := ctx.Done(), false
	report := func(result command.Result) {
		if !known {
			known = true
			done(result)
		}
	}
	for {
		select {
		case a := <-k.answers:
			if a.Result != nil {
				late.Stop()
				report(a.Result.of(ctx))
			}
			if a.Ended {
				report(command.Result{Exit: -1, Err: a.failure()})
				return
			}
		case <-l.over:
			if len(k.answers) > 0 {
				continue // they came before the end
			}
			report(command.Result{Exit: -1, Err: command.Lost("it ended while the program ran")})
			return
		case <-late.C:
			l.abort(fmt.Errorf("it has not answered in time: the result of %v is %v late", r.Program, answerWithin))
		case <-stopped:
			stopped = nil
			_, _ = l.send(&request{Op: opStop, Seq: r.Seq})
			late.Reset(answerWithin)
		}
	}
}

// of returns the result of a program that ends at the latest with ctx.
func (r *result) of(ctx context.Context) command.Result {
	out := r.received()
	if errors.Is(out.Err, context.Canceled) && ctx.Err() != nil {
		out.Err = context.Cause(ctx)
	}
	return out
}
