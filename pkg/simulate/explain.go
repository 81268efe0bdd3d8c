package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/vrrp"
)

// Explanation describes the effect of one fault, and the effect of its end.
type Explanation struct {
	Fault string `json:"fault"`
	// Acts are the lines that reproduce it.
	Acts []string `json:"acts"`
	// Serves names the router that serves during the fault. If the addresses are split between
	// routers, it lists the addresses of each router.
	Serves string `json:"serves"`
	After  Nanos  `json:"after_ns"`  // the longest time from the fault until that router serves; 0: nothing changes
	Outage Nanos  `json:"outage_ns"` // the longest outage of any address
	// Lasts reports whether an address stays unserved until the fault is over. Outage is then the
	// length of that time in the run.
	Lasts bool  `json:"outage_lasts"`
	Split Nanos `json:"two_actives_ns"`
	// Back, BackAfter and BackOutage say the same about the end of the fault.
	Back       string `json:"back"`
	BackAfter  Nanos  `json:"back_after_ns"`
	BackOutage Nanos  `json:"back_outage_ns"`
	BackLasts  bool   `json:"back_outage_lasts"` // an address stays unserved until the end of the run
	BackSplit  Nanos  `json:"back_two_actives_ns"`
}

// singleFault is a fault that Explain plays, and the lines that begin and end it.
type singleFault struct {
	name, begin, end string
	check            time.Duration // the interval of the check that detects the fault; 0: no check does
	detection        time.Duration // the longest time the check takes to detect it
}

// singleFaults returns every single fault that can happen to a LAN: to its cables, its routers and
// their checks.
func singleFaults(l *LAN) (all []singleFault) {
	for _, r := range l.routers {
		for _, name := range interfaces(r.Config.Groups) {
			port := r.Name + " " + name
			all = append(all, singleFault{name: "cable of " + port + " out", begin: "unplug " + port, end: "plug " + port})
		}
	}
	for _, r := range l.routers {
		all = append(all,
			singleFault{name: r.Name + " loses power", begin: "kill " + r.Name, end: "start " + r.Name},
			singleFault{name: "daemon of " + r.Name + " stopped", begin: "stop " + r.Name, end: "start " + r.Name},
			singleFault{name: r.Name + " released", begin: "release " + r.Name, end: "resume " + r.Name})
	}
	for _, r := range l.routers {
		for _, check := range checks(r.Config.Groups) {
			name := r.Name + " " + check
			all = append(all, singleFault{
				name: "check " + check + " fails on " + r.Name, begin: "check " + name + " fails", end: "check " + name + " passes",
				check: r.spec(check).Interval, detection: r.detectionTime(check),
			})
		}
	}
	return all
}

// settlingTimes returns how long the routers take to settle after a fault and after its end.
func settlingTimes(l *LAN) (fault, back time.Duration) {
	for _, s := range l.subscribers() {
		silence := vrrp.ActiveDownInterval(vrrp.Impaired, s.in.Interval, s.in.Miss)
		fault = max(fault, 2*silence+time.Second)
		back = max(back, 3*silence+s.in.Recovery.Wait+s.in.PreemptDelay+s.in.StartupDelay+time.Second)
	}
	return fault, back
}

// phases is the number of instants tried within the interval of the adverts or of the check.
const phases = 8

// Explain plays each fault and its end by itself. It starts the fault at several instants between
// two adverts, or between two runs of the check that detects it.
func Explain(l *LAN) ([]Explanation, error) {
	all := []Explanation{}
	fault, back := settlingTimes(l)
	var interval time.Duration
	for _, s := range l.subscribers() {
		interval = max(interval, s.in.Interval)
	}
	for _, t := range singleFaults(l) {
		e := Explanation{Fault: t.name}
		for i := range phases {
			begin := time.Second + max(interval, t.check)*time.Duration(i)/phases
			end := begin + fault + t.detection
			lines := []string{begin.String() + " " + t.begin, end.String() + " " + t.end}
			acts := make([]Act, len(lines))
			for i, line := range lines {
				var err error
				if acts[i], err = l.Act(line); err != nil {
					return nil, err
				}
			}
			r, err := l.Play(acts, end+back+t.detection)
			if err != nil {
				return nil, err
			}
			e.add(lines, r, begin, end)
		}
		all = append(all, e)
	}
	return all, nil
}

