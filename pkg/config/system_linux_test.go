package config

import (
	"os"
	"path/filepath"
	"testing"
)

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
