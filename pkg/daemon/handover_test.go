package daemon

import (
	"strings"
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestNoHandoverBeforeFence checks that nothing is handed over while a group waits for its fence,
// and that other waits do not matter.
func TestNoHandoverBeforeFence(t *testing.T) {
	for holding, waits := range map[string]bool{
		"": false, event.HoldFence + ": the fence command runs": true, event.HoldFenceFailed + ": exit status 1": true,
		event.HoldPreemptDelay + ": 3 s": false,
	} {
		members := []vrrp.InstanceStatus{{Instance: &vrrp.Instance{}}}
		err := waitsForFence([]*vrrp.GroupStatus{{Name: "other", Members: members}, {Name: "edge", Members: members, Holding: holding}})
		if (err != nil) != waits || waits && !strings.Contains(err.Error(), "edge waits (fence") {
			t.Errorf("holding %q: %v", holding, err)
		}
	}
}
