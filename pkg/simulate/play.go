package simulate

import (
	"slices"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/sim"
	"ripcord/pkg/vrrp"
)

// play is one run of a LAN.
type play struct {
	lan     *LAN
	world   *sim.World
	routers map[string]*sim.Router
	configs map[string]*config.Config // the configuration that each router has read, or reads when it starts
	record  *record
}

// Play plays the acts on the LAN until the instant long, and returns what happened. It returns an
// error only if Options.Interrupted does.
func (l *LAN) Play(acts []Act, long time.Duration) (*Result, error) {
	p := l.begin()
	if !l.options.Cold {
		if err := p.settle(); err != nil {
			return nil, err
		}
		p.record.begin(p.world.Now())
	}
	zero := p.world.Now()
	acts = slices.Clone(acts)
	slices.SortStableFunc(acts, func(a, b Act) int { return int(a.At - b.At) })
	for _, a := range acts {
		p.world.After(a.At, func() {
			p.record.act(a)
			a.do(p)
		})
	}
	if err := p.run(zero.Add(long)); err != nil {
		return nil, err
	}
	return p.record.result(long), nil
}

// interruptInterval is the virtual time between two calls of Options.Interrupted.
const interruptInterval = time.Second

// run plays until an instant, or until Options.Interrupted returns an error.
func (p *play) run(end time.Time) error {
	for now := p.world.Now(); now.Before(end); now = p.world.Now() {
		if interrupted := p.lan.options.Interrupted; interrupted != nil {
			if err := interrupted(); err != nil {
				return err
			}
		}
		p.world.Run(now.Add(min(interruptInterval, end.Sub(now))))
	}
	return nil
}

// begin creates the routers and starts them.
func (l *LAN) begin() *play {
	w := sim.NewWorld(l.options.Seed)
	p := &play{lan: l, world: w, routers: make(map[string]*sim.Router), configs: make(map[string]*config.Config), record: newRecord(l, w)}
	for _, name := range l.segments {
		w.AddSegment(name).Host = true
	}
	for _, r := range l.routers {
		p.routers[r.Name] = w.AddRouter(r.Name, r.Config.Groups, r.links)
		p.configs[r.Name] = r.Config
		p.routers[r.Name].SetChecks(specs(r.Config))
		for _, name := range r.all(interfaces) {
			p.routers[r.Name].Plug(name, r.links[name])
		}
	}
	for _, r := range l.routers {
		p.routers[r.Name].Start()
	}
	return p
}

// reload gives a router another configuration. Its daemon logs the changes if it runs.
func (p *play) reload(r *router, next *config.Config) {
	at := p.routers[r.Name]
	if d := config.Compare(p.configs[r.Name], next); at.Core() != nil {
		p.record.event(r.Name, event.ConfigReloaded{
			Stamp: event.Stamp{At: p.world.Now()}, File: next.File, Added: d.Added, Changed: d.Changed, Removed: d.Removed,
		})
	}
	p.configs[r.Name] = next
	at.SetChecks(specs(next))
	at.Reconfigure(next.Groups, r.links)
	p.record.configure(r.Name, next.Groups)
}

// maxSettling is the longest time that the routers get to settle before the instant 0.
const maxSettling = 10 * time.Minute

// settle plays until the routers have settled: all start delays have passed, and no group has
// changed its state for an Active_Down_Interval.
func (p *play) settle() error {
	var delays, silence time.Duration
	for _, s := range p.lan.subscribers() {
		delays = max(delays, s.in.StartupDelay+s.in.PreemptDelay)
		silence = max(silence, vrrp.ActiveDownInterval(vrrp.Impaired, s.in.Interval, s.in.Miss))
	}
	end := p.world.Now().Add(min(delays+2*silence+time.Second, maxSettling))
	latest := p.world.Now().Add(maxSettling)
	for {
		if err := p.run(end); err != nil {
			return err
		}
		last := p.record.moved
		if !end.Before(latest) || end.Sub(last) >= silence {
			return nil
		}
		end = last.Add(silence)
	}
}

// port returns a port of this world.
func (p *play) port(at Port) *sim.Port { return p.routers[at.Router].Port(at.Interface) }
