package daemon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/adopt"
	"ripcord/pkg/vrrp"
)

// TestSweep checks which files of other network namespaces are removed: those that no daemon could
// use any more, and none of a daemon that runs or may follow.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, "netns-"+name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	record := func(name string) {
		t.Helper()
		r, _, err := adopt.Open(at(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, space := range []string{"1", "2"} { // 1 is gone, in 2 a daemon runs
		write(space+".lock", "4711\n")
		record(space + ".adverts")
		write(space+".promoted", "eth0 0\n")
		write(space+".promoted.new", "eth0")
	}
	record("3.adverts")                                                               // its daemon has handed over and released its lock
	if err := os.Chtimes(at("3.adverts"), time.Time{}, time.Unix(0, 0)); err != nil { // as after hours without a restart
		t.Fatal(err)
	}
	write("4.released", `{"boot": "another"}`)
	write("5.adverts", "damaged")
	for _, group := range []string{"6", "7"} {
		r, err := readReleases(at(group+".released"), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		order := vrrp.Released{Group: "edge", On: true}
		if group == "7" {
			order.Until = time.Now().Add(time.Minute)
		}
		if err := r.note(order, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	write("8", "1 eth0 192.0.2.1/24\n") // a record of addresses
	if err := os.WriteFile(filepath.Join(dir, "ripcord.sock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	running := &Lock{path: at("2.lock")}
	if err := running.take(); err != nil {
		t.Fatal(err)
	}
	defer running.Close()

	swept := func(now time.Time) string {
		t.Helper()
		if err := sweepOnce(dir, now); err != nil {
			t.Error(err)
		}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, f := range files {
			left = append(left, strings.TrimPrefix(f.Name(), "netns-"))
		}
		slices.Sort(left)
		return strings.Join(left, " ")
	}
	want := "1.adverts 1.lock 1.promoted 1.promoted.new 2.adverts 2.lock 2.promoted 2.promoted.new 3.adverts 5.adverts 6.released 7.released 8 ripcord.sock"
	if got := swept(time.Now()); got != want {
		t.Errorf("at once\n%s are left, want\n%s", got, want)
	}
	want = "1.promoted 2.adverts 2.lock 2.promoted 2.promoted.new 6.released 8 ripcord.sock"
	if got := swept(time.Now().Add(2 * time.Hour)); got != want {
		t.Errorf("after two hours\n%s are left, want\n%s", got, want)
	}
}
