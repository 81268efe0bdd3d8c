package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert"
	"ripcord/pkg/advert/receive"
	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/link/monitor"
	"ripcord/pkg/router"
)

// Options are the configuration of a daemon and the resources that its process provides.
type Options struct {
	Config *config.Config
	// Load, if set, reads the configuration again, for a reload.
	Load    func(context.Context) (*config.Config, error)
	Version string
	// Output receives the log, one JSON object per line.
	Output io.Writer
	// Runner, if set, connects to the process that runs the programs of the configuration, since
	// this process may start none.
	Runner func(context.Context) (net.Conn, error)
	// KeeperEnded is closed when no keeper can start another runner any more; nil: there always is
	// one.
	KeeperEnded <-chan struct{}
	// RaiseByRunner lets the runner, which has the right to, raise the scheduling priority of
	// threads of this process.
	RaiseByRunner bool
	// Rights, if set, reports the rights that the process has kept.
	Rights *event.DaemonRights
	// Memory, if set, reports whether the program has locked the memory.
	Memory *event.DaemonMemory
	// Hints, if set, attaches the programs for the kernel's hints, and drops the rights that only
	// they need. It is called once, after adopted groups have begun to send adverts.
	Hints func() (monitor.Hints, error)
	// Filtering makes the kernel drop adverts that repeat the last one. Opening it takes rights
	// that the process may have dropped.
	Filtering receive.Filtering
	// Listener, if set, is a control socket that another process opened.
	Listener net.Listener
	// Signals, if set, delivers requests: SIGHUP for a reload, SIGUSR1 for the status in the log.
	Signals <-chan os.Signal
	// Dir is the directory for the lock of the network namespace, and for the record of our
	// addresses if the kernel cannot mark them (before Linux 5.18); empty: RunDir.
	Dir string
	// Addresses, if set, wraps the executor that the loop calls in each turn: a test blocks the
	// loop there.
	Addresses func(router.Addresses) router.Addresses
	// Kernel, if set, wraps the kernel that the address worker uses: a test blocks the worker
	// there.
	Kernel func(addr.Kernel) addr.Kernel
}

// These limit the time in which the daemon and its parts stop: sending and holding must end even if
// the loop, or a source, hangs. TimeoutStopSec in deploy/ripcord.service is longer.
const (
	stopWithin       = 20 * time.Second
	stopRouterWithin = 2 * time.Second
	stopLogWithin    = time.Second
)

// ErrLogUnread is the error of Run if everything ended in order, but the end of the log could not
// be written because nobody reads it.
var ErrLogUnread = errors.New("the end of the log is lost: nobody reads it")

