// Package bench measures ripcord against keepalived, side by side, on LANs of
// network namespaces: the built binary and the keepalived of KEEPALIVED= or of
// the PATH, the same LAN, the same configuration, the same observer, in turn
// within one run. It defines each figure (see the doc comment of its test, and
// RESULTS.md) and its limit, and checks the limit.
//
// A figure is a test. Those that measure run one after the other; at the size
// smoke, whose figures mean nothing, they run side by side. All need root, and
// skip without it. `make bench` writes RESULTS.md, `make bench-smoke` shows that
// all of it works.
package bench

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"ripcord/test/netns"
	"ripcord/test/stage"
)

var (
	sizeName = flag.String("size", "smoke", "smoke, short or full: how often and how long is measured")
	output   = flag.String("results", "", "the Markdown file to write what was measured to")
)

// size is how often and how long is measured.
type size struct {
	blocks     int           // how often the daemons take turns
	few        int           // repetitions a block where a median is asked
	slow       time.Duration // the interval of adverts where the text has 1 s
	many       int           // where p99 is asked
	falses     int           // pulls a block of a Backup's cable, each lane
	lanes      int           // LANs side by side where link changes are to be near each other
	instances  int           // on four links
	settle     time.Duration // until many instances have made their second round of announcements
	window     time.Duration // over which CPU time is measured
	rhythm     time.Duration // over which regularity is
	stress     time.Duration // with both cores burning
	stressed   int           // instances meanwhile
	scale      []int         // instances on 16 links
	scaleWatch time.Duration
	packets    int // forwarded in one go
}

var sizes = map[string]size{
	"smoke": {blocks: 1, few: 1, slow: 200 * time.Millisecond, many: 2, falses: 1, lanes: 1, instances: 40, settle: time.Second, window: time.Second, rhythm: time.Second,
		stress: time.Second, stressed: 10, scale: []int{1, 32}, scaleWatch: time.Second, packets: 6400},
	"short": {blocks: 1, few: 3, slow: time.Second, many: 15, falses: 5, lanes: 4, instances: 1000, settle: 7 * time.Second, window: 10 * time.Second, rhythm: 20 * time.Second,
		stress: 20 * time.Second, stressed: 100, scale: []int{1, 10, 100, 1000, 4000}, scaleWatch: 5 * time.Second, packets: 200_000},
	"full": {blocks: 2, few: 4, slow: time.Second, many: 50, falses: 25, lanes: 4, instances: 1000, settle: 7 * time.Second, window: 20 * time.Second, rhythm: 60 * time.Second,
		stress: 60 * time.Second, stressed: 100, scale: []int{1, 10, 100, 1000, 2000, 4000}, scaleWatch: 10 * time.Second, packets: 200_000},
}

var (
	now size
	// makers are the two that are measured, in the order of their turns.
	makers []maker
	// report gathers the figures.
	report = &results{}
)

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	if os.Getenv(burns) != "" {
		burn()
	}
	flag.Parse()
	code := stage.Main(m, "bench", prepare)
	if makers == nil {
		return code
	}
	text, err := report.write(*output)
	fmt.Print(text)
	if err != nil {
		fmt.Println("bench:", err)
		return 1
	}
	return code
}

// prepare begins the report on ripcord, built as it is shipped, and keepalived.
func prepare(binary string) error {
	var ok bool
	if now, ok = sizes[*sizeName]; !ok {
		return fmt.Errorf("-size %s: want smoke, short or full", *sizeName)
	}
	name := os.Getenv("KEEPALIVED")
	if name == "" {
		name = "keepalived"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return errors.Join(err, errors.New("run `test/setup bench/packages`, which installs Debian's, or set KEEPALIVED"))
	}
	makers = []maker{ripcord{binary, commit()}, keepalived{path}}
	report.begin()
	return nil
}

// figures begins a test that gathers figures.
func figures(t *testing.T) {
	t.Helper()
	netns.NeedRoot(t)
	sideBySide(t)
	t.Cleanup(func() {
		if _, err := report.write(*output); err != nil {
			t.Error(err)
		}
	})
}

// sideBySide has what a smoke measures run with the rest.
func sideBySide(t *testing.T) {
	t.Helper()
	if *sizeName == "smoke" {
		t.Parallel()
	}
}
