package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/thread"
)

const (
	// minPause is the wait before the client reconnects. It doubles up to maxPause as long as
	// connections end sooner than calmAfter.
	minPause  = 100 * time.Millisecond
	maxPause  = 10 * time.Second
	calmAfter = time.Minute
	// helloWithin is how long a runner may take to read its configuration.
	helloWithin = 30 * time.Second
	// answerWithin is how much later than its timeout the result of a program may come before the
	// runner counts as hung.
	answerWithin = 3 * time.Second
	// askWithin is the limit of a request that runs no program.
	askWithin = 5 * time.Second
)

// Status is the state of the runner.
type Status struct {
	Ready bool
	PID   int       // while it is ready
	Since time.Time // of the state
	Err   string    // why it is not ready, or cannot run everything
	Lost  uint64    // how often it was lost
	// Unkept reports that no process would start another runner: the keeper has ended.
	Unkept bool
}

// Report reports that the runner is ready, or why it is lost.
type Report struct {
	Status
	UnderWay int           // the number of programs that ran when it was lost
	Pause    time.Duration // until the next attempt, if it is lost
}

// ClientConfig is the configuration of a Client. All of it is required except KeeperEnded.
type ClientConfig struct {
	// Dial connects to the runner. By then, everything left of the previous one has ended.
	Dial func(context.Context) (net.Conn, error)
	// Revision is the revision of the configuration's programs.
	Revision string
	// KeeperEnded is closed when no keeper can start another runner any more; nil: there always is
	// one.
	KeeperEnded <-chan struct{}
	// Report is called from any goroutine. It must not block.
	Report func(Report)
	// Unkept is called from a goroutine of Keep, once, when KeeperEnded is closed. It must not
	// block.
	Unkept func(Status)
}

// Client runs programs through a Server. It implements command.Runner.
type Client struct {
	cfg ClientConfig

	mu       sync.Mutex
	revision string
	link     *connection   // nil while there is no runner
	changed  chan struct{} // closed and made again when link changes
	status   Status
	held     []*os.File // see Hold
	ended    bool       // Keep has ended
}

// NewClient returns a client. It connects when Keep runs.
func NewClient(cfg ClientConfig) *Client {
	return &Client{cfg: cfg, revision: cfg.Revision, changed: make(chan struct{}), status: Status{Since: time.Now(), Err: "it has not started yet"}}
}

