package main

import (
	"testing"

	"ripcord/pkg/control"
)

// TestResumed requires another sentence for something that was not released.
func TestResumed(t *testing.T) {
	for want, done := range map[string]control.Released{
		"edge takes part again": {Name: "edge"}, "edge was not released": {Name: "edge", Unchanged: true},
	} {
		if got := resumed(&done); got != want {
			t.Errorf("%+v: %q, want %q", done, got, want)
		}
	}
}
