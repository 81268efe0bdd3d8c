package config

import (
	"net/netip"
	"testing"
)

// TestLinkOf: an address leads to the interface that has it, but for a loopback.
func TestLinkOf(t *testing.T) {
	for link, addresses := range ThisMachine() {
		for _, a := range addresses {
			if name, found := (system{}).LinkOf(a); found == a.IsLoopback() || found && name != link && !a.IsLinkLocalUnicast() {
				t.Errorf("%v of %s is found on %q, %t", a, link, name, found)
			}
		}
	}
	if name, found := (system{}).LinkOf(netip.MustParseAddr("203.0.113.77")); found {
		t.Errorf("an address that is not here is found on %s", name)
	}
}
