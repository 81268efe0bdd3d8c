package simulate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/sim"
)

// verb is a kind of act.
type verb struct {
	name, takes, does string
	read              func(w *words) (func(*play), error)
}

func (v *verb) usage() string { return "write " + strings.TrimSpace(v.name+" "+v.takes) }

// Verb describes a verb for the manual: its syntax and its effect.
type Verb struct{ Usage, Does string }

// Verbs returns all verbs.
func Verbs() (all []Verb) {
	for _, v := range verbs {
		all = append(all, Verb{strings.TrimSpace(v.name + " " + v.takes), v.does})
	}
	return all
}

func verbNames() (names []string) {
	for _, v := range verbs {
		names = append(names, v.name)
	}
	return names
}

// verbs are all verbs. init fills it to avoid an initialization cycle: errors quote the usage of
// verbs.
var verbs []*verb

func init() {
	verbs = []*verb{
		{"unplug", "ROUTER INTERFACE", "pulls a cable out", ofPort((*sim.Port).Pull)},
		{"plug", "ROUTER INTERFACE", "plugs the cable in again", ofPort((*sim.Port).Plug)},
		{"down", "ROUTER INTERFACE", "sets an interface down, as ip link set down does", ofPort((*sim.Port).Disable)},
		{"up", "ROUTER INTERFACE", "sets the interface up again", ofPort((*sim.Port).Enable)},
		{"kill", "ROUTER", "cuts the power of a router", ofRouter((*sim.Router).Crash)},
		{"stop", "ROUTER", "stops the daemon of a router, as systemctl stop does", ofRouter((*sim.Router).Stop)},
		{"start", "ROUTER", "starts a router that was killed or stopped", ofRouter(start)},
		{"pause", "ROUTER TIME", "stops a machine for this time, as in a live migration of a VM", readPause},
		{"hang", "ROUTER TIME", "makes the main loop of the daemon hang for this time", readHang},
		{"lose", "SHARE% SEGMENT | SHARE% ROUTER INTERFACE [in|out]", "loses this share of frames on a segment, or at one port in one or both directions; 0% ends it", readLose},
		{"delay", "TIME SEGMENT", "delays frames in a queue by up to this time; 0s ends it", readDelay},
		{"block", "ROUTER INTERFACE [TIME]", "blocks the switch port for this time (default 30s), as spanning tree does", readBlock},
		{"partition", "SEGMENT ROUTER... / ROUTER... [/ ROUTER...]...", "cuts a segment into two or more sides, which do not hear each other", readPartition},
		{"heal", "SEGMENT", "joins the sides again", readHeal},
		{"check", "[ROUTER] NAME fails|hangs|passes", "makes a check fail, hang until its timeout, or pass, on one router or on all that track it", readCheck},
		{"release", "ROUTER [NAME]", "releases a group or instance, as ripcord release does; without NAME, all of them", readRelease(true)},
		{"resume", "ROUTER [NAME]", "ends the release", readRelease(false)},
		{"reload", "ROUTER FILE", "reloads a router with another configuration file", readReload},
		{"clock", "ROUTER +TIME|-TIME", "moves the wall clock of a router by this time", readClock},
	}
}

// ofRouter returns the parser of a verb that takes a router.
func ofRouter(do func(*sim.Router)) func(*words) (func(*play), error) {
	return func(w *words) (func(*play), error) {
		r, err := w.router()
		if err != nil {
			return nil, err
		}
		return func(p *play) { do(p.routers[r.Name]) }, nil
	}
}

// ofPort returns the parser of a verb that takes a port.
func ofPort(do func(*sim.Port)) func(*words) (func(*play), error) {
	return func(w *words) (func(*play), error) {
		at, err := w.port()
		if err != nil {
			return nil, err
		}
		return func(p *play) { do(p.port(at)) }, nil
	}
}

// start starts a router that is off.
func start(r *sim.Router) {
	if r.Core() == nil {
		r.Start()
	}
}

// parseStandstill parses a verb that makes a router stand still for a while.
func parseStandstill(w *words, begin, end func(*sim.Router)) (func(*play), error) {
	r, err := w.router()
	if err != nil {
		return nil, err
	}
	long, err := w.duration("the duration")
	if err != nil {
		return nil, err
	}
	return func(p *play) {
		at := p.routers[r.Name]
		begin(at)
		p.record.stand(r.Name, true)
		p.world.After(long, func() {
			end(at)
			p.record.stand(r.Name, false)
		})
	}, nil
}

func readPause(w *words) (func(*play), error) {
	return parseStandstill(w, (*sim.Router).Freeze, (*sim.Router).Resume)
}

func readHang(w *words) (func(*play), error) {
	return parseStandstill(w, (*sim.Router).Hang, (*sim.Router).Wake)
}

func readLose(w *words) (func(*play), error) {
	share, err := w.share()
	if err != nil {
		return nil, err
	}
	if len(w.left) == 1 {
		segment, err := w.segment()
		return func(p *play) { p.world.Segment(segment).SetLoss(share) }, err
	}
	at, err := w.port()
	if err != nil {
		return nil, err
	}
	way, _ := w.take()
	switch way {
	case "in":
		return func(p *play) { p.port(at).SetDeaf(share) }, nil
	case "out":
		return func(p *play) { p.port(at).SetMute(share) }, nil
	case "":
		return func(p *play) {
			p.port(at).SetDeaf(share)
			p.port(at).SetMute(share)
		}, nil
	}
	return nil, fmt.Errorf("%q is not a direction: write in or out, as seen from the router", way)
}