// Run runs the daemon. It returns when ctx has ended, everything is resigned and every address is
// removed; its error names the parts that failed or hung.
func Run(ctx context.Context, o Options) error {
	p, err := buildUntil(ctx, o)
	if err != nil {
		return err
	}
	ctx, broken := context.WithCancel(ctx)
	defer broken()

	// Facts flow from left to right: links, adverts and checks come in, the router decides, engine
	// and worker execute, the log records. Each part is started after the parts that it needs, and
	// stopped before the parts to which it sends.
	log := stage{"log": p.log.Run}.start(broken)
	running := stage{"runner": p.programs.Keep}.start(broken)
	notifying := stage{"notify": p.notifier.run}.start(broken)
	aside := stage{"metrics": p.metrics.Run, "history": p.history.Run, "memory": tidy(p.history.Pack), "record": p.inherited.refresh}.start(broken)
	p.publishStart(o)
	if c := o.Config; c.Startup != nil {
		p.events.Publish(runProgram(ctx, p.programs, c, command.ForStartup, c.Startup))
	}
	sending := stage{"adverts": p.engine.Run}.start(broken)
	sources := stage{"links": p.monitor.Run, "receiver": p.receiver.Run, "checks": p.checks.Run, "probe": p.watcher.Run}.start(broken)
	// The address worker first removes what is not adopted.
	p.inherit(ctx, o.Config)
	holding := stage{"addresses": p.worker.Run}.start(broken)

	deadline, err := p.serve(ctx, o, broken)

	if p.handsOver() { // adverts are sent until the end, so all other parts may take their time
		err = errors.Join(err, notifying.stop(time.Now().Add(stopNotifyWithin)), running.stop(deadline))
		p.router.HandOver()
		p.worker.HandOver()
	}
	err = errors.Join(err, p.stopRouter(time.Now().Add(stopRouterWithin)))
	sources.cancel()
	err = errors.Join(err, sending.stop(deadline), holding.stop(deadline), sources.stop(deadline))
	if p.handsOver() {
		p.inherited.record.HandOver()
	} else {
		// Commands for the stop may rely on all addresses having been removed.
		err = errors.Join(err, notifying.stop(time.Now().Add(stopNotifyWithin)))
		if c := p.config.Load(); c.Shutdown != nil {
			p.events.Publish(runProgram(context.Background(), p.programs, c, command.ForShutdown, c.Shutdown))
		}
		err = errors.Join(err, running.stop(deadline))
	}
	stopped := p.event(event.DaemonStopped)
	if err != nil {
		stopped.Err = err.Error()
	}
	p.events.Publish(stopped)
	err = errors.Join(err, aside.stop(deadline), endOfLog(log))
	if err == nil && !p.handsOver() {
		err = p.inherited.record.Remove()
	}
	if hung(err) {
		go p.closeAfter(log, aside, running, sending, holding, sources, p.loop, p.api)
	} else {
		p.close()
	}
	return err
}

// publishStart publishes the events of the start in their order.
func (p *parts) publishStart(o Options) {
	if o.Memory != nil {
		p.events.Publish(*o.Memory)
	}
	if o.Rights != nil {
		p.events.Publish(*o.Rights)
	}
	p.events.Publish(loaded(o.Config))
	if doubt := p.lock.Doubt(); doubt != nil {
		p.events.Publish(doubt)
	}
	if p.noReleases != nil {
		p.events.Publish(noReleases(p.noReleases))
	}
	p.publishReleases()
	p.inherited.report()
}

// inherit makes the router and the address worker, before they run, continue as Active where the
// previous daemon was.
func (p *parts) inherit(ctx context.Context, c *config.Config) {
	p.inherited.await(ctx, p.monitor.Ready())
	cause := p.minter.Cause(time.Now())
	adopted := p.inherited.judge(c, cause)
	p.worker.Adopt(cause, membersOf(c, adopted)...)
	p.router.Adopt(adopted)
	p.inherited.keep(c)
	p.inherited.goOn(c, adopted)
}

// handsOver reports whether the daemon ends by a handover.
func (p *parts) handsOver() bool {
	select {
	case <-p.handover:
		return true
	default:
		return false
	}
}

// closeAfter closes the resources of the parts after they have ended, also of those that hang now.
func (p *parts) closeAfter(stages ...*running) {
	for _, s := range stages {
		if s != nil {
			_ = s.wait(context.Background())
		}
	}
	p.close()
}

// endOfLog waits until the log is written, at most stopLogWithin, since nobody may read it.
func endOfLog(log *running) error {
	err := log.stop(time.Now().Add(stopLogWithin))
	if hung(err) {
		return ErrLogUnread
	}
	return err
}

// buildUntil builds the parts. After ctx has ended it gives up within stopWithin.
func buildUntil(ctx context.Context, o Options) (p *parts, err error) {
	built := make(chan struct{})
	go func() {
		defer close(built)
		p, err = build(o)
	}()
	select {
	case <-built:
		return p, err
	case <-ctx.Done():
	}
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-built:
		return p, err
	case <-timer.C:
		return nil, hungError{"start", stopWithin}
	}
}