// Status returns the state of the runner.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Keep keeps a connection until ctx ends.
func (c *Client) Keep(ctx context.Context) error {
	defer c.letGo()
	var watch sync.WaitGroup
	defer watch.Wait()
	if c.cfg.KeeperEnded != nil {
		watch.Go(func() { c.watchKeeper(ctx) })
	}
	pause := minPause
	for {
		began := time.Now()
		conn, err := c.cfg.Dial(ctx)
		underWay := 0
		if err == nil {
			underWay, err = c.attend(ctx, conn)
		}
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) >= calmAfter {
			pause = minPause
		}
		c.lost(err, underWay, pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

// watchKeeper reports that the keeper has ended: what runs continues, and would not be started
// again.
func (c *Client) watchKeeper(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-c.cfg.KeeperEnded:
	}
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	c.status.Unkept = true
	status := c.status
	c.mu.Unlock()
	c.cfg.Unkept(status)
}

// lost reports why there is no runner, each reason once.
func (c *Client) lost(err error, underWay int, pause time.Duration) {
	c.mu.Lock()
	was := c.status
	news := was.Ready || was.Err != err.Error()
	if news {
		c.status.Since = time.Now()
	}
	if was.Ready || was.Lost == 0 {
		c.status.Lost++
	}
	c.status.Ready, c.status.PID, c.status.Err = false, 0, err.Error()
	report := Report{c.status, underWay, pause}
	c.mu.Unlock()
	if news {
		c.cfg.Report(report)
	}
}

// attend uses a connection until it ends. It returns the number of programs that ran then, and why
// it ended.
func (c *Client) attend(ctx context.Context, conn net.Conn) (underWay int, err error) {
	l := newConnection(conn)
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(helloWithin))
	first, err := l.read()
	if err == nil && first.Hello == nil {
		err = errors.New("its first message is not that of a ripcord runner")
	}
	if err != nil {
		return 0, fmt.Errorf("it does not start: %w", err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	introduced := make(chan struct{})
	go func() {
		defer close(introduced)
		c.introduce(ctx, l, *first.Hello)
	}()
	for {
		a, err := l.read()
		if err != nil {
			underWay = l.end()
			<-introduced
			c.use(nil)
			return underWay, cmp.Or(l.aborted(), err)
		}
		l.give(a)
	}
}

// introduce starts using a runner once it has the configuration of the daemon.
func (c *Client) introduce(ctx context.Context, l *connection, h hello) {
	c.mu.Lock()
	wanted := c.revision
	c.mu.Unlock()
	trouble := h.Err
	if h.Revision != wanted { // the file was changed, or could not be read, when the runner started
		trouble = ""
		if err := l.ask(ctx, request{Op: opReload, Revision: wanted}, reloadWithin); err != nil {
			trouble = cmp.Or(h.Err, err.Error())
		}
	}
	if l.isOver() {
		return
	}
	c.mu.Lock()
	c.status = Status{Ready: true, PID: h.PID, Since: time.Now(), Err: trouble, Lost: c.status.Lost, Unkept: c.status.Unkept}
	report := Report{Status: c.status}
	c.mu.Unlock()
	c.use(l)
	c.cfg.Report(report)
	c.mu.Lock()
	held := c.held
	c.mu.Unlock()
	hold(ctx, l, held)
}

// use makes programs run over a connection from now on; nil: there is none.
func (c *Client) use(l *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link = l
	close(c.changed)
	c.changed = make(chan struct{})
}

// await waits for a runner.
func (c *Client) await(ctx context.Context) (*connection, string, error) {
	for {
		c.mu.Lock()
		l, changed, revision, why := c.link, c.changed, c.revision, c.status.Err
		c.mu.Unlock()
		if l != nil {
			return l, revision, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, "", command.Lost(why)
		}
	}
}

// Run implements command.Runner. It waits for a runner for as long as the program may take.
func (c *Client) Run(ctx context.Context, r command.Request, done func(command.Result)) {
	began := time.Now()
	report := func(result command.Result) {
		result.Took = time.Since(began)
		done(result)
	}
	waiting, cancel := context.WithTimeout(ctx, r.Timeout)
	l, revision, err := c.await(waiting)
	cancel()
	if err != nil {
		report(command.Result{Exit: -1, Err: err}) // the program never ran, whatever ended the wait
		return
	}
	within := r.Timeout + answerWithin
	l.run(ctx, request{Op: opRun, Revision: revision, Program: r.ID, Env: r.Env}, within, func(result command.Result) {
		c.noteStale(l, revision, result.Err)
		report(result)
	})
}

// noteStale reports, once, that a runner refused a request because it has the programs of another
// configuration: it will run no program until the next reload. A request from before a reload may
// be refused without that.
func (c *Client) noteStale(l *connection, revision string, err error) {
	if !errors.Is(err, errStale) {
		return
	}
	c.mu.Lock()
	news := l == c.link && revision == c.revision && c.status.Err == ""
	if news {
		c.status.Err, c.status.Since = errStale.Error(), time.Now()
	}
	report := Report{Status: c.status}
	c.mu.Unlock()
	if news {
		c.cfg.Report(report)
	}
}

// Check implements command.Runner.
func (c *Client) Check(ctx context.Context, r command.Request) error {
	return c.ask(ctx, request{Op: opCheck, Program: r.ID})
}

// MakeFIFO requests the FIFO of the configuration for this process.
func (c *Client) MakeFIFO(ctx context.Context) error { return c.ask(ctx, request{Op: opFIFO}) }

// Raise requests a scheduling priority for a thread of this process. It waits for a runner, and for
// the next one if that is lost, until it has an answer or ctx is done.
func (c *Client) Raise(ctx context.Context, tid int, p thread.Priority) error {
	for {
		l, _, err := c.await(ctx)
		if err != nil {
			return err
		}
		if err = l.ask(ctx, request{Op: opRaise, Thread: tid, Priority: p}, askWithin); !errors.Is(err, command.ErrLost) {
			return err
		}
		<-l.over
	}
}

// Processes returns a directory of all processes, in the form of /proc, if the configuration has
// checks of processes. It stays valid when the runner is lost.
func (c *Client) Processes(ctx context.Context) (*os.File, error) {
	l, revision, err := c.awaitWhile(ctx)
	if err != nil {
		return nil, err
	}
	file, err := l.askFile(ctx, request{Op: opProcesses, Revision: revision}, askWithin)
	c.noteStale(l, revision, err)
	if err == nil && file == nil {
		err = errors.New("it has sent no directory")
	}
	return file, err
}

// Hold makes the runner, and each one that replaces it, keep copies of some files open as long as
// this process is connected. So what the kernel does at the last close of such a file does not delay
// the end of this process if it is killed. The client closes the files when Keep ends. A runner of
// an earlier version refuses the copies, which has no other effect.
func (c *Client) Hold(ctx context.Context, files []*os.File) {
	c.mu.Lock()
	c.held = append(c.held, files...)
	l, ended := c.link, c.ended
	c.mu.Unlock()
	if ended {
		c.letGo()
	} else if l != nil {
		hold(ctx, l, files)
	}
}

// hold sends copies of some files to a runner.
func hold(ctx context.Context, l *connection, files []*os.File) {
	for _, file := range files {
		_ = l.ask(ctx, request{Op: opHold, file: file}, askWithin)
	}
}

// letGo closes the files of Hold.
func (c *Client) letGo() {
	c.mu.Lock()
	held := c.held
	c.held, c.ended = nil, true
	c.mu.Unlock()
	closeFiles(held...)
}

// ask waits for a runner and for its answer, each for a limited time.
func (c *Client) ask(ctx context.Context, r request) error {
	l, revision, err := c.awaitWhile(ctx)
	if err != nil {
		return err
	}
	r.Revision = revision
	err = l.ask(ctx, r, askWithin)
	c.noteStale(l, revision, err)
	return err
}

// awaitWhile waits askWithin for a runner.
func (c *Client) awaitWhile(ctx context.Context) (*connection, string, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	return c.await(ctx)
}

// Reload makes the runner read the configuration again, whose programs have that revision from now
// on. It returns an error, without any change, if the runner reads something else, or if ctx ends
// first. A lost runner reads it when it is back.
func (c *Client) Reload(ctx context.Context, revision string) error {
	c.mu.Lock()
	l, same := c.link, c.revision == revision && c.status.Err == ""
	c.mu.Unlock()
	if l != nil && !same {
		if err := l.ask(ctx, request{Op: opReload, Revision: revision}, reloadWithin); err != nil && !errors.Is(err, command.ErrLost) {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision = revision
	if l != nil && l == c.link {
		c.status.Err = ""
	}
	return nil
}
