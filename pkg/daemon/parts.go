package daemon

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert/receive"
	"ripcord/pkg/advert/send"
	"ripcord/pkg/bus"
	"ripcord/pkg/config"
	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/link"
	"ripcord/pkg/link/monitor"
	"ripcord/pkg/liveness"
	"ripcord/pkg/notify"
	"ripcord/pkg/router"
	"ripcord/pkg/runner"
	"ripcord/pkg/stats"
	"ripcord/pkg/telemetry"
	"ripcord/pkg/thread"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// parts are all the parts of a daemon, and the bus between them.
type parts struct {
	version string
	stats   *stats.Registry
	unknown *stats.Counters // of adverts that belong to no instance
	minter  *event.Minter
	lease   *lease.Lease

	events    bus.Topic[event.Event]
	links     *bus.Retained[string, event.Link]
	addresses bus.Topic[event.Address]
	heard     bus.Topic[vrrp.Heard]
	results   bus.Topic[vrrp.Result]
	warnings  *event.Warnings
	questions *event.Questions // to the kernel

	log        *telemetry.Log
	history    *telemetry.History
	metrics    *telemetry.Metrics
	monitor    *monitor.Monitor
	hints      chan monitor.Hints // for the monitor
	receiver   *receive.Receiver
	engine     *send.Engine
	worker     *addr.Worker
	programs   programs
	checks     *track.Runner
	watcher    *liveness.Watcher
	router     *router.Router
	control    *control.Server
	lock       *Lock
	notifier   *notify.Notifier
	dryRuns    dryRuns
	releases   *releases
	noReleases error // why the file of releases cannot be used
	inherited  *inheritance

	config    atomic.Pointer[config.Config] // the configuration in force
	releasing sync.Mutex

	hangup       chan struct{} // a signal has requested a reload
	reloadOrders chan reloadOrder

	handover    chan struct{} // closed when the daemon has to end so that another continues
	handingOver sync.Once

	closers []io.Closer
}

