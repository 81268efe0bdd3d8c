package simulate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Finding is the longest outage and the longest split that disturbances of one kind caused, and
// the fewest lines that reproduce each.
type Finding struct {
	Kind       string   `json:"kind"`
	Runs       int      `json:"runs"`
	Outage     Nanos    `json:"outage_ns"`
	OutageActs []string `json:"outage_acts"`
	Split      Nanos    `json:"two_actives_ns"`
	SplitActs  []string `json:"two_actives_acts"`
	// Unavoidable reports whether VRRP cannot exclude two Actives under disturbances of this
	// kind.
	Unavoidable bool `json:"two_actives_unavoidable"`
}

// several is the kind of the runs that mix disturbances of different kinds.
const several = "several of these"

// A run consists of a burst of disturbances and a quiet tail.
const (
	chaosBurst = 30 * time.Second
	chaosTail  = 60 * time.Second
	chaosRun   = chaosBurst + chaosTail
)

// disturbance is a kind of disturbance: it draws lines that begin a disturbance and end it.
type disturbance struct {
	kind string
	// silent reports whether a router may be alive but unheard, or may stand still and still
	// believe that it is Active. No VRRP router can exclude two Actives then.
	silent bool
	draw   func(c *chaos) []string // returns nil if the LAN has nothing that this kind could disturb
}

var chaosKinds = []disturbance{
	{"a cable out", false, func(c *chaos) []string { return c.pair("unplug "+c.port(), "plug "+c.last) }},
	{"an interface down", false, func(c *chaos) []string { return c.pair("down "+c.port(), "up "+c.last) }},
	{"a loss of power", false, func(c *chaos) []string { return c.pair("kill "+c.router(), "start "+c.last) }},
	{"a daemon stopped", false, func(c *chaos) []string { return c.pair("stop "+c.router(), "start "+c.last) }},
	{"a release", false, func(c *chaos) []string { return c.pair("release "+c.router(), "resume "+c.last) }},
	{"a paused machine", true, func(c *chaos) []string { return c.once("pause " + c.router() + " " + c.time(10*time.Second)) }},
	{"a daemon that hangs", true, func(c *chaos) []string { return c.once("hang " + c.router() + " " + c.time(10*time.Second)) }},
	{"a check that fails", false, func(c *chaos) []string {
		check := c.check()
		if check == "" {
			return nil
		}
		return c.pair("check "+check+" fails", "check "+check+" passes")
	}},
	{"lost frames", true, func(c *chaos) []string {
		s := c.segment()
		return c.pair("lose "+c.share()+" "+s, "lose 0% "+s)
	}},
	{"frames lost in one direction", true, func(c *chaos) []string {
		way := c.port() + []string{" in", " out"}[c.rng.IntN(2)]
		return c.pair("lose "+c.share()+" "+way, "lose 0% "+way)
	}},
	{"late frames", true, func(c *chaos) []string {
		s := c.segment()
		return c.pair("delay "+c.time(500*time.Millisecond)+" "+s, "delay 0s "+s)
	}},
	{"a blocked port", true, func(c *chaos) []string { return c.once("block " + c.port() + " " + c.time(30*time.Second)) }},
}

// chaos draws disturbances of a LAN.
type chaos struct {
	lan  *LAN
	rng  *rand.Rand
	last string // the router, port, segment or check that was drawn last
}

func (c *chaos) draw(of []string) string {
	c.last = of[c.rng.IntN(len(of))]
	return c.last
}

func (c *chaos) router() string { return c.draw(c.lan.names()) }

func (c *chaos) segment() string { return c.draw(c.lan.segments) }

func (c *chaos) port() string {
	r := c.lan.routers[c.rng.IntN(len(c.lan.routers))]
	c.last = r.Name + " " + c.draw(interfaces(r.Config.Groups))
	return c.last
}

