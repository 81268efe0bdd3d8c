package link

import (
	"testing"
	"time"

	"ripcord/pkg/event"
)

// counted is a description with the kernel's count of losses.
func counted(n uint32) Seen { return Seen{UpCount: n, DownCount: n} }

// TestLossesCountOnce requires that a loss seen by a source and counted later by the kernel is one.
func TestLossesCountOnce(t *testing.T) {
	at := time.Unix(1000, 0)
	l := newLosses(counted(1))
	l.see(at)
	if n := l.describe(counted(2), at.Add(creditLasts)); n != 0 {
		t.Errorf("%d unseen losses after one that was seen, want 0", n)
	}
	if n := l.describe(counted(4), at.Add(creditLasts)); n != 2 {
		t.Errorf("%d unseen losses, want 2", n)
	}
	l.see(at.Add(creditLasts)) // at the same instant as the kernel's count
	if n := l.describe(counted(5), at.Add(creditLasts)); n != 1 {
		t.Errorf("%d unseen losses: one that the kernel had counted already hides another", n)
	}
	l.see(at.Add(time.Minute))
	if n := l.describe(counted(6), at.Add(time.Minute+creditLasts+1)); n != 1 {
		t.Errorf("%d unseen losses, want 1: the credit is too old", n)
	}
	if n := l.describe(counted(1), at); n != 0 {
		t.Errorf("%d unseen losses of another device", n)
	}
}

// TestLossesOlder requires that the counts show which description was made first, even if they
// wrap.
func TestLossesOlder(t *testing.T) {
	l := newLosses(Seen{UpCount: 0, DownCount: ^uint32(0)})
	for _, c := range []struct {
		up, down uint32
		want     bool
	}{{0, ^uint32(0), false}, {0, 0, false}, {0, ^uint32(0) - 1, true}, {^uint32(0), ^uint32(0), true}, {1, ^uint32(0), false}} {
		if got := l.older(Seen{UpCount: c.up, DownCount: c.down}); got != c.want {
			t.Errorf("up %d, down %d: older %v, want %v", c.up, c.down, got, c.want)
		}
	}
}

// TestLossesTake requires that delayed losses wait, and that losses of a link that is not usable do
// not count.
func TestLossesTake(t *testing.T) {
	at := time.Unix(1000, 0)
	l := newLosses(counted(1))
	l.add(true, false, 0, at)
	if n := l.take(true, true, at); n != 0 {
		t.Errorf("%d losses while one is delayed", n)
	}
	l.add(false, true, 3, at)
	if n := l.take(true, false, at); n != 1 || !l.published.Equal(at) {
		t.Errorf("%d losses, published at %v; want one, now", n, l.published)
	}
	l.add(true, true, 2, at)
	if n := l.take(false, false, at.Add(1)); n != 0 || !l.published.Equal(at) {
		t.Errorf("%d losses of a link that was not usable", n)
	}
	l.add(true, false, 2, at)
	if n := l.take(true, false, at); n != 2 {
		t.Errorf("%d losses, want 2: a flap and the loss that lasts", n)
	}
}

// TestFlapIsAChange requires that a loss that was over before it was read is the last change of the
// link.
func TestFlapIsAChange(t *testing.T) {
	at := time.Unix(1000, 0)
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain})
	table.Observe(links(Initial, up(2, "eth0")), at)
	table.Observe(LinkSeen{up(2, "eth0", lost(1))}, at.Add(time.Hour))
	if l := table.Links("eth0")[0]; l.Unchanged || !l.LastChange.Equal(at.Add(time.Hour)) {
		t.Errorf("eth0 was lost and came back at %v, but it last changed at %v (unchanged: %v)", at.Add(time.Hour), l.LastChange, l.Unchanged)
	}
}