func readDelay(w *words) (func(*play), error) {
	long, err := w.duration("the duration")
	if err != nil {
		return nil, err
	}
	segment, err := w.segment()
	return func(p *play) { p.world.Segment(segment).SetDelay(long) }, err
}

// spanningTree is the time that a port of a switch spends listening and learning before it
// forwards (IEEE 802.1D).
const spanningTree = 30 * time.Second

func readBlock(w *words) (func(*play), error) {
	at, err := w.port()
	if err != nil {
		return nil, err
	}
	long, err := w.optional("the duration", spanningTree)
	return func(p *play) { p.port(at).Block(long) }, err
}

func readPartition(w *words) (func(*play), error) {
	segment, err := w.segment()
	if err != nil {
		return nil, err
	}
	on := w.lan.ports(segment)
	sides, err := w.sides(segment, on)
	if err != nil {
		return nil, err
	}
	return func(p *play) {
		groups := make([][]*sim.Port, len(sides))
		for _, at := range on {
			side := slices.IndexFunc(sides, func(side []string) bool { return slices.Contains(side, at.Router) })
			groups[side] = append(groups[side], p.port(at))
		}
		p.world.Segment(segment).Partition(groups...)
	}, nil
}

// sides parses the routers of a segment in groups separated by "/". Each router on the
// segment has to be in one of them.
func (w *words) sides(segment string, on []Port) (sides [][]string, err error) {
	sides = [][]string{nil}
	placed := make(map[string]bool)
	for word, ok := w.take(); ok; word, ok = w.take() {
		if word == "/" {
			sides = append(sides, nil)
			continue
		}
		_, err := w.lan.find(word)
		switch {
		case err != nil:
			return nil, err
		case !slices.ContainsFunc(on, func(p Port) bool { return p.Router == word }):
			return nil, fmt.Errorf("%s has no interface on segment %s: name only routers that have one", word, segment)
		case placed[word]:
			return nil, fmt.Errorf("%s is named twice: name each router once", word)
		}
		placed[word] = true
		sides[len(sides)-1] = append(sides[len(sides)-1], word)
	}
	if len(sides) < 2 || slices.ContainsFunc(sides, func(side []string) bool { return len(side) == 0 }) {
		return nil, errors.New("the routers of at least two sides are needed, separated by /: " + w.verb.usage())
	}
	for _, p := range on {
		if !placed[p.Router] {
			return nil, fmt.Errorf("%s is on no side: %s", p.Router, w.verb.usage())
		}
	}
	return sides, nil
}

func readHeal(w *words) (func(*play), error) {
	segment, err := w.segment()
	return func(p *play) { p.world.Segment(segment).Partition() }, err
}

func readCheck(w *words) (func(*play), error) {
	of := w.lan.routers
	if len(w.left) == 3 {
		r, err := w.router()
		if err != nil {
			return nil, err
		}
		of = []*router{r}
	}
	name, err := w.next("the check")
	if err != nil {
		return nil, err
	}
	var known []string
	for _, r := range of {
		known = append(known, r.all(checks)...)
	}
	slices.Sort(known)
	if _, err := named("check", name, slices.Compact(known)); err != nil {
		return nil, err
	}
	result, err := w.next("the result (fails, hangs or passes)")
	if err == nil {
		_, err = named("result", result, []string{"fails", "hangs", "passes"})
	}
	if err != nil {
		return nil, err
	}
	return func(p *play) {
		for _, r := range of {
			found := sim.Finding{Down: result != "passes", Silent: result == "hangs" || result == "fails" && r.pings(name)}
			p.routers[r.Name].SetCheck(name, found)
		}
	}, nil
}

func readRelease(on bool) func(*words) (func(*play), error) {
	return func(w *words) (func(*play), error) {
		r, err := w.router()
		if err != nil {
			return nil, err
		}
		which := r.all(titles)
		if name, ok := w.take(); ok {
			if _, err := named("group or instance of "+r.Name, name, which); err != nil {
				return nil, err
			}
			which = []string{name}
		}
		return func(p *play) {
			for _, name := range which {
				if at := p.routers[r.Name]; on {
					at.Release(name)
				} else {
					at.Readmit(name)
				}
			}
		}, nil
	}
}

func readReload(w *words) (func(*play), error) {
	r, err := w.router()
	if err != nil {
		return nil, err
	}
	path, err := w.next("the file")
	switch {
	case err != nil:
		return nil, err
	case w.lan.options.Load == nil:
		return nil, errors.New("reload is not available here: no configuration files can be read")
	}
	next, err := w.lan.options.Load(path)
	if err != nil {
		return nil, err
	}
	r.later = append(r.later, next)
	w.lan.plug()
	return func(p *play) { p.reload(r, next) }, nil
}

func readClock(w *words) (func(*play), error) {
	r, err := w.router()
	if err != nil {
		return nil, err
	}
	if len(w.left) > 0 && !signed(w.left[0]) {
		return nil, fmt.Errorf("%q has no sign: write +%s or -%s", w.left[0], w.left[0], w.left[0])
	}
	ahead, err := w.duration("the offset")
	return func(p *play) { p.routers[r.Name].SetClock(ahead) }, err
}

// signed reports whether a word begins with a sign.
func signed(word string) bool { return strings.HasPrefix(word, "+") || strings.HasPrefix(word, "-") }
