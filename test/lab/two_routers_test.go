package lab

import (
	"syscall"
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestTwoRouters checks that the only Backup of two routers does not wait for Skew_Time after a
// resignation: both segments are served within milliseconds of the pulled cable, while Skew_Time
// alone is 609 ms.
func TestTwoRouters(t *testing.T) {
	lossOf(t, 60*time.Millisecond, "routers: 2", func(s *site) (time.Time, func()) {
		return s.pull("a", inside), func() { s.plug("a", inside) }
	})
}

// TestThreeRoutersConfiguredAsTwo runs three routers that all have `routers: 2`: when the Active
// stops, both Backups may take over, and then the router of lower priority yields to the other's
// first advert. From then on it knows of the third router, logs this at error, and waits for
// Skew_Time.
func TestThreeRoutersConfiguredAsTwo(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const (
		interval = time.Second
		both     = 200 * time.Millisecond // for as long at most two are Active, on a busy machine
	)
	s := newSite(t, []segment{inside}, "a", "b", "c")
	began := time.Now()
	a := s.start("a", router{200, interval, "routers: 2"})
	a.becomes("active", began, 4*interval+patience)
	b, c := s.start("b", router{150, interval, "routers: 2"}), s.start("c", router{100, interval, "routers: 2"})
	b.becomes("backup", began, patience)
	c.becomes("backup", began, patience)
	time.Sleep(2 * interval) // each has heard the Active

	at := a.signal(syscall.SIGTERM)
	b.becomes("active", at, patience)
	c.warned("third-router", true, patience)
	time.Sleep(both)
	for _, move := range b.moves(at) {
		if move.To != "active" {
			t.Errorf("b, the better one, became %s for %s", move.To, move.Reason)
		}
	}
	var moved time.Time
	for _, move := range c.moves(at) {
		switch move.To {
		case "active":
			moved = move.TS
		case "backup":
			if two := move.TS.Sub(moved); two > both {
				t.Errorf("c was Active beside b for %v, want at most %v", two, both)
			}
		}
	}
	if state := c.state(); state != "backup" {
		t.Errorf("c is %s", state)
	}

	at = b.signal(syscall.SIGTERM)
	skew := time.Duration(256-100) * interval / 256
	if active := c.becomes("active", at, patience); active.TS.Sub(at) < skew {
		t.Errorf("c took over from b %v after it was stopped, want Skew_Time, %v", active.TS.Sub(at), skew)
	}
}