// check returns a random router and one of its checks; empty if no router has any.
func (c *chaos) check() string {
	var all []string
	for _, r := range c.lan.routers {
		for _, name := range checks(r.Config.Groups) {
			all = append(all, r.Name+" "+name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return c.draw(all)
}

func (c *chaos) share() string { return fmt.Sprintf("%d%%", 10*(1+c.rng.IntN(10))) }

// time returns a random time up to a maximum. Short times are more likely.
func (c *chaos) time(most time.Duration) string {
	d := time.Duration(float64(most) * c.rng.Float64() * c.rng.Float64())
	return max(d.Round(10*time.Millisecond), 10*time.Millisecond).String()
}

// once returns a line at a random instant of the burst.
func (c *chaos) once(what string) []string {
	return []string{(time.Duration(c.rng.Int64N(int64(chaosBurst/time.Millisecond))) * time.Millisecond).String() + " " + what}
}

// pair returns a line at a random instant of the burst, and a later line that ends the
// disturbance.
func (c *chaos) pair(begin, end string) []string {
	long := chaosBurst.Milliseconds()
	a, b := c.rng.Int64N(long), c.rng.Int64N(long)
	if c.rng.IntN(2) == 0 {
		b = a + 1 + c.rng.Int64N(3000)
	}
	first, then := min(a, b), max(a, b)
	return []string{(time.Duration(first) * time.Millisecond).String() + " " + begin, (time.Duration(then) * time.Millisecond).String() + " " + end}
}

// Chaos disturbs a LAN at random for a number of virtual hours, and returns the worst result of
// each kind of disturbance. The same seed returns the same findings.
func Chaos(l *LAN, hours float64, seed uint64) ([]Finding, error) {
	c := &chaos{lan: l, rng: rand.New(rand.NewPCG(seed, 0))}
	var found []Finding
	for _, k := range chaosKinds {
		found = append(found, Finding{Kind: k.kind, Unavoidable: k.silent})
	}
	found = append(found, Finding{Kind: several, Unavoidable: true})
	for left := max(1, int(hours*float64(time.Hour/chaosRun))); left > 0; {
		of := c.rng.IntN(len(found))
		lines := c.lines(of)
		if lines == nil {
			continue // the LAN has nothing that this kind could disturb
		}
		left--
		r, err := disturbed(l, lines)
		if err != nil {
			return nil, err
		}
		f := &found[of]
		f.Runs++
		if outage, _ := outage(r); outage > f.Outage {
			f.Outage, f.OutageActs = outage, lines
		}
		if split, _ := split(r); split > f.Split {
			f.Split, f.SplitActs = split, lines
		}
	}
	for i := range found {
		f := &found[i]
		var err error
		if f.OutageActs, f.Outage, err = shrink(l, f.OutageActs, outage); err != nil {
			return nil, err
		}
		if f.SplitActs, f.Split, err = shrink(l, f.SplitActs, split); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(found, func(f Finding) bool { return f.Runs == 0 }), nil
}

// lines draws the sorted lines of a run of a kind; nil if the LAN has nothing that the kind could
// disturb.
func (c *chaos) lines(of int) (lines []string) {
	if of < len(chaosKinds) {
		for range 1 + c.rng.IntN(2) {
			lines = append(lines, chaosKinds[of].draw(c)...)
		}
	} else {
		for range 2 + c.rng.IntN(3) {
			lines = append(lines, chaosKinds[c.rng.IntN(len(chaosKinds))].draw(c)...)
		}
	}
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(instantOf(a), instantOf(b)) })
	return lines
}

func instantOf(line string) time.Duration {
	first, _, _ := strings.Cut(line, " ")
	d, _ := time.ParseDuration(first)
	return d
}

// disturbed plays the lines of a run.
func disturbed(l *LAN, lines []string) (*Result, error) {
	acts := make([]Act, len(lines))
	for i, line := range lines {
		var err error
		if acts[i], err = l.Act(line); err != nil {
			return nil, err
		}
	}
	return l.Play(acts, chaosRun)
}

// FindingsText formats findings as text with commands that can be pasted. Each command begins
// with the given one, which describes the LAN.
func FindingsText(all []Finding, command string) string {
	var b strings.Builder
	show := func(what, remark string, d time.Duration, acts []string) {
		if d == 0 {
			fmt.Fprintf(&b, "  %s: none\n", what)
			return
		}
		fmt.Fprintf(&b, "  %s: %s%s\n    %s", what, written(d), remark, command)
		for _, line := range acts {
			fmt.Fprintf(&b, " --at '%s'", line)
		}
		fmt.Fprintf(&b, " --for %v\n", chaosRun)
	}
	for _, f := range all {
		fmt.Fprintf(&b, "%s (%d runs)\n", f.Kind, f.Runs)
		show("longest outage", "", f.Outage, f.OutageActs)
		remark := ""
		if f.Unavoidable {
			remark = ", which VRRP cannot exclude here"
		}
		show("two Actives", remark, f.Split, f.SplitActs)
	}
	return b.String()
}