// add adds a run of the fault. The explanation keeps the worst figures of all runs.
func (e *Explanation) add(lines []string, r *Result, begin, end time.Duration) {
	is := r.between(begin, end)
	if e.Acts == nil || is.outage > e.Outage || is.split > e.Split {
		e.Acts = lines
	}
	e.Serves, e.Outage, e.Lasts, e.Split = is.serves, max(e.Outage, is.outage), e.Lasts || is.lasts, max(e.Split, is.split)
	e.After = max(e.After, r.changed(begin, end))
	is = r.between(end, r.Length)
	e.Back, e.BackOutage, e.BackLasts, e.BackSplit = is.serves, max(e.BackOutage, is.outage), e.BackLasts || is.lasts, max(e.BackSplit, is.split)
	e.BackAfter = max(e.BackAfter, r.changed(end, r.Length))
}

// changed returns the time from the start of a period to the last change of the router that
// serves within it; 0 if there was no change.
func (r *Result) changed(from, to time.Duration) (after time.Duration) {
	for _, s := range r.Services {
		for _, v := range s.Served {
			if v.From >= from && v.From < to && v.From > 0 {
				after = max(after, v.From-from)
			}
		}
	}
	return after
}

// period summarizes a period of a result.
type period struct {
	serves        string // the router or routers that serve at its end
	outage, split time.Duration
	lasts         bool // whether an outage lasts until its end
}

// between returns what happened between two instants: who serves at the end, and the longest
// outage and split.
func (r *Result) between(from, to time.Duration) (is period) {
	var names, each []string
	for i := range r.Services {
		s := &r.Services[i]
		for _, o := range s.Outages {
			is.outage = max(is.outage, min(o.To, to)-max(o.From, from))
			is.lasts = is.lasts || o.From < to && o.To >= to
		}
		for _, d := range s.Splits {
			is.split = max(is.split, min(d.To, to)-max(d.From, from))
		}
		name := nobodyServes
		for _, v := range s.Served {
			if v.From < to && v.To >= to && len(v.Routers) > 0 {
				name = listed(v.Routers)
			}
		}
		each = append(each, s.title()+" "+name)
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	is.serves = strings.Join(each, "; ")
	if len(names) == 1 {
		is.serves = names[0]
	}
	return is
}

// nobodyServes takes the place of a router where no router serves.
const nobodyServes = "nobody"

// ExplanationText formats explanations as a table for print.
func ExplanationText(all []Explanation) string {
	rows := [][]string{{"fault", "served by", "after", "outage", "fault ended: served by", "after", "outage"}}
	for _, e := range all {
		rows = append(rows, []string{
			e.Fault, e.Serves + twice(e.Split), after(e.Serves, e.After), without(e.Outage, e.Lasts, "until it ends"),
			e.Back + twice(e.BackSplit), after(e.Back, e.BackAfter), without(e.BackOutage, e.BackLasts, "until the end"),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], runes(cell))
		}
	}
	var b strings.Builder
	for i, row := range rows {
		line := ""
		for j, cell := range row {
			line += pad(cell, widths[j]) + "   "
		}
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
		if i == 0 {
			total := 0
			for _, w := range widths {
				total += w + 3
			}
			fmt.Fprintln(&b, strings.Repeat("─", total-3))
		}
	}
	return b.String()
}

// after formats the time until another router serves.
func after(who string, d time.Duration) string {
	if d == 0 || who == nobodyServes {
		return "–"
	}
	return written(d)
}

// without formats the length of an outage. It writes until in place of the length for an outage
// that lasts.
func without(d time.Duration, lasts bool, until string) string {
	switch {
	case lasts:
		return until
	case d == 0:
		return "none"
	}
	return written(d)
}

// twice formats the remark that two routers served.
func twice(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return " (two for " + written(d) + ")"
}
