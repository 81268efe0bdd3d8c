package stats

import (
	"slices"
	"testing"
	"time"
)

// TestRegistry checks that an instance that stays continues to count, and that a new one begins
// at 0, even if one with its name existed before.
func TestRegistry(t *testing.T) {
	began := time.Unix(1000, 0)
	r := NewRegistry([]string{"inside", "outside"}, began)
	r.Of("inside").Add(AdvertisementSent)
	r.Of("outside").Add(AdvertisementSent)
	later := began.Add(time.Hour)
	r.Set([]string{"inside", "dmz"}, later)
	if c := r.Of("inside"); c.Get(AdvertisementSent) != 1 || c.Since != began {
		t.Errorf("inside: %d since %v", c.Get(AdvertisementSent), c.Since)
	}
	if c := r.Of("dmz"); c == nil || c.Since != later {
		t.Errorf("dmz: %+v", c)
	}
	if r.Of("outside") != nil {
		t.Error("outside is still there")
	}
	r.Set([]string{"inside", "outside"}, later)
	if c := r.Of("outside"); c.Get(AdvertisementSent) != 0 || c.Since != later {
		t.Errorf("outside again: %d since %v", c.Get(AdvertisementSent), c.Since)
	}
	names := r.Names()
	if slices.Sort(names); !slices.Equal(names, []string{"inside", "outside"}) {
		t.Errorf("names %q", names)
	}
}
