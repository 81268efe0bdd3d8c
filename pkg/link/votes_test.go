package link

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// TestVotesAnswer requires that a source has a vote from its first "up" on, and that only the
// source takes back what it reported.
func TestVotesAnswer(t *testing.T) {
	at := time.Unix(1000, 0)
	var v votes
	v.describe(true, event.Resync, at)
	v.admit(event.Confirm, false, at)
	if v.of(event.Confirm) != nil {
		t.Error("a source that has never reported up has a vote")
	}
	v.admit(event.Confirm, true, at)
	v.admit(event.MII, true, at)
	if v.down() || !v.up() {
		t.Errorf("down %v, up %v of two that report up", v.down(), v.up())
	}
	if !v.of(event.Confirm).answer(false, at.Add(1)) || v.of(event.Confirm).answer(false, at.Add(2)) {
		t.Error("the first down must be a change, and the second none")
	}
	v.of(event.MII).answer(true, at.Add(2))
	v.describe(true, event.Notification, at.Add(2))
	if !v.down() {
		t.Error("another source took the report back")
	}
	if c := v.of(event.Confirm); !c.downAt.Equal(at.Add(1)) || !c.upAt.Equal(at) || !c.at.Equal(at.Add(2)) {
		t.Errorf("down since %v, up since %v, last at %v", c.downAt, c.upAt, c.at)
	}
	if !v.of(event.Confirm).answer(true, at.Add(3)) || v.down() {
		t.Error("the report was not taken back")
	}
}

// TestVotesUnanswered requires that a vote is withdrawn at the tick, once, and counts again when
// the source answers.
func TestVotesUnanswered(t *testing.T) {
	for _, c := range []struct {
		othersUp bool
		after    time.Duration
	}{{true, withdrawAfter}, {false, withdrawAloneAfter}} {
		at := time.Unix(1000, 0)
		var v votes
		v.admit(event.MII, true, at)
		if v.unanswered(event.MII, at.Add(time.Hour), c.othersUp) {
			t.Error("a source that reports up is withdrawn")
		}
		v.of(event.MII).answer(false, at)
		v.unanswered(event.MII, at, c.othersUp)
		if v.unanswered(event.MII, at.Add(c.after-1), c.othersUp) || !v.down() {
			t.Errorf("others up %v: withdrawn before %v", c.othersUp, c.after)
		}
		if !v.unanswered(event.MII, at.Add(c.after), c.othersUp) || v.down() {
			t.Errorf("others up %v: not withdrawn after %v", c.othersUp, c.after)
		}
		if v.unanswered(event.MII, at.Add(2*c.after), c.othersUp) {
			t.Error("withdrawn a second time")
		}
		if !v.of(event.MII).answer(false, at.Add(2*c.after)) || !v.down() {
			t.Error("the source answers again, and its vote does not count")
		}
	}
}

// TestVotesInTheEvent requires that the event says which source reported first, and when each did.
// The times are how long before the event each source began to report it.
func TestVotesInTheEvent(t *testing.T) {
	const ms = time.Millisecond
	start := observed{observe: links(Initial, up(2, "eth0"))}
	asked := observed{observe: confirm(2, 1, true), after: time.Second}
	pulled := observed{observe: confirm(2, 1, false), after: time.Second,
		want: "link.down: resync up 2s, confirm down 0s (up 1s)"}
	for name, steps := range map[string][]observed{
		"the confirmer is first, the kernel 800 ms late; the kernel is first with the return": {start, asked, pulled,
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, after: 800 * ms},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: 200 * ms},
			{observe: confirm(2, 1, true), after: 5 * ms,
				want: "link.up: notification up 5ms (down 205ms), confirm up 0s (down 1.005s)"}},
		"who repeats himself began when he began": {start, asked, pulled,
			{observe: confirm(2, 1, false), after: time.Second},
			{observe: confirm(2, 1, true), after: time.Second,
				want: "link.up: resync up 4s, confirm up 0s (down 2s)"}},
		"a dump finds it": {start,
			{observe: links(Overrun, up(2, "eth0", noCarrier)), after: time.Second, want: "link.down: resync down 0s (up 1s)"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: time.Second, want: "link.up: notification up 0s (down 1s)"}},
		"a flap that the kernel only counted": {start, asked,
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: time.Second, want: "link.flapped: resync up 2s, confirm up 1s"}},
		"a debounced loss is older than its event": {
			{set: delays(time.Second, 0), observe: links(Initial, up(2, "eth0"))},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, after: time.Second},
			{observe: Elapsed{}, after: time.Second, want: "link.down: notification down 1s (up 2s)"}},
		"what it stands on is heard too, a down before an up": {
			{observe: links(Initial, up(2, "eth0", on(7)), up(7, "nic"))},
			{observe: confirm(2, 1, true), after: time.Second}, {observe: confirm(7, 2, true), after: time.Second},
			{observe: confirm(7, 2, false), after: time.Second, want: "link.down: resync up 3s, confirm down 0s (up 1s)"},
			{observe: confirm(2, 1, true), after: time.Second},
			{observe: confirm(7, 2, true), after: time.Second, want: "link.up: resync up 5s, confirm up 0s (down 2s)"}},
		"what comes has said so since": {start,
			{observe: LinkSeen{up(3, "eth1", noCarrier)}},
			{observe: LinkSeen{up(3, "eth1", lost(1))}, after: time.Second},
			{observe: LinkGone{2}}, {observe: LinkSeen{up(9, "eth0")}, want: "link.up: notification up 0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Unix(1000, 0)
			settings := steps[0].set
			table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: settings})
			for i, s := range steps {
				at = at.Add(s.after)
				var got []string
				for _, e := range table.Observe(s.observe, at).Events {
					if c, ok := e.(event.LinkChanged); ok && len(c.Votes) > 0 {
						got = append(got, words(c))
					}
				}
				if got := strings.Join(got, "; "); got != s.want {
					t.Fatalf("step %d\ngot  %s\nwant %s", i, got, s.want)
				}
			}
		})
	}
}

func words(c event.LinkChanged) string {
	var said []string
	for _, w := range c.Votes {
		now, then, before := "down", "up", w.UpAt
		if w.Up {
			now, then, before = "up", "down", w.DownAt
		}
		s := fmt.Sprintf("%s %s %v", w.Source, now, c.At.Sub(w.Since()))
		if !before.IsZero() {
			s += fmt.Sprintf(" (%s %v)", then, c.At.Sub(before))
		}
		said = append(said, s)
	}
	return string(c.Kind) + ": " + strings.Join(said, ", ")
}
