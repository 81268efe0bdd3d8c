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
	Outage Nanos  `json:"outage_ns"` // the longest of any address
	Split  Nanos  `json:"two_actives_ns"`
	// Back is the same, when the fault is over.
	Back       string `json:"back"`
	BackOutage Nanos  `json:"back_outage_ns"`
	BackSplit  Nanos  `json:"back_two_actives_ns"`
}

// trouble is a fault, and how it begins and ends.
type trouble struct{ name, begin, end string }

// troubles returns each fault that can happen to a LAN: of each cable, router and check.
func troubles(l *LAN) (all []trouble) {
	for _, r := range l.routers {
		for _, name := range interfaces(r.Config.Groups) {
			port := r.Name + " " + name
			all = append(all, trouble{"cable of " + port + " out", "unplug " + port, "plug " + port})
		}
	}
	for _, r := range l.routers {
		all = append(all,
			trouble{r.Name + " loses power", "kill " + r.Name, "start " + r.Name},
			trouble{"daemon of " + r.Name + " stopped", "stop " + r.Name, "start " + r.Name},
			trouble{r.Name + " released", "release " + r.Name, "resume " + r.Name})
	}
	for _, r := range l.routers {
		for _, check := range checks(r.Config.Groups) {
			name := r.Name + " " + check
			all = append(all, trouble{"check " + check + " fails on " + r.Name, "check " + name + " fails", "check " + name + " passes"})
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

// phases is how many instants between two adverts are tried.
const phases = 8

// Explain plays each fault by itself, at several instants between two adverts, and its end.
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
			begin := time.Second + interval*time.Duration(i)/phases
			end := begin + fault
			lines := []string{begin.String() + " " + t.begin, end.String() + " " + t.end}
			acts := make([]Act, len(lines))
			for i, line := range lines {
				var err error
				if acts[i], err = l.Act(line); err != nil {
					return nil, err
				}
			}
			e.add(lines, l.Play(acts, end+back), begin, end)
		}
		all = append(all, e)
	}
	return all, nil
}

// add adds a run in which the fault began and ended at some instants: the worst of all counts.
func (e *Explanation) add(lines []string, r *Result, begin, end time.Duration) {
	serves, outage, split := r.between(begin, end)
	if e.Acts == nil || outage > e.Outage || split > e.Split {
		e.Acts = lines
	}
	e.Serves, e.Outage, e.Split = serves, max(e.Outage, outage), max(e.Split, split)
	serves, outage, split = r.between(end, r.Length)
	e.Back, e.BackOutage, e.BackSplit = serves, max(e.BackOutage, outage), max(e.BackSplit, split)
}

// between returns who serves at the end of a time, and the longest outage and split that began
// in it.
func (r *Result) between(from, to time.Duration) (serves string, outage, split time.Duration) {
	var names, each []string
	for i := range r.Services {
		s := &r.Services[i]
		for _, o := range s.Outages {
			if o.From >= from && o.From < to {
				outage = max(outage, min(o.To, to)-o.From)
			}
		}
		for _, d := range s.Splits {
			if d.From >= from && d.From < to {
				split = max(split, min(d.To, to)-d.From)
			}
		}
		name := "nobody"
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
	if len(names) == 1 {
		return names[0], outage, split
	}
	return strings.Join(each, "; "), outage, split
}

// ExplanationText returns explanations as a table that can be hung up.
func ExplanationText(all []Explanation) string {
	rows := [][]string{{"fault", "who serves", "nobody served", "when it is over", "nobody served"}}
	for _, e := range all {
		rows = append(rows, []string{e.Fault, e.Serves + twice(e.Split), without(e.Outage), e.Back + twice(e.BackSplit), without(e.BackOutage)})
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

// without returns how an outage is written in the table.
func without(d time.Duration) string {
	if d == 0 {
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
