package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/vrrp"
)

// Explanation says what one fault does, and what its end does.
type Explanation struct {
	Fault string `json:"fault"`
	// Acts are the lines that show it.
	Acts []string `json:"acts"`
	// Serves is who serves then, if not all addresses are served by one router with the
	// addresses of each.
	Serves string `json:"serves"`
	After  Nanos  `json:"after_ns"`  // until that has come so, at most; 0: nothing changes
	Outage Nanos  `json:"outage_ns"` // the longest of any address
	// Lasts reports that nobody serves an address until the fault is over: Outage is how long
	// that was in the run.
	Lasts bool  `json:"outage_lasts"`
	Split Nanos `json:"two_actives_ns"`
	// Back is the same, when the fault is over.
	Back       string `json:"back"`
	BackAfter  Nanos  `json:"back_after_ns"`
	BackOutage Nanos  `json:"back_outage_ns"`
	BackLasts  bool   `json:"back_outage_lasts"` // until the end of the run
	BackSplit  Nanos  `json:"back_two_actives_ns"`
}

// trouble is a fault, and how it begins and ends.
type trouble struct {
	name, begin, end string
	check            time.Duration // the interval of the check that finds it; 0: none does
	known            time.Duration // how long that takes at most
}

// troubles returns each fault that can happen to a LAN: of each cable, router and check.
func troubles(l *LAN) (all []trouble) {
	for _, r := range l.routers {
		for _, name := range interfaces(r.Config.Groups) {
			port := r.Name + " " + name
			all = append(all, trouble{name: "cable of " + port + " out", begin: "unplug " + port, end: "plug " + port})
		}
	}
	for _, r := range l.routers {
		all = append(all,
			trouble{name: r.Name + " loses power", begin: "kill " + r.Name, end: "start " + r.Name},
			trouble{name: "daemon of " + r.Name + " stopped", begin: "stop " + r.Name, end: "start " + r.Name},
			trouble{name: r.Name + " released", begin: "release " + r.Name, end: "resume " + r.Name})
	}
	for _, r := range l.routers {
		for _, check := range checks(r.Config.Groups) {
			name := r.Name + " " + check
			all = append(all, trouble{
				name: "check " + check + " fails on " + r.Name, begin: "check " + name + " fails", end: "check " + name + " passes",
				check: r.spec(check).Interval, known: r.knows(check),
			})
		}
	}
	return all
}

// paces are how long it takes until nothing moves any more, after a fault and after its end.
func paces(l *LAN) (fault, back time.Duration) {
	for _, s := range l.subscribers() {
		silence := vrrp.ActiveDownInterval(vrrp.Impaired, s.in.Interval, s.in.Miss)
		fault = max(fault, 2*silence+time.Second)
		back = max(back, 3*silence+s.in.Recovery.Wait+s.in.PreemptDelay+s.in.StartupDelay+time.Second)
	}
	return fault, back
}

// phases is how many instants between two adverts, or two runs of a check, are tried.
const phases = 8

// Explain plays each fault by itself, at several instants between two adverts, or two runs of the
// check that finds it, and its end.
func Explain(l *LAN) ([]Explanation, error) {
	all := []Explanation{}
	fault, back := paces(l)
	var interval time.Duration
	for _, s := range l.subscribers() {
		interval = max(interval, s.in.Interval)
	}
	for _, t := range troubles(l) {
		e := Explanation{Fault: t.name}
		for i := range phases {
			begin := time.Second + max(interval, t.check)*time.Duration(i)/phases
			end := begin + fault + t.known
			lines := []string{begin.String() + " " + t.begin, end.String() + " " + t.end}
			acts := make([]Act, len(lines))
			for i, line := range lines {
				var err error
				if acts[i], err = l.Act(line); err != nil {
					return nil, err
				}
			}
			r, err := l.Play(acts, end+back+t.known)
			if err != nil {
				return nil, err
			}
			e.add(lines, r, begin, end)
		}
		all = append(all, e)
	}
	return all, nil
}

// add adds a run in which the fault began and ended at some instants: the worst of all counts.
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

// changed returns how long it took from an instant until who serves changed for the last time
// before another one; 0 if it did not change.
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

// period is what was the case in a time.
type period struct {
	serves        string // at its end
	outage, split time.Duration
	lasts         bool // an outage lasts until the end
}

// between returns who serves at the end of a time, and the longest outage and split in it.
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

// nobodyServes stands for a router where there is none.
const nobodyServes = "nobody"

// ExplanationText returns explanations as a table that can be hung up.
func ExplanationText(all []Explanation) string {
	rows := [][]string{{"fault", "who serves", "after", "nobody served", "when it is over", "after", "nobody served"}}
	for _, e := range all {
		rows = append(rows, []string{
			e.Fault, e.Serves + twice(e.Split), after(e.Serves, e.After), without(e.Outage, e.Lasts, "until it is over"),
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

// after returns how the time until somebody else serves is written in the table.
func after(who string, d time.Duration) string {
	if d == 0 || who == nobodyServes {
		return "–"
	}
	return written(d)
}

// without returns how an outage is written in the table; one that lasts has no length of its own.
func without(d time.Duration, lasts bool, until string) string {
	switch {
	case lasts:
		return until
	case d == 0:
		return "never"
	}
	return written(d)
}

// twice returns the remark that two routers served.
func twice(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return " (two for " + written(d) + ")"
}
