package daemon

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/config"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/router"
	"ripcord/pkg/runner"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// A reload reads the file again, while the present configuration stays in force. A file that cannot
// be used changes nothing. A usable one is applied as a difference: first to the parts that must
// know an instance before it acts, last to the router, whose loop starts, stops and changes the
// groups. So an instance that stayed the same is not touched.

// reloadWithin is how long the parts may take for a new configuration. A part that hangs must not
// block reloads for ever.
const reloadWithin = 20 * time.Second

var (
	errClientLeft = errors.New("the client that requested the reload has left")
	errTooSlow    = fmt.Errorf("it took longer than %v", reloadWithin)
)

// reloadOrder is a reload that a client requested.
type reloadOrder struct {
	client context.Context // ends when the client leaves
	dryRun bool
	result chan<- reloadResult // takes one without blocking
}

type reloadResult struct {
	answer *control.Reloaded
	err    error
}

// reloads carries out reloads, one after another, until ctx ends. Signals that come during a reload
// cause one more after it.
func (p *parts) reloads(ctx context.Context, o Options) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.hangup:
			notifyManager(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonicMicros()))
			_, _ = p.reload(ctx, o, reloadOrder{client: context.Background()}) // the log contains the result
			notifyManager("READY=1")
		case order := <-p.reloadOrders:
			answer, err := p.reload(ctx, o, order)
			order.result <- reloadResult{answer, err}
		}
	}
}

// requestReload requests a reload without waiting for it.
func (p *parts) requestReload() {
	select {
	case p.hangup <- struct{}{}:
	default:
	}
}

// Reload implements control.Orders. The reload continues if the client leaves after the file was
// read: the parts must not be left with different configurations.
func (o orders) Reload(client context.Context, dryRun bool) (*control.Reloaded, error) {
	result := make(chan reloadResult, 1)
	select {
	case o.parts.reloadOrders <- reloadOrder{client, dryRun, result}:
	case <-client.Done():
		return nil, errClientLeft
	}
	select {
	case r := <-result:
		return r.answer, r.err
	case <-client.Done():
		return nil, errClientLeft
	}
}

// reload reads the configuration again and applies it, or only returns the changes. The log says
// why a reload failed, whatever requested it.
func (p *parts) reload(ctx context.Context, o Options, order reloadOrder) (*control.Reloaded, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, reloadWithin, errTooSlow)
	defer cancel()
	file := p.config.Load().File
	answer, partly, err := p.reconfigure(ctx, o, order)
	if err == nil {
		return answer, nil
	}
	rejected := event.ConfigRejected{Stamp: event.Stamp{At: time.Now()}, File: file, Errors: problems(err), Partly: partly}
	p.events.Publish(rejected)
	return nil, errors.New(rejected.Message())
}

// reconfigure is reload without the report of errors. partly reports that a configuration with an
// error is partly in force.
func (p *parts) reconfigure(ctx context.Context, o Options, order reloadOrder) (answer *control.Reloaded, partly bool, err error) {
	before := p.config.Load()
	next, err := readAgain(ctx, o, order.client)
	if err != nil {
		return nil, false, err
	}
	d, notes := config.Compare(before, next.Config), slices.Concat(
		router.StartAnew(before.Groups, p.router.Groups(), next.Groups), restarts(o.Config, next.Config), newWarnings(before, next.Config))
	answer = &control.Reloaded{
		File: next.File, DryRun: order.dryRun,
		Added: orEmpty(d.Added), Changed: orEmpty(d.Changed), Removed: orEmpty(d.Removed), Values: d.Values, Notes: notes,
	}
	if order.dryRun {
		return answer, false, nil
	}
	if err := p.programs.Reload(ctx, next.table.Revision()); err != nil {
		return nil, false, fmt.Errorf("its programs cannot be run: %w", err)
	}
	if err := p.apply(ctx, before, next); err != nil {
		return nil, true, err
	}
	p.events.Publish(event.ConfigReloaded{
		Stamp: event.Stamp{At: time.Now()}, File: next.File, Added: d.Added, Changed: d.Changed, Removed: d.Removed, Values: d.Values, Notes: notes,
	})
	return answer, false, nil
}

// usable is a configuration that this machine can use, and what some parts need of it.
type usable struct {
	*config.Config
	checks []track.Spec
	notify notifySettings
	table  *runner.Table
}

