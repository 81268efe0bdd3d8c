package link

import (
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/hint"
)

// hintStep is an observation at a time, and the result for the link eth0.
type hintStep struct {
	after   time.Duration // since the previous step
	observe Observation
	hinting event.Hinting
	every   time.Duration // the confirmer's period afterwards
	ask     bool          // the link is asked at once
}

func changed(index int) Observation { return Hinted{hint.Record{Index: index, Kind: hint.Changed}} }
func flagged(index int) Observation { return Hinted{hint.Record{Index: index, Kind: hint.Flagged}} }

// TestHints requires that the period follows from whether hints come with a link's losses.
func TestHints(t *testing.T) {
	const (
		ms     = time.Millisecond
		often  = 10 * ms
		seldom = time.Second
	)
	used, unproven, tooLate := event.HintsUsed, event.HintsUnproven, event.HintsLate
	examined := hintStep{0, means(true, notSupported), unproven, often, false}
	flag := hintStep{0, flagged(2), used, seldom, false}
	yes, no := confirm(2, 1, true), confirm(2, 1, false)
	for name, steps := range map[string][]hintStep{
		"a driver that answers from the kernel's flag": {flag, {0, means(true, notSupported), used, seldom, false},
			{seldom, changed(2), used, seldom, true}, {0, no, used, seldom, false},
			{seldom, changed(2), used, seldom, true}, {0, yes, used, seldom, false}},
		"that is learned afterwards":                             {examined, flag},
		"a driver without GLINK: the kernel's flag is asked for": {{0, means(false, notSupported), used, seldom, false}},
		"a hint is before the loss": {examined, {often, yes, unproven, often, false},
			{5 * ms, changed(2), unproven, often, true}, {0, no, used, seldom, false}},
		"asking shows the loss, the hint comes 2 s later (e1000)": {examined, {often, yes, unproven, often, false},
			{often, no, unproven, often, false}, {often, no, unproven, often, false}, {often, no, tooLate, often, false},
			{2 * seldom, changed(2), tooLate, often, true}, {0, yes, tooLate, often, false},
			{seldom, changed(2), tooLate, often, true}, {0, no, tooLate, often, false}},
		"or it comes 5 ms later: asking was of use": {examined, {often, yes, unproven, often, false},
			{often, no, unproven, often, false}, {5 * ms, changed(2), unproven, often, true}, {0, no, unproven, often, false},
			{20 * ms, no, tooLate, often, false}},
		"a question that overtakes the hint of a flag shows nothing": {examined, flag, {seldom, yes, used, seldom, false},
			{seldom, no, used, often, false}, {ms, changed(2), used, seldom, true}, {0, no, used, seldom, false}},
		"a flag whose hint was lost": {examined, flag, {seldom, yes, used, seldom, false},
			{seldom, no, used, often, false}, {often, no, used, often, false}, {often, no, tooLate, often, false}},
		"a hint of an earlier change is none of this loss": {examined, {0, changed(2), unproven, often, true}, {often, yes, unproven, often, false},
			{often, no, unproven, often, false}, {20 * ms, no, tooLate, often, false}},
		"set down by a person before the notification came": {examined, {often, yes, unproven, often, false},
			{often, no, unproven, often, false}, {ms, LinkSeen{up(2, "eth0", adminDown)}, unproven, often, false},
			{often, no, unproven, often, false}, {often, no, unproven, often, false}},
		"another link": {examined, {0, changed(3), unproven, often, false}, {0, changed(9), unproven, often, false}},
	} {
		t.Run(name, func(t *testing.T) {
			table := NewTable(TableConfig{
				Minter: event.NewMinter(0), Watched: []string{"eth0"}, Hints: Hints{Attachment: "fentry"},
				Default: Settings{Monitor: Auto, Confirm: often, Poll: seldom, Hint: true},
			})
			now := time.Unix(1000, 0)
			table.Observe(links(Initial, up(2, "eth0"), up(3, "eth1")), now)
			for i, step := range steps {
				now = now.Add(step.after)
				if h, ok := step.observe.(Hinted); ok {
					h.At = now
					step.observe = h
				}
				out := table.Observe(step.observe, now)
				asked := len(table.TakeHinted(nil)) > 0
				hinting, every := table.Links("eth0")[0].Hinting, table.Targets(nil, []string{"eth0"})[0].Every
				if hinting != step.hinting || every != step.every || asked != step.ask || out.Ask != step.ask {
					t.Fatalf("step %d: hints are %s, period %v, asked at once: %v; want %s, %v, %v", i, hinting, every, asked, step.hinting, step.every, step.ask)
				}
				if planned := out.Replan; i > 0 && every != steps[i-1].every && !planned {
					t.Errorf("step %d: the confirmer does not learn that the period is %v", i, every)
				}
			}
		})
	}
}

