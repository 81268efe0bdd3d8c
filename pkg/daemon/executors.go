package daemon

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/advert/send"
	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
	"ripcord/pkg/liveness"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/neigh"
	"ripcord/pkg/route"
	"ripcord/pkg/sysctl"
	"ripcord/pkg/wakeup"
)

// The executors carry out the orders of the router: only they send adverts and change what the
// machine holds.

func (p *parts) buildEngine(o Options) error {
	sender, err := send.OpenSender()
	if err != nil {
		return fmt.Errorf("cannot send adverts: %w", err)
	}
	p.closers = append(p.closers, sender)
	waiter, err := p.openWaiter()
	if err != nil {
		return err
	}
	p.engine = send.New(send.Config{
		Stats: p.stats, Lease: p.lease, Sender: sender, Waiter: waiter,
		Results: &p.results, Events: &p.events, Minter: p.minter, Now: time.Now,
		Late: p.metrics.AdvertLate, Record: p.inherited.record, Threads: p.threads(o),
	})
	return nil
}

func (p *parts) buildWorker(o Options) error {
	kernel, err := addr.OpenKernel(record(o.dir()))
	if err != nil {
		return fmt.Errorf("cannot change addresses: %w", err)
	}
	p.closers = append(p.closers, kernel)
	// A crashed run may have changed settings of links. Those that cannot be restored now, or that
	// adopted addresses need, are tried again, and reported, at the end.
	if !p.inherited.past.Active() {
		_, _ = kernel.RestoreSecondaries()
	}
	var asked addr.Kernel = kernel
	if o.Kernel != nil {
		asked = o.Kernel(kernel)
	}
	routes, err := route.OpenKernel()
	if err != nil {
		return fmt.Errorf("cannot change routes: %w", err)
	}
	routes.Watching = p.asked(event.AskRouteNotifications)
	p.closers = append(p.closers, routes)
	devices, err := macvlan.OpenKernel()
	if err != nil {
		return fmt.Errorf("cannot make links for virtual MACs: %w", err)
	}
	p.closers = append(p.closers, devices)
	filter, err := p.openFirewall(o)
	if err != nil {
		return err
	}
	frames, err := neigh.OpenSender()
	if err != nil {
		return fmt.Errorf("cannot announce addresses: %w", err)
	}
	p.closers = append(p.closers, frames)
	listener, err := neigh.OpenListener()
	if err != nil {
		return fmt.Errorf("cannot listen to the stations on the links: %w", err)
	}
	listener.Questions = p.questions
	p.closers = append(p.closers, listener)
	waiter, err := p.openWaiter()
	if err != nil {
		return err
	}
	p.inherited.left = addr.Leftovers{Kernel: asked, Routes: routes, Devices: devices}
	p.worker = addr.NewWorker(addr.Config{
		Sets: o.Config.Held(), Lease: p.lease, Links: p.links, Addresses: &p.addresses,
		Heard: &p.heard, Results: &p.results, Events: &p.events, Warnings: p.warnings, Questions: p.questions, Setting: sysctl.Read, Minter: p.minter,
		Kernel: asked, Routes: routes, Devices: devices, Firewall: filter, Sender: frames, Listener: listener, Now: time.Now,
		Threads: p.threads(o), Waiter: waiter,
	})
	return nil
}

// openWaiter opens the Waiter of a goroutine that has a thread of its own.
func (p *parts) openWaiter() (*wakeup.Waiter, error) {
	waiter, err := wakeup.OpenWaiter()
	if err != nil {
		return nil, fmt.Errorf("cannot keep time: %w", err)
	}
	p.closers = append(p.closers, waiter)
	return waiter, nil
}

// buildWatcher makes the watcher of the machines of Actives.
func (p *parts) buildWatcher(o Options) error {
	frames, err := neigh.OpenSender()
	if err != nil {
		return fmt.Errorf("cannot ask other routers: %w", err)
	}
	p.closers = append(p.closers, frames)
	p.watcher = liveness.New(liveness.Config{
		Links: p.links, Results: &p.results, Minter: p.minter, Sender: frames, OtherStations: p.worker.OtherStations, Threads: p.threads(o), Now: time.Now,
		Open: func() (liveness.Answers, error) { return neigh.OpenAnswers() },
		Failed: func(err error) {
			p.events.Publish(event.ProbeFailed{Stamp: event.Stamp{At: time.Now()}, Err: err.Error()})
		},
	})
	return nil
}

// asked returns a function that records the outcome of a question to the kernel.
func (p *parts) asked(what event.Question) func(error) {
	return func(err error) { p.questions.Asked(what, err, time.Now()) }
}

// openFirewall opens nftables, which a machine may lack if no instance needs it.
func (p *parts) openFirewall(o Options) (addr.Firewall, error) {
	filter, err := firewall.OpenKernel()
	switch {
	case err == nil:
		filter.Watching = p.asked(event.AskFilterNotifications)
		p.closers = append(p.closers, filter)
		return filter, nil
	case slices.ContainsFunc(o.Config.Sets, func(s addr.Set) bool { return s.Refuse }):
		return nil, fmt.Errorf("accept: false needs nftables: %w", err)
	case !errors.Is(err, firewall.ErrNone):
		return nil, err
	}
	return addr.NoFirewall{}, nil
}