// build makes the parts; none of them runs yet.
func build(o Options) (*parts, error) {
	now := time.Now()
	p := &parts{
		version: o.Version, stats: stats.NewRegistry(names(o.Config), now), unknown: &stats.Counters{Since: now},
		minter: event.NewMinter(uint64(now.UnixNano())), lease: lease.New(now),
		links: bus.NewRetained[string, event.Link](), hangup: make(chan struct{}, 1), reloadOrders: make(chan reloadOrder),
		hints: make(chan monitor.Hints), handover: make(chan struct{}),
	}
	p.config.Store(o.Config)
	p.warnings = event.NewWarnings(func(e event.Event) { p.events.Publish(e) })
	p.warnings.After = func(wait time.Duration, call func()) { time.AfterFunc(wait, call) }
	p.questions = event.NewQuestions(p.warnings)
	p.log = telemetry.NewLog(&p.events, telemetry.NewLogger(o.Output, o.Config.Log.Level))
	p.history = telemetry.NewHistory(&p.events)
	p.metrics = telemetry.NewMetrics(telemetry.MetricsConfig{
		Version: o.Version, Since: now, Source: source{p},
		Settings: func(name string) link.Settings { return p.config.Load().Link(name) }, Events: &p.events, LinesLost: p.log.Lost,
		FIFOLinesLost: func() uint64 { return p.notifier.LostLines() },
	})
	if err := inOrder(o, p.buildPrograms, p.buildChecks, p.buildNotifier); err != nil {
		return nil, err
	}
	// This comes before everything else that has an effect, since a running daemon must not be
	// disturbed.
	if err := p.claim(o, now); err != nil {
		p.close()
		return nil, err
	}
	p.monitor = monitor.New(monitor.Config{
		Default: o.Config.DefaultLink, Links: o.Config.Links, Watched: Interfaces(o.Config), OtherNames: heldInterfaces(o.Config),
		Sources: Sources(o.Config), Hints: p.hints,
		Facts: p.links, Addresses: &p.addresses, Events: &p.events, Minter: p.minter, Questions: p.questions,
		Answer: func(ticket uint64) { p.results.Publish(vrrp.Answered{Ticket: ticket, By: vrrp.Confirmer}) },
	})
	p.receiver = receive.New(receive.Config{
		Instances: o.Config.Instances(), Stats: p.stats, Unknown: p.unknown,
		Links: p.links, Heard: &p.heard, Results: &p.results, Events: &p.events,
		Filtering: o.Filtering, Warnings: p.warnings, Questions: p.questions, Minter: p.minter, Now: time.Now,
	})
	if err := inOrder(o, p.buildEngine, p.buildWorker, p.buildWatcher, p.buildRouter); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// inOrder makes parts, each of which may need those before it, up to the first error.
func inOrder(o Options, builds ...func(Options) error) error {
	for _, build := range builds {
		if err := build(o); err != nil {
			return err
		}
	}
	return nil
}

// claim takes the resources that only one daemon can have.
func (p *parts) claim(o Options, now time.Time) error {
	if err := p.buildControl(o, now); err != nil {
		return err
	}
	lock, err := AcquireLock(o.dir())
	if err != nil {
		return err
	}
	p.lock, p.closers = lock, append(p.closers, lock)
	p.releases, p.noReleases = openReleases(o.dir(), now)
	p.inherited = openRecord(o.dir(), lock, func(e event.Event) { p.events.Publish(e) })
	p.closers = append(p.closers, p.inherited)
	return nil
}

func (p *parts) buildRouter(o Options) error {
	alarm, err := router.NewAlarm()
	if err != nil {
		return fmt.Errorf("cannot keep time: %w", err)
	}
	addresses := router.Addresses(p.worker)
	if o.Addresses != nil {
		addresses = o.Addresses(addresses)
	}
	p.router = router.New(router.Config{
		Groups: o.Config.Groups, Stats: p.stats,
		Links: p.links, Heard: &p.heard, Results: &p.results, Events: &p.events, Warnings: p.warnings,
		Engine: p.engine, Addresses: addresses, Receiver: p.receiver, Confirmer: p.monitor, Watcher: p.watcher,
		Fencer: fencer{&p.config, p.notifier, &p.events, &p.results}, Record: p.inherited.record,
		Lease: p.lease, Minter: p.minter, Alarm: alarm, Now: time.Now,
	})
	return nil
}

func (p *parts) buildControl(o Options, now time.Time) (err error) {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("cannot read the name of this machine: %w", err)
	}
	p.control, err = control.New(control.Config{
		Socket: o.Config.Control.Socket, Version: o.Version, Host: host, Since: now,
		Source: source{p}, Orders: orders{p, o}, Metrics: p.metrics.Handler(), Events: p.history,
		Listen: o.Config.Control.Listen, Listener: o.Listener,
		Report: func(e event.Event) { p.events.Publish(e) }, Warnings: p.warnings, Connections: connections(len(Interfaces(o.Config))),
	})
	if err != nil {
		return err
	}
	if err := p.control.Listen(); err != nil {
		return err
	}
	p.closers = append(p.closers, p.control)
	return nil
}

func (p *parts) close() {
	for _, c := range p.closers {
		_ = c.Close() // the kernel closes them with the process anyway
	}
}

// OpenFiltering prepares the kernel's filter for adverts that repeat the last one, as far as a
// configuration uses it. It takes rights that the process may drop afterwards.
func OpenFiltering(c *config.Config) receive.Filtering {
	return receive.OpenFiltering(c.Instances())
}

// names returns the names of all instances.
func names(c *config.Config) []string {
	var all []string
	for _, in := range c.Instances() {
		all = append(all, in.Name)
	}
	return all
}

// Sources returns the configured source addresses, the unicast peers, which must not be on this
// machine, and the virtual addresses, except those of an owner, which are its own.
func Sources(c *config.Config) link.Sources {
	var s link.Sources
	for _, in := range c.Instances() {
		if in.Source.IsValid() {
			s.Named = append(s.Named, in.Source)
		}
		if in.Priority != vrrp.Owner {
			s.Virtual = append(append(s.Virtual, in.Addresses...), in.Extra...)
		}
		s.Named = append(s.Named, in.Unicast.Peers...)
		s.Global = s.Global || in.FromGlobal()
	}
	return s
}

