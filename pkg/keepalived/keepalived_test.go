package keepalived

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ripcord/pkg/tree"
	"ripcord/test/golden"
)

// testSystem is a machine on which every program is in /usr/bin, and every user known but
// nobody_here.
type testSystem struct {
	files  map[string]string
	merged bool // /bin is a symbolic link to /usr/bin
}

func (s testSystem) Glob(pattern string) (names []string) {
	if s.files != nil {
		for name := range s.files {
			if ok, _ := filepath.Match(pattern, name); ok {
				names = append(names, name)
			}
		}
		return names
	}
	names, _ = filepath.Glob(pattern)
	return names
}

func (s testSystem) Read(path string, limit int) ([]byte, error) {
	if s.files != nil {
		text, ok := s.files[path]
		if !ok {
			return nil, errors.New(path + " does not exist")
		}
		return []byte(text)[:min(len(text), limit)], nil
	}
	return os.ReadFile(path)
}

func (testSystem) Getenv(name string) string {
	return map[string]string{"RIPCORD_TEST_PRIORITY": "140"}[name]
}

func (testSystem) Random(from, _ int) int { return from }

func (testSystem) Program(name string) (string, bool) {
	return "/usr/bin/" + name, name != "not_installed"
}

func (testSystem) Runs(path string) bool {
	return path != "/opt/scripts/that/nobody/installed.sh" && !strings.HasPrefix(path, "/opt/missing/")
}

func (testSystem) Permitted(path, user, _ string) error {
	if path == "/opt/of-root-alone.sh" && user != "root" {
		return errors.New("/opt/of-root-alone.sh is not executable by user " + user + " (mode 0700): chmod +x it")
	}
	return nil
}

func (testSystem) Secure(path, user, _ string) error {
	switch {
	case path == "/opt/insecure.sh":
		return errors.New("/opt/insecure.sh is writable by everybody (mode 0777), who could change what user " + user + " runs: chmod o-w it")
	case path == "/opt/of-www-data.sh" && user != "www-data":
		return errors.New("/opt/of-www-data.sh belongs to user www-data, who could change what user " + user + " runs: chown it to root, or run the command as user www-data")
	}
	return nil
}

func (s testSystem) ThroughLink(path string) string {
	if s.merged && strings.HasPrefix(path, "/bin/") {
		return "/bin"
	}
	if strings.HasPrefix(path, "/linked/") {
		return "/linked"
	}
	return ""
}

func (testSystem) Occupied(link string) bool { return link == "eth9" }

func (testSystem) User(name, group string) bool {
	return name != "nobody_here" && group != "nobody_here" && name != "keepalived_script"
}

func (testSystem) LinkOf(a netip.Addr) (string, bool) {
	name, found := map[string]string{"192.0.2.11": "eth0", "2001:db8::11": "eth1"}[a.String()]
	return name, found
}

func (testSystem) InNamespace(name string) bool { return name == "inside" }

func (testSystem) Protocol(name string) (uint8, bool) {
	n, ok := map[string]uint8{"tcp": 6, "udp": 17}[name]
	return n, ok
}

func (testSystem) Table(name string) (uint32, bool) {
	n, ok := map[string]uint32{"main": 254, "local": 255, "default": 253, "uplink": 100}[name]
	return n, ok
}

// TestGolden translates every testdata/*.conf and compares the tree and the notes with the
// .golden beside it. Lines with @alpha are for the router of the test.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no input: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".conf"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := outcome(Translate(file, text, Options{ID: "alpha", System: testSystem{}}))
			golden.Check(t, strings.TrimSuffix(file, ".conf")+".golden", got)
		})
	}
}

// outcome writes a translation for a person to compare.
func outcome(tr Translation) string {
	var b strings.Builder
	for _, n := range tr.Notes {
		class := [...]string{"error", "ignored", "differs", "not done"}[n.Class]
		fmt.Fprintf(&b, "# %s:%d:%d: %s: ", filepath.Base(tr.Files[n.File].Name), n.Line, n.Column, class)
		if n.Subject != "" {
			b.WriteString(n.Subject + ": ")
		}
		b.WriteString(n.Message)
		if n.Hint != "" {
			b.WriteString("; " + n.Hint)
		}
		b.WriteString("\n")
	}
	if tr.Root != nil {
		b.WriteString(tr.Root.YAML())
	}
	return b.String()
}

func at(line, column int) tree.Position { return tree.Position{Line: line, Column: column} }
