package daemon_test

import (
	"fmt"
	"math"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/daemon"
)

// TestMemoryOfNames: on a machine with containers, ever new interfaces appear and disappear, with
// their own addresses. Those that are gone and not configured must leave nothing in memory. Other
// work of the daemon may leave something once, but not each time.
func TestMemoryOfNames(t *testing.T) {
	cables(t)
	inside := listen(t, "far0")
	r := run(t, func(*daemon.Options) {})
	r.lead(inside)
	const names = 3000
	churn(t, "warm", names) // memory that is kept for the next time is allocated afterwards
	const most = 50
	least := math.MaxInt // bytes that a name leaves, in the best of the rounds
	for before, round := heap(), 0; round < 3 && least > most; round++ {
		churn(t, fmt.Sprintf("v%c", 'a'+round), names)
		after := heap()
		t.Logf("%d bytes alive, %d after %d more names", before, after, names)
		least, before = min(least, (after-before)/names), after
	}
	if least > most {
		t.Errorf("a name that is gone keeps %d bytes alive", least)
	}
	r.cancel()
	if err := r.end(inside); err != nil {
		t.Error(err)
	}
}

// churn renames a link repeatedly, and gives each name an address for a while; and it makes and
// removes links.
func churn(t *testing.T, prefix string, names int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("link add churn type veth peer name churnfar\nlink set churn up\n")
	name := "churn"
	for i := range names {
		next := fmt.Sprintf("%s%d", prefix, i)
		fmt.Fprintf(&b, "link set %s name %s\naddr add 198.18.%d.%d/32 dev %[2]s\n", name, next, i/250, i%250+1)
		fmt.Fprintf(&b, "addr del 198.18.%d.%d/32 dev %s\n", i/250, i%250+1, next)
		if i%100 == 0 {
			fmt.Fprintf(&b, "link add %sx type veth peer name %[1]sy\nlink del %[1]sx\n", next)
		}
		name = next
	}
	fmt.Fprintf(&b, "link del %s\n", name)
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader(b.String())
	if out, err := ip.CombinedOutput(); err != nil {
		t.Fatalf("ip -batch: %v: %s", err, out)
	}
	<-time.After(time.Second) // all events have been processed by then
}

// heap returns the number of live bytes.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
