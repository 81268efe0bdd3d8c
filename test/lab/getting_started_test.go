package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// beginner is a router on which nothing is but the binary and a configuration, and /proc, as
// in an image from scratch.
type beginner struct {
	*daemon
	s    *site
	root string
}

// beginner installs the binary and a configuration on a host, and has ripcord check it.
func (s *site) beginner(host, yaml string) *beginner {
	s.t.Helper()
	b := &beginner{s: s, root: filepath.Join(s.Dir, host)}
	text, err := os.ReadFile(binary)
	if err != nil {
		s.t.Fatal(err)
	}
	for path, content := range map[string][]byte{"usr/sbin/ripcord": text, "etc/ripcord/ripcord.yaml": []byte(yaml)} {
		path = filepath.Join(b.root, path)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, content, 0o755)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(b.root, "proc"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if got := b.try(host, "check"); !strings.Contains(got, "/etc/ripcord/ripcord.yaml is good: 2 instances, 1 group") {
		s.t.Errorf("ripcord check prints %q", got)
	}
	return b
}

// alone is a command of ripcord with no file of this machine but its own.
func (b *beginner) alone(args ...string) []string {
	return append([]string{"/usr/bin/unshare", "--mount", "--root=" + b.root, "--mount-proc", "/usr/sbin/ripcord"}, args...)
}

// run starts the daemon.
func (b *beginner) run(host string) {
	b.s.t.Helper()
	words := b.alone("run")
	b.daemon = b.s.startCommand(host, exec.Command(words[0], words[1:]...))
	b.socket = filepath.Join(b.root, "run/ripcord/ripcord.sock")
}

// try runs a command of ripcord as the page has it.
func (b *beginner) try(host string, args ...string) string {
	b.s.t.Helper()
	words := b.alone(args...)
	out, err := b.s.Run(host, words[0], words[1:]...)
	if err != nil {
		b.s.t.Errorf("%v", err)
	}
	return out
}

// TestGettingStarted follows docs/getting-started.md: two routers with the configuration of the
// page, each with the binary alone.
func TestGettingStarted(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	yaml := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(string(page))
	if yaml == nil {
		t.Fatal("the page shows no configuration")
	}
	s := newSite(t, bothSegments, "left", "right")
	left := s.beginner("left", yaml[1])
	right := s.beginner("right", strings.ReplaceAll(yaml[1], "priority: 150", "priority: 100"))
	began := time.Now()
	left.run("left")
	right.run("right")
	took := left.becomes("active", began, patience).caused().Sub(began)
	if took < 3*time.Second || took > 6*time.Second {
		t.Errorf("left is Active after %v, the page has 3.4 s", took)
	}
	time.Sleep(time.Second)
	if got := left.try("left", "status"); !regexp.MustCompile(`(?m)^inside +edge +active .* 192\.0\.2\.11 \(150\) +192\.0\.2\.1$`).MatchString(got) {
		t.Errorf("left's status is\n%s", got)
	}
	if got := right.try("right", "status"); !regexp.MustCompile(`(?m)^outside +edge +backup .* 198\.51\.100\.11 \(150\)`).MatchString(got) {
		t.Errorf("right's status is\n%s", got)
	}

	at := time.Now()
	s.ip("left", "link", "set", "eth0", "down")
	if took := right.becomes("active", at, patience).TS.Sub(at); took > 2*time.Second {
		t.Errorf("right takes over after %v, the page has 0.6 s", took)
	}
	right.wait(at, patience, "its addresses", is("address.added"))
	if got := right.try("right", "events"); !strings.Contains(got, "the Active resigned (outside)") || !strings.Contains(got, "from the resignation until this router served\n") {
		t.Errorf("right's events are\n%s", got)
	}
	at = time.Now()
	s.ip("left", "link", "set", "eth0", "up")
	left.becomes("active", at, 2*patience)

	at = time.Now()
	left.try("left", "release", "edge")
	right.becomes("active", at, patience)
	at = time.Now()
	left.try("left", "resume", "edge")
	left.becomes("active", at, patience)
}
