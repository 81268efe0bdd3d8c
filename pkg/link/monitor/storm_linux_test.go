package monitor

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// TestKernelStormWithATinyBuffer sends thousands of messages to a receive buffer that holds a
// handful, so that some are lost repeatedly. The table must be correct within 100 ms of the end of
// the storm, or of another storm if the machine is busy.
func TestKernelStormWithATinyBuffer(t *testing.T) {
	inNetns(t)
	const links, rounds, limit = 20, 50, 100 * time.Millisecond
	var opened atomic.Int32
	l := watch(t, small{newKernel(), &opened}, "w0", "w19")
	var made, storm strings.Builder
	for i := range links {
		fmt.Fprintf(&made, "link add w%d type veth peer name x%d\nlink set w%d up\n", i, i, i)
		t.Cleanup(func() { ip(t, fmt.Sprintf("link del w%d", i)) })
	}
	for round := range rounds + 1 { // an odd number: all cables are in at the end
		for i := range links {
			fmt.Fprintf(&storm, "link set x%d %s\nlink set w%d mtu %d\n", i, []string{"up", "down"}[round%2], i, 1400+round)
		}
	}
	batch := func(commands string) {
		t.Helper()
		file := t.TempDir() + "/batch"
		if err := os.WriteFile(file, []byte(commands), 0o600); err != nil {
			t.Fatal(err)
		}
		ip(t, "-batch "+file)
	}
	batch(made.String())
	took := time.Hour
	for storms := 0; storms < 5 && took > limit; storms++ {
		batch(storm.String())
		over := time.Now()
		for l.differences() != "" && time.Since(over) < 5*time.Second {
			time.Sleep(time.Millisecond)
		}
		took = time.Since(over)
	}
	l.until("w0 and w19 are usable", func() bool { return l.known["w0"].Usable && l.known["w19"].Usable })
	overruns := 0
	for _, e := range l.logged {
		if e, ok := e.(event.LinkResync); ok && e.Reason == string(link.Overrun) {
			overruns++
		}
	}
	t.Logf("%d changes, %d overruns, the table is correct %v after them", 2*links*(rounds+1), overruns, took)
	if diff := l.differences(); diff != "" || overruns == 0 {
		t.Errorf("%d overruns, %q", overruns, diff)
	}
	if took > limit {
		t.Errorf("the table is correct %v after the storm, want %v at most", took, limit)
	}
}
