package interop

import (
	"testing"
	"time"
)

// TestKeepalivedLeftAtVersion2 runs keepalived with its default, version 2, beside ripcord with
// version 3: each rejects the other's adverts. If ripcord starts later, with any priority, it stays
// Backup and logs this, and it serves when the other has been gone for an Active_Down_Interval.
// keepalived does not do this: if it starts later there are two Actives, and ripcord logs that, and
// does not flap.
func TestKeepalivedLeftAtVersion2(t *testing.T) {
	t.Parallel()
	s := newScene(t, cell{peer: "keepalived", version: 3, mode: leftAtVersion2, priority: "higher"})
	s.as(t)
	ripcord := s.ours.(*ripcord)
	began := time.Now()
	s.begins(s.theirs)
	s.keeps("is joined from above", s.ours.start(), s.theirs, 3*s.down(s.ours))
	ripcord.says(began, "instance.holding", "version")
	ripcord.says(began, "advert.rejected", "version-error")
	at := s.theirs.stop() // its resignation is none for ripcord
	s.takes(event{name: "is stopped", at: at, next: s.ours, least: s.down(s.ours) - s.interval(), most: s.down(s.ours)})

	keepalived := s.theirs.(*keepalived)
	keepalived.election = high + 50
	keepalived.configure()
	at = s.theirs.start()
	ripcord.says(at, "advert.rival", "")
	time.Sleep(s.down(s.theirs) + s.settling())
	for _, l := range ripcord.lines(at) {
		if l.Event == "instance.transition" {
			t.Errorf("ripcord moved: %s", l.Msg)
		}
	}
	// keepalived as Master defers its own advert with each that it hears, of
	// whatever version: that there are two only its answers show.
	two := s.bothAnswer(at)
	if two < s.interval() {
		t.Errorf("the two answered side by side for %v, and were to misunderstand each other", two)
	}
	seen.add(row{s.cell, "is joined from above", "both", 0, two})
}

// Another password: each rejects the other's adverts, and ripcord says why.
func TestOtherPassword(t *testing.T) {
	t.Parallel()
	s := newScene(t, cell{peer: "keepalived", version: 2, mode: password, priority: "lower"})
	s.as(t)
	ripcord := s.ours.(*ripcord)
	ripcord.configure(", auth: {pass: another}")
	s.begins(s.theirs)
	began := time.Now()
	s.ours.start()
	ripcord.says(began, "advert.rejected", "auth-failure")
}
