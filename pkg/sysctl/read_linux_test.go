package sysctl

import (
	"errors"
	"io/fs"
	"testing"
)

// TestRead checks that a setting is returned without the end of its line, and that a missing one is
// an error that says so.
func TestRead(t *testing.T) {
	if got, err := Read("ipv4/conf/lo/proxy_arp"); err != nil || got != "0" && got != "1" {
		t.Errorf("%q, %v, want 0 or 1", got, err)
	}
	if got, err := Read("ipv4/conf/lo/nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a missing setting: %q, %v", got, err)
	}
}
