package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoadLargest: a file of the largest size is read, and nothing that is larger, as
// one that never ends is.
func TestLoadLargest(t *testing.T) {
	largest := "# " + strings.Repeat("x", MaxSize-4) + "\n"
	for name, c := range map[string]struct{ text, want string }{
		"largest": {largest + "\n", "the configuration is empty"},
		"larger":  {largest + "\n\n", "is larger than 4 MiB"},
	} {
		path := filepath.Join(t.TempDir(), "ripcord.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %d bytes: %v, want %q", name, len(c.text), err, c.want)
		}
	}
	if _, err := Load("/dev/zero", Options{}); err == nil || !strings.Contains(err.Error(), "/dev/zero is larger than 4 MiB") {
		t.Errorf("/dev/zero: %v", err)
	}
}

func TestInstead(t *testing.T) {
	other := filepath.Join(t.TempDir(), "keepalived.conf")
	if got := instead(Path, other); got != "" {
		t.Errorf("a file that is not there is hinted at: %q", got)
	}
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := instead(Path, other); got != ", as "+other+", which runs as it is" {
		t.Errorf("%q", got)
	}
	if got := instead("/x.yaml", other); got != "" {
		t.Errorf("another file than the one that was named is hinted at: %q", got)
	}
}
