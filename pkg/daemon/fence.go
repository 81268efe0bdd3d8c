package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/pkg/notify"
	"ripcord/pkg/router"
	"ripcord/pkg/vrrp"
)

// fencer runs fence commands for the router.
type fencer struct {
	config   *atomic.Pointer[config.Config] // the configuration in force
	notifier *notify.Notifier
	events   *bus.Topic[event.Event]
	results  *bus.Topic[vrrp.Result]
}

var _ router.Fencer = fencer{}

// Fence implements router.Fencer. It returns at once, because looking up the user may take long.
func (f fencer) Fence(e vrrp.RunFence) { go f.start(e) }

// start runs the command as script_user.
func (f fencer) start(e vrrp.RunFence) {
	done := func(r command.Result) { f.ended(e, r) }
	user, err := defaultUser(f.config.Load())
	if err == nil {
		err = f.notifier.Fence(notify.Fence{
			Argv: e.Fence.Argv, User: user, Timeout: e.Fence.Timeout,
			Name: e.Group, Interface: e.Instance.Interface, VRID: e.Instance.VRID, Active: e.Active, Trace: e.Cause.Trace,
		}, done)
	}
	if err != nil {
		done(command.Result{Err: err})
	}
}

// ended reports the result of a command to the group and the log.
func (f fencer) ended(e vrrp.RunFence, r command.Result) {
	now := time.Now()
	ran := event.FenceRan{
		Stamp: event.Stamp{Cause: e.Cause, At: now}, Subject: e.Group, Command: e.Fence.Argv[0], Active: e.Active,
		Took: r.Took, Output: r.Output,
	}
	ran.Result, ran.Err = notify.ResultOf(r.Err)
	f.events.Publish(ran)
	f.results.Publish(vrrp.Fenced{Cause: event.Cause{Trace: e.Cause.Trace, At: now}, Ticket: e.Ticket, Err: ran.Err})
}

// fenced reports whether a group has a fence.
func fenced(c *config.Config) bool {
	return slices.ContainsFunc(c.Groups, func(g vrrp.Group) bool { return g.Fence != nil })
}

// adviseFences returns why fence commands would not run on this machine.
func adviseFences(c *config.Config) (advice []string) {
	user, err := defaultUser(c)
	for _, g := range c.Groups {
		if g.Fence == nil {
			continue
		}
		if err == nil {
			_, unfit := command.CheckExecutable(g.Fence.Argv[0], user)
			if unfit == nil {
				continue
			}
			advice = append(advice, fmt.Sprintf("the fence command of %s will not run: %v", g.Title(), unfit))
			continue
		}
		advice = append(advice, fmt.Sprintf("the fence command of %s cannot run as script_user: %v", g.Title(), err))
	}
	return advice
}

// fenceProbe is how long the stations may take to answer a dry run.
const fenceProbe = 2 * time.Second

// Fence implements control.Orders: it returns what a fence would run, and whether each of its
// conditions holds. It asks the stations, and runs nothing.
func (o orders) Fence(ctx context.Context, name string) (*control.Fence, error) {
	if err := releasable(o.parts.router.Groups(), name); err != nil {
		return nil, err
	}
	c := o.parts.config.Load()
	at := slices.IndexFunc(c.Groups, func(g vrrp.Group) bool { return g.Title() == name })
	if at < 0 || c.Groups[at].Fence == nil {
		return nil, fmt.Errorf("%s has no fence: the key is fence, with the command to run", name)
	}
	g := &c.Groups[at]
	plan := &control.Fence{Name: name, Command: g.Fence.Argv, User: c.ScriptUser, Timeout: g.Fence.Timeout.String(), OnFailure: "hold"}
	if g.Fence.Proceed {
		plan.OnFailure = "proceed"
	}
	add := func(what string, holds bool) {
		plan.Conditions = append(plan.Conditions, control.Condition{Text: what, Holds: holds})
	}
	unfit := o.unfit(ctx, c, g)
	add(strings.Join(append([]string{"the program can be run"}, unfit...), ": "), len(unfit) == 0)
	o.addState(plan, name, add)
	answered := o.askStations(ctx, g)
	for _, link := range g.Links() {
		add("a station answers on "+link, answered[link])
	}
	plan.Holds = !slices.ContainsFunc(plan.Conditions, func(c control.Condition) bool { return !c.Holds })
	return plan, nil
}

// unfit returns why the fence command of a group would not run.
func (o orders) unfit(ctx context.Context, c *config.Config, g *vrrp.Group) []string {
	user, err := defaultUser(c)
	if err == nil {
		err = o.parts.programs.Check(ctx, (&notify.Fence{Argv: g.Fence.Argv, User: user, Name: g.Title()}).Request())
	}
	if err != nil {
		return []string{fmt.Sprintf("the fence command of %s will not run: %v", g.Title(), err)}
	}
	return nil
}

// addState adds the conditions that depend on the state of the group.
func (o orders) addState(plan *control.Fence, name string, add func(string, bool)) {
	for _, st := range o.parts.router.Groups() {
		if st.Title() != name {
			continue
		}
		plan.Holding = st.Holding
		heard, silent := "", true
		for _, m := range st.Members {
			if m.Silenced.IsValid() && heard == "" {
				heard = m.Silenced.String()
			}
			silent = silent && !m.ActiveAddress.IsValid()
		}
		add("the state is backup: it is "+st.State.String(), st.State == event.Backup)
		if heard == "" {
			add("an Active was heard that did not resign: none was", false)
		} else {
			add("an Active was heard that did not resign: "+heard, true)
		}
		add("no Active is heard now", silent && st.State == event.Backup)
	}
}

// dryRuns receives the answers of stations to dry runs, one dry run at a time.
type dryRuns struct {
	mu      sync.Mutex
	bell    bus.Bell
	results *bus.Ring[vrrp.Result] // nil until the first one
}

// askStations asks the stations on the links of a group, and returns the links on which a station
// has answered.
func (o orders) askStations(ctx context.Context, g *vrrp.Group) map[string]bool {
	d := &o.parts.dryRuns
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.results == nil {
		d.bell = bus.NewBell()
		d.results = bus.SubscribeRing(&o.parts.results, d.bell, 256)
	}
	_, _ = d.results.Take() // earlier answers prove nothing
	ctx, cancel := context.WithTimeout(ctx, fenceProbe)
	defer cancel()
	links, answered := g.Links(), make(map[string]bool)
	o.parts.worker.AskForDryRun(links...)
	for len(answered) < len(links) {
		select {
		case <-d.bell:
		case <-ctx.Done():
			return answered
		}
		all, _ := d.results.Take()
		for _, in := range all {
			if f, ok := in.(vrrp.Forwards); ok && slices.Contains(links, f.Interface) {
				answered[f.Interface] = true
			}
		}
	}
	return answered
}
