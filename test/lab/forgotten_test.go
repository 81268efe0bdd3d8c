package lab

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// resident returns how many KiB of a daemon are in memory.
func (d *daemon) resident() int { return d.memory("VmRSS") }

// memory returns a field of /proc/PID/status of a daemon that has KiB.
func (d *daemon) memory(field string) int {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.Command.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	found := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		d.t.Fatalf("no %s in %s", field, text)
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

// TestInterfaceNamesAreForgotten checks that ten thousand names of interfaces that were created and
// deleted use no memory: each name once used a kilobyte.
func TestInterfaceNamesAreForgotten(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", began, 5*time.Second)
	s.ip("a", "link", "add", "x0", "type", "veth", "peer", "name", "y")
	time.Sleep(3 * time.Second) // the start is tidied up
	before := a.resident()
	const names = 10000
	var b strings.Builder
	for i := range names {
		fmt.Fprintf(&b, "link set x%d name x%d\n", i, i+1)
	}
	rename := exec.Command("ip", "-batch", "-")
	rename.Stdin = strings.NewReader(b.String())
	if err := s.Host("a").Start(rename); err != nil {
		t.Fatal(err)
	}
	if err := rename.Wait(); err != nil {
		t.Fatal(err)
	}
	const most = 5 << 10 // for what Go keeps, and no more for more names
	grown := 0
	for range 15 { // until that is tidied up
		time.Sleep(time.Second)
		if grown = a.resident() - before; grown < most {
			break
		}
	}
	t.Logf("%d KiB before, %d KiB more after %d names", before, grown, names)
	if grown >= most {
		t.Errorf("%d names that are gone take %d KiB", names, grown)
	}
	if st := a.state(); st != "active" {
		t.Errorf("it is %s", st)
	}
}