// TestHintsOpened requires that a link that is flagged when the kernel begins to report is asked
// less often from then on.
func TestHintsOpened(t *testing.T) {
	table := NewTable(TableConfig{
		Minter: event.NewMinter(0), Watched: []string{"eth0"},
		Default: Settings{Monitor: Auto, Confirm: 10 * time.Millisecond, Poll: time.Second, Hint: true},
	})
	now := time.Unix(1000, 0)
	table.Observe(links(Initial, up(2, "eth0")), now)
	table.Observe(means(false, notSupported), now)
	check := func(when string, hinting event.Hinting, period time.Duration) {
		t.Helper()
		if l, every := table.Links("eth0")[0], table.Targets(nil, []string{"eth0"})[0].Every; l.Hinting != hinting || every != period {
			t.Errorf("%s hints are %s, asked every %v; want %s, %v", when, l.Hinting, every, hinting, period)
		}
	}
	check("before", event.HintsNone, 10*time.Millisecond)
	out := table.Observe(HintsOpened{Hints{Attachment: "fentry"}}, now)
	check("after", event.HintsUsed, time.Second)
	if !out.Replan || len(out.Events) != 1 || !strings.Contains(out.Events[0].Message(), "every 1s") {
		t.Errorf("HintsOpened leads to %+v, want another plan and one line that says so", out)
	}
	if out := table.Observe(HintsOpened{Hints{Why: "refused"}}, now); len(out.Events) != 1 {
		t.Errorf("HintsOpened without hints leads to %+v", out)
	}
	if out := table.Observe(HintsOpened{Hints{Why: "still refused"}}, now); len(out.Events) != 0 {
		t.Errorf("a repeated HintsOpened leads to %+v", out)
	}
}

// TestHintsUnwanted requires that without hints, or with `hint: off`, a record has no effect.
func TestHintsUnwanted(t *testing.T) {
	for want, c := range map[event.Hinting]TableConfig{
		event.HintsNone: {Default: Settings{Confirm: 10 * time.Millisecond, Poll: time.Second, Hint: true}},
		event.HintsOff:  {Default: Settings{Confirm: 10 * time.Millisecond, Poll: time.Second}, Hints: Hints{Attachment: "kprobe"}},
	} {
		c.Minter, c.Watched = event.NewMinter(0), []string{"eth0"}
		table := NewTable(c)
		now := time.Unix(1000, 0)
		table.Observe(links(Initial, up(2, "eth0")), now)
		for _, o := range []Observation{flagged(2), changed(2)} {
			if out := table.Observe(o, now); out.Ask || out.Replan || !out.Empty() {
				t.Errorf("%s: a record leads to %+v", want, out)
			}
		}
		if l, every := table.Links("eth0")[0], table.Targets(nil, []string{"eth0"})[0].Every; l.Hinting != want || every != 10*time.Millisecond {
			t.Errorf("hints are %s, asked every %v; want %s, 10ms", l.Hinting, every, want)
		}
	}
}

// TestHintsBelow requires that a VLAN and its NIC each have their own period, and that both are
// asked after a hint about either.
func TestHintsBelow(t *testing.T) {
	table := NewTable(TableConfig{
		Minter: event.NewMinter(0), Watched: []string{"vlan"}, Hints: Hints{Attachment: "fentry"},
		Default: Settings{Monitor: Auto, Confirm: 10 * time.Millisecond, Poll: time.Second, Hint: true},
	})
	now := time.Unix(1000, 0)
	table.Observe(links(Initial, up(2, "eth0"), up(3, "vlan", on(2))), now)
	table.Observe(flagged(3), now)
	for _, target := range table.Targets(nil, []string{"vlan"}) {
		if want := map[string]time.Duration{"vlan": time.Second, "eth0": 10 * time.Millisecond}[target.Name]; target.Every != want {
			t.Errorf("%s is asked every %v, want %v", target.Name, target.Every, want)
		}
	}
	table.Observe(changed(2), now)
	if hinted := table.TakeHinted(nil); len(hinted) != 1 || hinted[0].Name != "eth0" {
		t.Errorf("%+v is asked, want the NIC below the VLAN", hinted)
	}
}
