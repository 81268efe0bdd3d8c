package config

import (
	"net/netip"
	"os"
	"path/filepath"
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

func TestThroughLink(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(link, "program"):        link,
		filepath.Join(link, "more", "deeply"): link,
		filepath.Join(dir, "program"):         "",
		link:                                  "", // the program itself may be a link
		"/":                                   "",
		"":                                    "",
	} {
		if got := (system{}).ThroughLink(path); got != want {
			t.Errorf("%q leads over %q, want %q", path, got, want)
		}
	}
}

func TestOccupied(t *testing.T) {
	if !(system{}).Occupied("lo") {
		t.Error("lo is free")
	}
	if (system{}).Occupied("no-such-link") {
		t.Error("no-such-link is occupied")
	}
}