// readAgain reads the configuration again, until ctx ends or the client leaves.
func readAgain(ctx context.Context, o Options, client context.Context) (next usable, err error) {
	if o.Load == nil {
		return next, errors.New("this daemon was given its configuration by another program: restart it to change that")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(client, func() { cancel(errClientLeft) })()
	if next.Config, err = o.Load(ctx); err != nil {
		return next, err
	}
	if next.checks, err = checkSpecs(next.Config); err != nil {
		return next, err
	}
	if next.notify, err = notifySettingsOf(next.Config); err != nil {
		return next, err
	}
	next.table, err = Programs(next.Config)
	return next, err
}

// newWarnings returns the warnings of a configuration that the previous one did not have: people
// should not have to learn from an outage which parts of a file are ignored.
func newWarnings(before, next *config.Config) (all []string) {
	const most = 20
	known := make(map[string]bool, len(before.Warnings))
	for _, w := range before.Warnings {
		known[w.Message] = true
	}
	for i, w := range next.Warnings {
		if known[w.Message] {
			continue
		}
		if len(all) == most {
			return append(all, fmt.Sprintf("ripcord check lists up to %d more warnings", len(next.Warnings)-i))
		}
		all = append(all, "warning: "+w.Summary())
	}
	return all
}

// apply gives the parts a new configuration, in the order in which an instance needs them. It is in
// force once all have it: after an error the next reload finds the same differences again.
func (p *parts) apply(ctx context.Context, before *config.Config, next usable) error {
	p.log.SetLevel(next.Log.Level)
	p.stats.Set(names(next.Config), time.Now())
	if err := p.checks.Apply(next.checks); err != nil {
		return fmt.Errorf("checks: %w", err)
	}
	p.notifier.Update(next.notify.Settings)
	// Links of instances that are gone are watched until these have stopped: otherwise they would
	// have a fault before.
	p.monitor.Reconfigure(watching(next.Config, before))
	if err := p.awaitLinks(ctx, Interfaces(next.Config)); err != nil {
		return err
	}
	if err := p.receiver.Reconfigure(ctx, next.Instances()); err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	changed := p.inherited.keep(next.Config)
	if err := p.router.Reconfigure(ctx, router.Reconfiguration{Groups: next.Groups, Sets: next.Held()}); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	p.releasing.Lock()
	err := p.releases.inherit(vrrp.Succeed(before.Groups, next.Groups))
	p.releasing.Unlock()
	if err != nil {
		return fmt.Errorf("releases: %w", err)
	}
	p.engine.Do(p.advertsNow(changed)...)
	p.monitor.Reconfigure(watching(next.Config, nil))
	p.config.Store(next.Config)
	return nil
}

// advertsNow returns orders to advertise now, instead of at the end of the interval.
func (p *parts) advertsNow(instances []string) (orders []advert.Order) {
	cause := p.minter.Cause(time.Now())
	for _, name := range instances {
		orders = append(orders, advert.Order{Kind: advert.Now, Cause: cause, Instance: name})
	}
	return orders
}

// watching returns the links and addresses that the monitor has to watch for a configuration, and
// for the previous one if it is given.
func watching(c, before *config.Config) link.Reconfigured {
	to := link.Reconfigured{
		Watched: Interfaces(c), OtherNames: heldInterfaces(c), Default: c.DefaultLink, Links: c.Links, Sources: Sources(c),
	}
	if before != nil {
		was := Sources(before)
		to.Watched = union(to.Watched, Interfaces(before))
		to.OtherNames = union(to.OtherNames, heldInterfaces(before))
		to.Sources.Named = append(to.Sources.Named, was.Named...)
		to.Sources.Virtual = append(to.Sources.Virtual, was.Virtual...)
	}
	return to
}

// union returns the elements of both lists, once and sorted.
func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// awaitLinks waits until the state of each link is known, including that it does not exist.
func (p *parts) awaitLinks(ctx context.Context, names []string) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		known := make(map[string]bool)
		for _, l := range p.links.Snapshot() {
			known[l.Name] = true
		}
		if !slices.ContainsFunc(names, func(name string) bool { return !known[name] }) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("links: %w", context.Cause(ctx))
		}
	}
}

// restarts returns a note for each key that needs a restart: its value differs from that of the
// configuration with which the daemon was started.
func restarts(started, next *config.Config) (notes []string) {
	for _, c := range []struct {
		key     string
		differs bool
	}{
		{"control.socket", started.Control.Socket != next.Control.Socket},
		{"control.listen", started.Control.Listen != next.Control.Listen},
		{"fifo", started.FIFO != next.FIFO || started.FIFOUser != next.FIFOUser || started.FIFOGroup != next.FIFOGroup || !reflect.DeepEqual(started.FIFOReader, next.FIFOReader)},
	} {
		if c.differs {
			notes = append(notes, c.key+" takes a restart")
		}
	}
	return notes
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// problems lists the problems of a configuration, each with its place.
func problems(err error) (list []string) {
	if all, ok := errors.AsType[problem.Problems](err); ok {
		for _, problem := range all {
			list = append(list, problem.Summary())
		}
		return list
	}
	return []string{err.Error()}
}
