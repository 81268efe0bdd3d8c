package daemon

import "testing"

// TestConnectionsLeaveDescriptors requires that clients never take the descriptors that the router
// needs.
func TestConnectionsLeaveDescriptors(t *testing.T) {
	for _, tt := range []struct {
		descriptors uint64
		links, want int
	}{
		{524288, 2, 32}, {1024, 2, 32}, {1024, 300, 2}, {128, 2, 28}, {64, 2, 2}, {0, 0, 2},
	} {
		if got := connectionsOf(tt.descriptors, tt.links); got != tt.want {
			t.Errorf("%d descriptors, %d links: %d connections each, want %d", tt.descriptors, tt.links, got, tt.want)
		}
	}
}
