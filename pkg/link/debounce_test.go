package link

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"ripcord/pkg/event"
)

func delays(down, up time.Duration) Settings {
	return Settings{Monitor: Auto, Confirm: 10 * time.Millisecond, DownDelay: down, UpDelay: up}
}

// TestDebounceUpdate requires that a change takes effect at the tick, under the source that
// reported it first, and that one that ends before never takes effect.
func TestDebounceUpdate(t *testing.T) {
	at := time.Unix(1000, 0)
	delay := func(usable bool) time.Duration {
		if usable {
			return time.Second
		}
		return time.Minute
	}
	var d debounce
	usable := true
	for i, s := range []struct {
		after  time.Duration
		raw    bool
		source event.Source
		usable bool
		first  event.Source // the first source of a change that takes effect
		holds  bool
	}{
		{0, true, event.Resync, true, "", false},
		{0, false, event.Confirm, true, "", true},
		{time.Second - 1, true, event.Confirm, true, "", false},
		{0, false, event.MII, true, "", true},
		{time.Second - 1, false, event.Notification, true, "", true},
		{1, false, event.Notification, false, event.MII, false},
		{time.Hour, true, event.Confirm, false, "", true},
		{time.Minute, true, event.MII, true, event.Confirm, false},
	} {
		at = at.Add(s.after)
		was := usable
		var source event.Source
		usable, source = d.update(s.raw, usable, s.source, at, delay)
		if usable != s.usable || d.delays() != s.holds || d.raw != s.raw || usable != was && source != s.first {
			t.Errorf("step %d: usable %v by %s, delays %v; want %+v", i, usable, source, d.delays(), s)
		}
	}
}

func TestDebounce(t *testing.T) {
	start := func(s Settings) observed {
		return observed{set: s, observe: links(Initial, up(2, "eth0")), want: "eth0[2] up\n"}
	}
	const tick = 1
	for name, steps := range map[string][]observed{
		"a loss counts when it has lasted": {start(delays(time.Second, 0)),
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] up\n"},
			{observe: Elapsed{}, after: time.Second - tick},
			{observe: Elapsed{}, after: tick, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] up\nlink.up eth0 by notification\n"},
		},
		"a shorter one is a flap": {start(delays(time.Second, 0)),
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] up\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: time.Second - tick, want: "eth0[2] up -1\nlink.flapped eth0 by notification\n"},
			{observe: Elapsed{}, after: time.Second},
			{observe: LinkSeen{up(2, "eth0", lost(2))}, want: "eth0[2] up -1\nlink.flapped eth0 by notification\n"},
		},
		"each loss is timed anew, by the first that reports it": {start(delays(time.Second, 0)),
			{observe: confirm(2, 1, true)},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] up\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: time.Second - tick, want: "eth0[2] up -1\nlink.flapped eth0 by notification\n"},
			{observe: confirm(2, 1, false), want: "eth0[2] up\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1), noCarrier)}, after: time.Second - tick, want: "eth0[2] up\n"},
			{observe: Elapsed{}, after: tick, want: "eth0[2] out -1\nlink.down eth0 by confirm\n"},
		},
		"a message does as well as the timer": {start(delays(time.Second, 0)),
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] up\n"},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, after: 2 * time.Second, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
		},
		"a return counts when it has lasted": {start(delays(0, time.Second)),
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] barred\n"},
			{observe: Elapsed{}, after: time.Second - tick},
			{observe: LinkSeen{up(2, "eth0", lost(1), noCarrier)}, want: "eth0[2] out\n"},
			{observe: Elapsed{}, after: time.Second},
			{observe: LinkSeen{up(2, "eth0", lost(2))}, want: "eth0[2] barred\n"},
			{observe: Elapsed{}, after: time.Second - tick},
			{observe: Elapsed{}, after: tick, want: "eth0[2] up\nlink.up eth0 by notification\n"},
		},
		"it survives the removal of the interface and its return": {start(delays(time.Second, time.Second)),
			{observe: LinkGone{2}, want: "eth0 gone -1\nlink.removed eth0 by notification\n"},
			{observe: LinkSeen{up(9, "eth0")}, want: "eth0[9] barred\nlink.added eth0 by notification\n"},
			{observe: LinkGone{9}, after: time.Second - tick, want: "eth0 gone\nlink.removed eth0 by notification\n"},
			{observe: LinkSeen{up(9, "eth0")}, want: "eth0[9] barred\nlink.added eth0 by notification\n"},
			{observe: Elapsed{}, after: time.Second - tick},
			{observe: Elapsed{}, after: tick, want: "eth0[9] up\nlink.up eth0 by notification\n"},
		},
		"a link that goes is gone at once": {start(delays(time.Minute, 0)),
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] up\n"},
			{observe: LinkGone{2}, want: "eth0 gone -1\nlink.removed eth0 by notification\n"},
			{observe: Elapsed{}, after: time.Hour},
		},
		"what stands on it has its own": {
			{set: delays(time.Second, 0), observe: links(Initial, up(2, "eth0", on(7)), up(7, "nic")), want: "eth0[2] up\nnic[7] up\n"},
			{observe: LinkSeen{up(7, "nic", noCarrier)}, want: "nic[7] up\n"},
			{observe: Elapsed{}, after: time.Second, want: "eth0[2] barred -1\nnic[7] out -1\nlink.down eth0 by notification\n"},
		},
		"and learns of its parent's loss though the parent's is held back": {
			{set: delays(time.Second, 0), observe: links(Initial, up(2, "eth0", on(7)), up(7, "nic")), want: "eth0[2] up\nnic[7] up\n"},
			{observe: LinkSeen{up(7, "nic", noCarrier)}, want: "nic[7] up\n"},
			{observe: LinkSeen{up(7, "nic", lost(1))}, want: "nic[7] up -1\neth0[2] up -1\nlink.flapped eth0 by notification\n"},
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, steps) })
	}
}

// TestDeadlinesAdvance requires that every delayed change takes effect at its deadline: a deadline
// that stayed in place would make the shell spin. A link that goes leaves no deadline behind.
func TestDeadlinesAdvance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := func(label string) time.Duration {
			return rapid.SampledFrom([]time.Duration{0, 1, time.Second, time.Minute}).Draw(t, label)
		}
		settings := map[string]Settings{"a": delays(some("down"), some("up")), "b": delays(some("down"), some("up"))}
		table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"a", "b"}, Links: settings})
		at := time.Unix(1000, 0)
		table.Observe(links(Initial, up(1, "a"), up(2, "b", on(1))), at)
		downCount := uint32(1)
		t.Repeat(map[string]func(*rapid.T){
			"message": func(t *rapid.T) {
				downCount++
				change := rapid.SampledFrom([]func(*Seen){func(*Seen) {}, noCarrier, adminDown, dormant}).Draw(t, "change")
				s := up(rapid.IntRange(1, 2).Draw(t, "index"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), change)
				s.UpCount, s.DownCount = downCount, downCount
				at = at.Add(some("later"))
				table.Observe(LinkSeen{s}, at)
			},
			"gone": func(t *rapid.T) { table.Observe(LinkGone{rapid.IntRange(1, 2).Draw(t, "index")}, at) },
			"elapsed": func(t *rapid.T) {
				due, ok := table.Deadline()
				if !ok {
					return
				}
				if due.Before(at) {
					due = at
				}
				at = due
				table.Observe(Elapsed{}, at)
				if next, ok := table.Deadline(); ok && !next.After(at) {
					t.Fatalf("at %v the deadline is still %v", at, next)
				}
			},
		})
	})
}
