package lab

import (
	"fmt"
	"testing"
	"time"
)

// TestUnitFilters checks that the kernel counts repeated adverts for a Backup in the sandbox of
// deploy/ripcord.service, which gives up the rights for that once its filters are loaded.
func TestUnitFilters(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	began := time.Now()
	a := s.start("a", router{150, often, ""})
	a.becomes("active", began, patience)
	m := s.systemd("b", fmt.Sprintf("instances: [{name: inside, interface: eth0, vrid: 51, priority: 100, interval: %v, addresses: [%v/24]}]\n", often, inside.virtual()))
	at := time.Now()
	m.must("start", "ripcord")
	b := m.daemon()
	b.becomes("backup", at, 10*time.Second)
	b.wait(at, patience, "advert.filter", is("advert.filter"))
	if !filterWorks(a) {
		t.Skip("the kernel refuses the filters to root as well")
	}
	if !filterWorks(b) {
		t.Fatalf("the kernel permits the filters to root, and not to the unit:\n%s", m.must("show", "ripcord"))
	}
	b.filters()
	m.sandboxed()
	repeated, all := b.repeated()
	t.Logf("%d of %d adverts were counted by the kernel", repeated, all)
}