// heldInterfaces returns the interfaces of addresses and routes, which may differ from those that
// carry adverts.
func heldInterfaces(c *config.Config) []string {
	var names []string
	for _, s := range c.Held() {
		for _, a := range s.Addresses {
			names = append(names, a.Interface)
		}
		for _, e := range s.Routes {
			names = append(names, e.Links()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Interfaces returns the interfaces that carry adverts or are tracked, once each.
func Interfaces(c *config.Config) []string {
	var names []string
	for _, in := range c.Instances() {
		names = append(names, in.Interface)
		names = append(names, trackedLinks(in.Track)...)
	}
	for _, g := range c.Groups {
		names = append(names, trackedLinks(g.Track)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// trackedLinks returns the names of the links among trackers.
func trackedLinks(all []vrrp.Tracker) (names []string) {
	for _, t := range all {
		if t.Kind == vrrp.TrackInterface {
			names = append(names, t.Name)
		}
	}
	return names
}

// watchdog watches the router, the engine and the worker. Its limit is that of the service manager,
// if there is one for this process.
func (p *parts) watchdog() *watchdog {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		limit = 0 // WATCHDOG_USEC is not a time: the service manager does not wait
	}
	return &watchdog{
		parts: []watched{{name: "router", part: p.router}, {name: "adverts", part: p.engine}, {name: "addresses", part: p.worker}},
		limit: limit, feed: func() { notifyManager(daemon.SdNotifyWatchdog) }, report: func(e event.Event) { p.events.Publish(e) },
	}
}

// notifyManager notifies the service manager, if there is one, of the daemon's state. It gives up
// after a second if the service manager does not read.
func notifyManager(state string) {
	notified := make(chan struct{})
	go func() {
		defer close(notified)
		_, _ = daemon.SdNotify(false, state)
	}()
	select {
	case <-notified:
	case <-time.After(time.Second):
	}
}

// buildPrograms makes the runner of programs: the client of ripcord runner, or this process itself.
func (p *parts) buildPrograms(o Options) error {
	if o.Runner == nil {
		p.programs = ownPrograms{config: &p.config}
		return nil
	}
	table, err := Programs(o.Config)
	if err != nil {
		return err
	}
	p.programs = runner.NewClient(runner.ClientConfig{
		Dial: o.Runner, KeeperEnded: o.KeeperEnded, Revision: table.Revision(), Report: p.reportRunner, Unkept: p.reportUnkept,
	})
	return nil
}

// threads returns the Raiser that sets the priority of threads of the daemon.
func (p *parts) threads(o Options) (r thread.Raiser) {
	if runner, apart := p.programs.(*runner.Client); apart && o.RaiseByRunner {
		r.Ask = runner.Raise
	}
	return r
}

// reportRunner publishes the state of the runner.
func (p *parts) reportRunner(r runner.Report) {
	if r.Ready {
		p.events.Publish(event.RunnerReady{Stamp: event.Stamp{At: r.Since}, PID: r.PID, Err: r.Err})
		return
	}
	p.events.Publish(event.RunnerLost{Stamp: event.Stamp{At: r.Since}, Err: r.Err, UnderWay: r.UnderWay, Pause: r.Pause})
}

// reportUnkept publishes that no keeper would start the runner again.
func (p *parts) reportUnkept(r runner.Status) {
	p.events.Publish(event.RunnerUnkept{Stamp: event.Stamp{At: time.Now()}, PID: r.PID})
}

// buildChecks makes the runner of the checks.
func (p *parts) buildChecks(o Options) error {
	specs, err := checkSpecs(o.Config)
	if err != nil {
		return err
	}
	p.checks = track.New(p.programs, p.programs.Processes, p.reportCheck)
	return p.checks.Apply(specs)
}

// reportCheck passes the state of a check to the router. The log gets each change from the first
// result on: the initial state is in the configuration.
func (p *parts) reportCheck(r track.Report) {
	cause := p.minter.Cause(r.At)
	p.results.Publish(vrrp.Tracked{Cause: cause, Check: r.Name, State: trackerStates[r.State], Change: r.Value, Err: failure(r)})
	if !r.Ran {
		return
	}
	p.events.Publish(event.CheckChanged{
		Stamp: event.Stamp{Cause: cause, At: time.Now()}, Check: r.Name, Result: r.State.String(), Change: r.Value,
		Took: r.Took, Output: r.Output, Err: failure(r),
	})
}

// buildNotifier makes the notifier.
func (p *parts) buildNotifier(o Options) error {
	c := o.Config
	s, err := notifySettingsOf(c)
	if err != nil {
		return err
	}
	p.notifier = notify.NewNotifier(notify.Config{
		Programs: p.programs, Settings: s.Settings, FIFO: c.FIFO, Owner: s.fifo, Reader: c.FIFOReader.Argv, ReaderUser: s.reader,
		Events: &p.events, Groups: func() []*vrrp.GroupStatus { return p.router.Groups() },
	})
	return nil
}

// publishReleases passes the releases of the last daemon to the groups before they start.
func (p *parts) publishReleases() {
	for _, order := range p.releases.current() {
		order.Cause = p.minter.Cause(time.Now())
		p.results.Publish(order)
	}
}
