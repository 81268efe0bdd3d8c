package receive

import (
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestSummaryKeepsOrders: an order for an instance outlives a reload, unless that makes it another
// virtual router.
func TestSummaryKeepsOrders(t *testing.T) {
	instance := func(name string, vrid uint8) *vrrp.Instance {
		return &vrrp.Instance{Virtual: event.Virtual{Name: name, Interface: "eth0", VRID: vrid, Family: event.IPv4}}
	}
	s := summary{allowed: map[string]bool{"stays": true, "moves": true, "gone": true}}
	s.keep(
		[]*vrrp.Instance{instance("stays", 1), instance("moves", 2), instance("gone", 3)},
		[]*vrrp.Instance{instance("moves", 3), instance("stays", 1)},
	)
	if len(s.allowed) != 1 || !s.allowed["stays"] {
		t.Errorf("orders that are kept: %v, want that for stays", s.allowed)
	}
}
