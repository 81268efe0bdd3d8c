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
	"ripcord/pkg/notify"
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
	// StopWithin is how long the parts that act, and the notify commands of the stop, may take; 0:
	// 20 s. It must be longer than these commands may take.
	StopWithin time.Duration
	// Addresses, if set, wraps the executor that the loop calls in each turn: a test blocks the
	// loop there.
	Addresses func(router.Addresses) router.Addresses
	// Kernel, if set, wraps the kernel that the address worker uses: a test blocks the worker
	// there.
	Kernel func(addr.Kernel) addr.Kernel
}

// These limit the time of a stop: sending and holding must end even if the loop, or a source, hangs.
// The sum is 25 s, less than TimeoutStopSec in deploy/ripcord.service. The `shutdown` program has a
// time of its own.
const (
	stopWithin     = 20 * time.Second // for all parts that act, and the notify commands of the stop
	stopSoonWithin = 2 * time.Second  // for others: the runner, and those aside
	stopLogWithin  = time.Second
)

// ErrLogUnread is the error of Run if everything ended in order, but the end of the log could not
// be written because nobody reads it.
var ErrLogUnread = errors.New("the end of the log is lost: nobody reads it")

// Run runs the daemon. It returns when ctx has ended, everything is resigned and every address is
// removed, or after a handover; its error names the parts that failed or hung.
func Run(ctx context.Context, o Options) error {
	within := o.stopWithin()
	p, err := buildUntil(ctx, o, within)
	if err != nil {
		return err
	}
	ctx, broken := context.WithCancel(ctx)
	defer broken()
	s := &stages{parts: p, options: o, broken: broken}
	s.start(ctx)
	s.serve(ctx)
	if s.handsOver = s.handoverRequested(); s.handsOver {
		err = s.stopForHandover(time.Now().Add(within))
	} else {
		err = s.stopAndResign(time.Now().Add(within))
	}
	return s.end(err)
}

// stages are the parts of a running daemon, in the stages in which they start and stop. A stage that
// was not started is nil.
//
// Facts flow from left to right: links, adverts and checks come in, the router decides, engine and
// worker execute, the log records. Each part is started after the parts that it needs, and stopped
// before the parts to which it sends.
type stages struct {
	*parts
	options Options
	broken  func() // ends the daemon because a part has failed

	handsOver bool // the daemon ends by a handover, and not by a stop

	logging, runner, notifying, aside, sending, sources, holding, loop, api *running
}

// start starts all parts but those of serve.
func (s *stages) start(ctx context.Context) {
	s.logging = stage{"log": s.log.Run}.start(s.broken)
	s.runner = stage{"runner": s.programs.Keep}.start(s.broken)
	s.notifying = stage{"notify": s.notifier.Run}.start(s.broken)
	s.aside = stage{
		"metrics": s.metrics.Run, "history": s.history.Run, "memory": tidy(s.history.Pack), "sweep": sweep(s.options.dir()),
		"record": func(ctx context.Context) error { return s.inherited.refresh(ctx, s.router.RecordActives) },
	}.start(s.broken)
	s.publishStart(s.options)
	if c := s.options.Config; c.Startup != nil {
		s.events.Publish(runProgram(ctx, s.programs, c, command.ForStartup, c.Startup))
	}
	s.sending = stage{"adverts": s.engine.Run}.start(s.broken)
	s.sources = stage{"links": s.monitor.Run, "receiver": s.receiver.Run, "checks": s.checks.Run, "probe": s.watcher.Run}.start(s.broken)
	// The address worker first removes what is not adopted.
	s.inherit(ctx, s.options.Config)
	s.holding = stage{"addresses": s.worker.Run}.start(s.broken)
}

// serve starts the router and the API, which need all other parts, and handles requests until ctx
// ends or a handover is requested.
func (s *stages) serve(ctx context.Context) {
	select {
	case <-s.monitor.Ready():
	case <-ctx.Done():
		return
	}
	s.inherited.wait(ctx)
	s.loop = stage{"router": s.router.Run}.start(s.broken)
	select {
	case <-s.router.Started():
	case <-ctx.Done():
	}
	s.api = stage{
		"control": s.control.Run, "watchdog": s.watchdog().run, "hints": func(ctx context.Context) error { return s.openHints(ctx, s.options) },
		"reload": func(ctx context.Context) error { return s.reloads(ctx, s.options) },
	}.start(s.broken)
	s.events.Publish(s.event(event.DaemonReady))
	notifyManager("READY=1")
	s.wait(ctx, s.options)
}

// stopAndResign stops all parts but the log and those aside. By the deadline all have ended that act,
// and the notify commands.
func (s *stages) stopAndResign(deadline time.Time) error {
	s.events.Publish(s.event(event.DaemonStopping))
	err := s.stopRouter() // first: neither the API nor the service manager may delay it
	notifyManager("STOPPING=1")
	err = errors.Join(err, s.api.stop(soon()))
	s.sources.cancel()
	released := deadline.Add(-notify.StopWithin)
	err = errors.Join(err, s.sending.stop(released), s.stopHolding(released), s.sources.stop(released))
	// Commands for the stop may rely on all addresses having been removed.
	err = errors.Join(err, s.notifying.stop(deadline))
	if c := s.config.Load(); c.Shutdown != nil {
		s.events.Publish(runShutdown(s.programs, c))
	}
	return errors.Join(err, s.runner.stop(soon()))
}