// serve runs the router and the control socket, which need all other parts, until ctx ends. It
// returns the deadline by which all parts must have ended.
func (p *parts) serve(ctx context.Context, o Options, broken func()) (deadline time.Time, err error) {
	select {
	case <-p.monitor.Ready():
	case <-ctx.Done():
		return time.Now().Add(stopWithin), nil
	}
	p.inherited.wait(ctx)
	p.loop = stage{"router": p.router.Run}.start(broken)
	select {
	case <-p.router.Started():
	case <-ctx.Done():
	}
	p.api = stage{
		"control": p.control.Run, "watchdog": p.watchdog().run, "hints": func(ctx context.Context) error { return p.openHints(ctx, o) },
		"reload": func(ctx context.Context) error { return p.reloads(ctx, o) },
	}.start(broken)
	p.events.Publish(p.event(event.DaemonReady))
	notifyManager("READY=1")

	p.wait(ctx, o)

	now := time.Now()
	notified := make(chan struct{})
	go func() { // a service manager that does not read must not delay the stop
		notifyManager("STOPPING=1")
		close(notified)
	}()
	if p.handsOver() {
		p.events.Publish(p.event(event.DaemonHandover))
	} else {
		p.events.Publish(p.event(event.DaemonStopping))
		err = p.stopRouter(now.Add(stopRouterWithin)) // first, even if the API hangs
	}
	err = errors.Join(err, p.api.stop(now.Add(stopRouterWithin)))
	<-notified
	return now.Add(stopWithin), err
}

// openHints passes the hints to the monitor. Attaching their programs takes 0.1 s and more; if it
// came earlier, the first adverts would come too late for a group to be adopted.
func (p *parts) openHints(ctx context.Context, o Options) error {
	if o.Hints == nil {
		return nil
	}
	hints, err := o.Hints()
	if err != nil {
		p.events.Publish(event.DaemonRights{Stamp: event.Stamp{At: time.Now()}, Err: err.Error()})
	}
	select {
	case p.hints <- hints:
	case <-ctx.Done():
		if hints.Source != nil {
			_ = hints.Source.Close()
		}
	}
	return nil
}

// stopRouter ends the router, if it runs, before the engine and the worker, which execute its last
// orders. If the router hangs, its members are resigned without it.
func (p *parts) stopRouter(deadline time.Time) error {
	if p.loop == nil || p.routerEnded {
		return nil
	}
	p.routerEnded = true
	err := p.loop.stop(deadline)
	if hung(err) {
		p.engine.Do(p.resignations()...)
	}
	return err
}

// resignations returns the orders that a hanging router does not give.
func (p *parts) resignations() []advert.Order {
	cause := p.minter.Cause(time.Now())
	var all []advert.Order
	for _, name := range p.stats.Names() {
		all = append(all, advert.Order{Kind: advert.Resign, Cause: cause, Instance: name})
	}
	return all
}

// wait handles requests until ctx ends.
func (p *parts) wait(ctx context.Context, o Options) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.handover:
			return
		case sig := <-o.Signals:
			p.answer(sig)
		}
	}
}

func (p *parts) answer(sig os.Signal) {
	if sig == syscall.SIGUSR1 {
		p.events.Publish(event.DaemonStatus{Stamp: event.Stamp{At: time.Now()}, Document: p.control.Status()})
		return
	}
	p.requestReload()
}

func (p *parts) event(kind event.DaemonKind) event.Daemon {
	return event.Daemon{
		Stamp: event.Stamp{At: time.Now()}, Kind: kind, Version: p.version, PID: os.Getpid(), Instances: len(p.stats.Names()),
	}
}

func loaded(c *config.Config) event.Event {
	e := event.ConfigLoaded{Stamp: event.Stamp{At: time.Now()}, File: c.File}
	for _, g := range c.Groups {
		e.Instances += len(g.Members)
		if g.Name != "" {
			e.Groups++
		}
	}
	return e
}

// part names the part in an error that does not name it.
func part(name string, err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return nil
	case strings.HasPrefix(err.Error(), name+": "):
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// dir returns the directory of the lock and the records.
func (o *Options) dir() string { return cmp.Or(o.Dir, RunDir) }
