package lab

import (
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestOwnerReturns runs the owner of the address (priority 255), which has it on its own interface
// and sends its adverts from it. When it returns to a LAN where another router holds this address,
// the other hears it nevertheless and yields, although its kernel drops packets from an address of
// its own.
func TestOwnerReturns(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 100 * time.Millisecond
	s := newSite(t, []segment{inside}, "a", "b")
	s.commands("a", "address flush dev eth0; address add 192.0.2.1/24 dev eth0")
	began := time.Now()
	a := s.start("a", router{255, interval, ""})
	a.becomes("active", began, 5*time.Second)
	b := s.start("b", router{100, interval, ""})
	b.becomes("backup", began, 5*time.Second)
	watch := s.watch(inside, 5*time.Millisecond)

	at := s.pull("a", inside)
	b.becomes("active", at, patience)
	s.servedBy("b", inside, watch, at, 3*time.Second)
	back := s.plug("a", inside)
	a.becomes("active", back, patience)
	b.becomes("backup", back, patience)
	s.servedBy("a", inside, watch, time.Now(), 3*time.Second)
}
