//go:build linux

// Package stage runs daemons on a LAN of network namespaces for a test. The LAN and everything on
// it live as long as the test, and the daemons write their output into files of the stage. The
// tests choose the daemons, and check what they do.
//
// A Stage belongs to its test's goroutine, and so do its daemons.
package stage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/daemon"
	"ripcord/pkg/lan"
	"ripcord/test/built"
	"ripcord/test/netns"
)

// Main runs the tests of a package, named so in messages, and returns the exit code. As root it
// first builds the ripcord that is shipped, and passes its path to use. Without root all tests are
// skipped, and nothing is built.
func Main(m *testing.M, name string, use func(ripcord string) error) int {
	if os.Geteuid() != 0 {
		fmt.Printf("%s: not root: no test here can make its network namespaces; all are skipped\n", name)
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "ripcord-"+name+"-")
	if err != nil {
		fmt.Printf("%s: %v\n", name, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary, err := built.Command(dir, built.Ripcord)
	if err == nil {
		err = use(binary)
	}
	if err != nil {
		fmt.Printf("%s: %v\n", name, err)
		return 1
	}
	return m.Run()
}

// Stage is the LAN of one test, with a directory for the files of its daemons.
type Stage struct {
	*lan.LAN
	Dir     string
	daemons []*Daemon
}

// New makes a LAN of these ports. Without root it skips the test. The end of the test kills all
// daemons and removes everything.
func New(t testing.TB, ports ...lan.Port) *Stage {
	t.Helper()
	netns.NeedRoot(t)
	l, err := lan.Build(ports...)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "rc") // t.TempDir may be too long for a socket
	if err != nil {
		_ = l.Close()
		t.Fatal(err)
	}
	s := &Stage{LAN: l, Dir: dir}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close the LAN: %v", err)
		}
		for _, d := range s.daemons {
			<-d.Exited
		}
		_ = os.RemoveAll(dir)
		for _, inode := range l.Namespaces() {
			if err := daemon.ForgetNamespace(daemon.RunDir, inode); err != nil {
				t.Errorf("remove what killed daemons left: %v", err)
			}
		}
	})
	return s
}

// Run runs a program on a host to its end and returns its output, which an error includes.
func (s *Stage) Run(host, program string, args ...string) (said string, err error) {
	var out strings.Builder
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = &out, &out
	if err := s.Host(host).Start(command); err != nil {
		return "", err
	}
	if err := command.Wait(); err != nil {
		return out.String(), fmt.Errorf("%s on %s: %w: %s", strings.Join(command.Args, " "), host, err, out.String())
	}
	return out.String(), nil
}

// ShowLogs makes the test show the last lines of every log. If dull is not nil, it leaves out the
// lines for which dull returns true.
func (s *Stage) ShowLogs(t testing.TB, last int, dull func(line string) bool) {
	t.Helper()
	logs, _ := filepath.Glob(filepath.Join(s.Dir, "*.log"))
	for _, path := range logs {
		text, _ := os.ReadFile(path)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if dull != nil {
			lines = slices.DeleteFunc(lines, dull)
		}
		t.Logf("the end of %s:\n%s", filepath.Base(path), strings.Join(lines[max(0, len(lines)-last):], "\n"))
	}
}

// DownInterval computes the Active_Down_Interval of RFC 9568 §6.1, independently of the code under
// test.
func DownInterval(priority int, interval time.Duration) time.Duration {
	return 3*interval + Skew(priority, interval)
}

// Skew computes the Skew_Time of RFC 9568 §6.1.
func Skew(priority int, interval time.Duration) time.Duration {
	return time.Duration(256-priority) * interval / 256
}
