package repeats

import (
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestAllowedKeep checks that an order for an instance outlives a reload, unless that makes it
// another virtual router.
func TestAllowedKeep(t *testing.T) {
	instance := func(name string, vrid uint8) *vrrp.Instance {
		return &vrrp.Instance{Virtual: event.Virtual{Name: name, Interface: "eth0", VRID: vrid, Family: event.IPv4}}
	}
	a := Allowed{"stays": true, "moves": true, "gone": true}
	a.Keep(
		[]*vrrp.Instance{instance("stays", 1), instance("moves", 2), instance("gone", 3)},
		[]*vrrp.Instance{instance("moves", 3), instance("stays", 1)},
	)
	if len(a) != 1 || !a["stays"] {
		t.Errorf("orders that are kept: %v, want the one for stays", a)
	}
}
