package lab

import (
	"syscall"
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestPausedActive pauses the Active for five seconds, like a paused VM: afterwards it sends
// nothing, hears the router that has taken over, and removes the address within little more than an
// interval.
func TestPausedActive(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, interval := range []time.Duration{100 * time.Millisecond, time.Second} {
		t.Run(interval.String(), func(t *testing.T) {
			t.Parallel()
			s, a, b := pair(t, []segment{inside}, interval, "")
			sniffer := s.sniff(inside)
			at := a.signal(syscall.SIGSTOP)
			b.becomes("active", at, 5*time.Second)
			time.Sleep(time.Until(at.Add(5 * time.Second)))
			back := a.signal(syscall.SIGCONT)
			backup := a.becomes("backup", back, patience)
			s.within("it goes on → Backup", back.Round(0), backup.TS, 0, interval+slack)
			a.wait(back, patience, "that it gave the address up", is("address.removed"))
			time.Sleep(time.Until(back.Add(interval)))
			for _, x := range sniffer.Adverts() {
				if x.Host == "a" && x.At.After(back) && x.At.Before(back.Add(interval)) {
					t.Errorf("a sent priority %d %v after the pause", x.Priority, x.At.Sub(back))
				}
			}
			// It preempts by and by, as its priority demands.
			a.becomes("active", back, 3*downInterval(150, interval)+patience)
			b.becomes("backup", back, patience)
		})
	}
}

// TestPausedBackup pauses a Backup, which misses the Active's adverts and does not take this for
// silence.
func TestPausedBackup(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	for _, interval := range []time.Duration{100 * time.Millisecond, time.Second} {
		t.Run(interval.String(), func(t *testing.T) {
			t.Parallel()
			_, _, b := pair(t, []segment{inside}, interval, "")
			at := b.signal(syscall.SIGSTOP)
			time.Sleep(time.Until(at.Add(5 * time.Second)))
			back := b.signal(syscall.SIGCONT)
			time.Sleep(2 * downInterval(100, interval))
			for _, l := range b.moves(back) {
				t.Errorf("b moved: %s", l.Msg)
			}
		})
	}
}

// TestPausedAlone checks that a lone Active that was paused serves at once, since no other router
// has taken over.
func TestPausedAlone(t *testing.T) {
	t.Parallel()
	const interval = 100 * time.Millisecond
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, interval, ""})
	a.becomes("active", began, 5*time.Second)
	watch := s.watch(inside, 5*time.Millisecond)
	at := a.signal(syscall.SIGSTOP)
	time.Sleep(time.Until(at.Add(5 * time.Second)))
	back := a.signal(syscall.SIGCONT)
	time.Sleep(time.Second)
	if moves := a.moves(back); len(moves) > 0 {
		t.Errorf("it moved: %s", moves[0].Msg)
	}
	// Had it given the address up, it would have waited so long to take it again.
	if gap := watch.Timeline().LongestGap(back); gap.Length() > downInterval(150, interval) {
		t.Errorf("no router served for %v after the pause", gap.Length())
	}
	a.wait(back, patience, "engine.stalled", func(l line) bool { return l.Event == "engine.stalled" })
}
