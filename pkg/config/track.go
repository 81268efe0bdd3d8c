package config

import (
	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/spelling"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// tracked is one entry of track.
type tracked struct {
	link, check string // exactly one is set
	weight      int
	reverse     bool
	at          problem.Place
	present     schema.KeySet
	found       *check // the check of that name; nil if there is none, or for a link
}

func readTracked(report *problem.Report, at problem.Place) (tracked, bool) {
	t := tracked{at: at}
	t.present = trackKeys.Fill(report, at, &t)
	if t.present == nil {
		return t, false
	}
	_, isLink := t.present["interface"]
	if _, isCheck := t.present["check"]; isLink == isCheck {
		report.Fail(at, "needs either interface or check")
		return t, false
	}
	return t, true
}

// named indexes by name what can be tracked: the checks, and the links of virtual MACs.
type named struct {
	checks  map[string]*check
	names   []string             // the names of the checks
	bearers map[string]*instance // the instances by the link of their virtual MAC
}

// byName indexes checks by their names. If two have one name, the first counts.
func byName(all []*check, instances []*instance) named {
	n := named{checks: map[string]*check{}, bearers: map[string]*instance{}}
	for _, i := range instances {
		if i.virtualMAC.used {
			n.bearers[i.device().Name] = i
		}
	}
	for _, c := range all {
		if c.Name != "" && n.checks[c.Name] == nil {
			n.checks[c.Name] = c
			n.names = append(n.names, c.Name)
		}
	}
	return n
}

// checkTrack finds the checks of a list of tracked things, and reports entries that repeat or
// contradict others. where locates an entry.
func (n named) checkTrack(report *problem.Report, track []tracked, where func(problem.Place) problem.Place) {
	first := map[[2]string]bool{}
	for k := range track {
		t := &track[k]
		at := where(t.at)
		if key := [2]string{t.link, t.check}; first[key] && key != [2]string{} {
			report.Fail(at, "%s is tracked twice", problem.Show(t.link+t.check))
			continue
		} else {
			first[key] = true
		}
		if i := n.bearers[t.link]; i != nil {
			report.Advise(at, "track "+problem.Show(i.Interface)+" below it", "%s is the link of the virtual MAC of %s, and down while that is not Active", problem.Show(t.link), problem.Show(i.Name))
		}
		if t.check == "" {
			continue
		}
		if t.found = n.checks[t.check]; t.found == nil {
			report.Advise(at, spelling.DidYouMean(report.Suggest(t.check, n.names)), "no check is named %s", problem.Show(t.check))
			continue
		}
		t.found.used = true
		for _, key := range []string{"weight", "reverse"} {
			if w, ok := t.present[key]; ok && t.found.file != nil {
				report.Advise(where(w), "set the weight in the check, beside path", "%s is a check of a file, which sets its own weight", t.check)
			}
		}
	}
}

// effective returns the weight of an entry: its own, or that of the check.
func (t *tracked) effective() int {
	if _, own := t.present["weight"]; own || t.found == nil {
		return t.weight
	}
	return t.found.weight
}

// build returns the entry as the state machine needs it.
func (t *tracked) build() vrrp.Tracker {
	if t.found == nil {
		return vrrp.Tracker{Kind: vrrp.TrackInterface, Name: t.link, Weight: t.weight, Reverse: t.reverse}
	}
	reported := t.found.file != nil && t.found.file.Weight != 0
	return vrrp.Tracker{
		Kind: vrrp.TrackCheck, Name: t.check, Weight: t.effective(), Reverse: t.reverse, Reported: reported,
		Neutral: t.found.Initial == track.Neutral && (t.effective() != 0 || reported),
	}
}

func trackers(track []tracked) (all []vrrp.Tracker) {
	for _, t := range track {
		all = append(all, t.build())
	}
	return all
}
