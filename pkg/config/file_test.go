package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/config/files"
)

// TestLoadLargest checks that a file of the largest size is loaded, and that a larger or endless
// one is refused.
func TestLoadLargest(t *testing.T) {
	largest := "# " + strings.Repeat("x", files.MaxSize-4) + "\n"
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
		t.Errorf("a missing file has the hint %q", got)
	}
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := instead(Path, other); got != ", as "+other+", which runs as it is" {
		t.Errorf("%q", got)
	}
	if got := instead("/x.yaml", other); got != "" {
		t.Errorf("a file that the user did not name has the hint %q", got)
	}
}

// TestLoadFIFO checks that a configuration can come from a FIFO, as a shell's <(…) makes one, and
// that a FIFO without a writer does not block.
func TestLoadFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ripcord.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := Load(path, Options{}); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("a FIFO without a writer: %v, want that it is empty", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}

	writer, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	loaded := make(chan error, 1)
	go func() {
		_, err := Load(path, Options{})
		loaded <- err
	}()
	time.Sleep(50 * time.Millisecond) // Load waits for the end of the file
	if _, err := writer.WriteString("instances: [{name: a, interface: eth0, vrid: 1, priority: 150, addresses: [192.0.2.1/24]}]\n"); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-loaded; err != nil {
		t.Errorf("a FIFO with a writer: %v", err)
	}
}