// stopForHandover stops all parts but the log and those aside, so that the next daemon continues:
// nothing is resigned or removed. Adverts are sent until the end, so the other parts may take their
// time: the kernel takes 0.3 s to detach the programs of the hints.
func (s *stages) stopForHandover(deadline time.Time) error {
	s.events.Publish(s.event(event.DaemonHandover))
	notifyManager("STOPPING=1")
	err := errors.Join(s.api.stop(soon()), s.notifying.stop(time.Now().Add(notify.StopWithin)), s.runner.stop(soon()))
	s.router.HandOver()
	s.worker.HandOver()
	err = errors.Join(err, s.stopRouter())
	s.sources.cancel()
	err = errors.Join(err, s.holding.stop(deadline), s.sources.stop(deadline))
	s.engine.Do(s.advertsNow(s.stats.Names())...) // the time of the next daemon counts from the last advert
	err = errors.Join(err, s.sending.stop(deadline))
	s.inherited.record.HandOver()
	return err
}

// end logs the end of the daemon with the error of its stop, stops what is left and closes the
// resources.
func (s *stages) end(err error) error {
	stopped := s.event(event.DaemonStopped)
	if err != nil {
		stopped.Err = err.Error()
	}
	s.events.Publish(stopped)
	err = errors.Join(err, s.aside.stop(soon()), endOfLog(s.logging))
	if err == nil && !s.handsOver {
		err = s.inherited.record.Stop()
	}
	if !hung(err) {
		s.close()
		return err
	}
	if s.sending.ended() && s.holding.ended() { // nothing acts any more: ripcord clean may run
		_ = s.lock.Close()
	}
	go s.closeAfter(s.logging, s.aside, s.notifying, s.runner, s.sending, s.holding, s.sources, s.loop, s.api)
	return err
}

// soon returns the deadline of parts that have nothing to do at the end.
func soon() time.Time { return time.Now().Add(stopSoonWithin) }

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
// previous daemon was, and gives the router the Actives that daemon had heard.
func (p *parts) inherit(ctx context.Context, c *config.Config) {
	p.inherited.await(ctx, p.monitor.Ready())
	cause := p.minter.Cause(time.Now())
	adopted, recalled := p.inherited.judge(c, cause), p.inherited.recall(c, cause)
	p.worker.Adopt(cause, membersOf(c, adopted)...)
	p.router.Adopt(adopted)
	p.router.Recall(recalled)
	p.inherited.keep(c)
	p.inherited.goOn(c, adopted, recalled)
}

// handoverRequested reports whether a handover was requested.
func (p *parts) handoverRequested() bool {
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

// buildUntil builds the parts. After ctx has ended it gives up within a time.
func buildUntil(ctx context.Context, o Options, within time.Duration) (*parts, error) {
	type result struct {
		*parts
		err error
	}
	built := make(chan result, 1)
	go func() {
		p, err := build(o)
		built <- result{p, err}
	}()
	select {
	case r := <-built:
		return r.parts, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-built:
		return r.parts, r.err
	case <-time.After(within):
	}
	go func() {
		if r := <-built; r.err == nil {
			r.close()
		}
	}()
	return nil, hungError{"start", within}
}

// openHints opens the hints for the monitor. Attaching their programs takes 0.1 s and more; if it
// came earlier, the first adverts would come too late for a group to be adopted.
func (p *parts) openHints(ctx context.Context, o Options) error {
	if o.Hints == nil {
		return nil
	}
	hints, err := o.Hints()
	if err != nil {
		p.events.Publish(event.DaemonRights{Stamp: event.Stamp{At: time.Now()}, Err: err.Error()})
	}
	if hints.Source == nil {
		p.deliver(ctx, hints)
		return nil
	}
	// The kernel takes 0.3 s to detach the programs of a process that was killed, unless another
	// process holds them. Until then the killed process has not ended: it keeps its locks, and a
	// service manager does not start the next daemon.
	attachments := hints.Source.Attachments()
	if !p.deliver(ctx, hints) {
		_ = hints.Source.Close()
	}
	p.programs.Hold(ctx, attachments)
	return nil
}

// deliver passes the hints to the monitor; false if ctx ended first.
func (p *parts) deliver(ctx context.Context, hints monitor.Hints) bool {
	select {
	case p.hints <- hints:
		return true
	case <-ctx.Done():
		return false
	}
}

// stopRouter ends the router, if it runs, before the engine and the worker, which execute its last
// orders. If the router hangs, its members are resigned without it.
func (s *stages) stopRouter() error {
	err := s.loop.stop(soon())
	if hung(err) {
		s.engine.Do(s.resignations()...)
	}
	return err
}

// stopHolding ends the address worker. If it hangs, the error says what is left on this machine: the
// worker keeps the lock, so nothing can be removed before the process has ended.
func (s *stages) stopHolding(deadline time.Time) error {
	err := s.holding.stop(deadline)
	if !hung(err) {
		return err
	}
	return fmt.Errorf("%w; %s: when this process has ended, run ripcord clean, or start ripcord again", err, left(s.options.dir()))
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

// stopWithin returns the limit for the parts that act, and the notify commands of the stop.
func (o *Options) stopWithin() time.Duration { return cmp.Or(o.StopWithin, stopWithin) }

// dir returns the directory of the lock and the records.
func (o *Options) dir() string { return cmp.Or(o.Dir, RunDir) }
