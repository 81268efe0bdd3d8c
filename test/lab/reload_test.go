package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/stats"
)

// rewrite replaces the file of a host.
func (s *site) rewrite(host, yaml string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, host+".yaml"), []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// reload reloads a daemon, and returns what the command prints.
func (s *site) reload(d *daemon, args ...string) outcome {
	s.t.Helper()
	return s.ripcord(d.name, append([]string{"reload", "--socket", d.socket}, args...)...)
}

// TestReload checks that a reload changes only what has changed: the priority, an address, a new
// instance and a removed one. An unchanged instance keeps its state and counters, and only the
// priority causes transitions.
func TestReload(t *testing.T) {
	t.Parallel()
	s := newSite(t, bothSegments, "a", "b")
	file := func(host string, priority int, addresses, more string) string {
		return fmt.Sprintf(`log: {level: debug}
control: {socket: %s}
defaults: {interval: 200ms}
instances:
  - {name: inside, interface: eth0, vrid: 51, priority: %d, addresses: [%s]}
%s`, s.socket(host), priority, addresses, more)
	}
	other := "  - {name: outside, interface: eth1, vrid: 52, priority: 150, addresses: [198.51.100.1/24]}\n"
	began := time.Now()
	a := s.startYAML("a", file("a", 150, "192.0.2.1/24", other))
	a.becomes("active", began, 5*time.Second)
	b := s.startYAML("b", file("b", 100, "192.0.2.1/24", ""))
	b.becomes("backup", began, 5*time.Second)
	in := s.watch(inside, 5*time.Millisecond)

	// The same file: nothing changes.
	before := a.status()
	if done := s.reload(a); done.code != 0 || done.out != "nothing changed\n" {
		t.Errorf("the same file: %+v", done)
	}

	// One address more, another instance gone.
	at := time.Now()
	s.rewrite("a", file("a", 150, "192.0.2.1/24, 192.0.2.201/24", ""))
	if done := s.reload(a, "--dry-run"); done.out != "changed inside\nremoved outside\ninside: addresses added 192.0.2.201\n" {
		t.Errorf("dry run: %+v", done)
	}
	if got := len(a.status().Instances); got != 2 {
		t.Errorf("a dry run left %d instances", got)
	}
	if done := s.reload(a); done.code != 0 || done.out != "changed inside\nremoved outside\ninside: addresses added 192.0.2.201\n" {
		t.Errorf("reload: %+v", done)
	}
	s.stands("a", "eth0", true, "192.0.2.1/24", "192.0.2.201/24")
	s.stands("a", "eth1", false, "198.51.100.1/24")
	after := a.status()
	if len(after.Instances) != 1 || after.Instances[0].State != "active" || after.Instances[0].Up == nil ||
		!after.Instances[0].Up.Equal(*before.Instances[0].Up) ||
		after.Instances[0].Statistics.Get(stats.AdvertisementSent) < before.Instances[0].Statistics.Get(stats.AdvertisementSent) {
		t.Errorf("after the reload: %+v", after.Instances)
	}
	for _, l := range a.moves(at) {
		if l.Instance == "inside" {
			t.Errorf("it moved: %+v", l)
		}
	}

	// An instance that is new takes part.
	at = time.Now()
	s.rewrite("a", file("a", 150, "192.0.2.1/24", other))
	if done := s.reload(a); done.out != "added outside\nchanged inside\ninside: addresses removed 192.0.2.201\n" {
		t.Errorf("reload: %+v", done)
	}
	a.wait(at, 5*time.Second, "outside active", func(l line) bool {
		return l.Event == "instance.transition" && l.Instance == "outside" && l.To == "active"
	})
	s.stands("a", "eth0", false, "192.0.2.201/24")

	// A lower priority: the other takes over within Skew_Time, while this one serves.
	at = time.Now()
	s.rewrite("a", file("a", 50, "192.0.2.1/24", other))
	a.signal(syscall.SIGHUP)
	a.wait(at, 5*time.Second, "config.reloaded", func(l line) bool { return l.Event == "config.reloaded" })
	if took := s.servedBy("b", inside, in, at, 5*time.Second).Sub(at); took > time.Second {
		t.Errorf("the other served after %v, want Skew_Time (122ms) and little more", took)
	}
}

// TestReloadAnotherVRID checks that an Active with a new VRID is another virtual router: the old
// one resigns, once and as its last advert, and the answer reports that it starts again.
func TestReloadAnotherVRID(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	file := func(vrid int) string {
		return fmt.Sprintf(`control: {socket: %s}
defaults: {interval: 200ms}
instances:
  - {name: inside, interface: eth0, vrid: %d, priority: 150, addresses: [192.0.2.1/24]}
`, s.socket("a"), vrid)
	}
	began := time.Now()
	a := s.startYAML("a", file(51))
	a.becomes("active", began, 5*time.Second)
	sniffer := s.sniff(inside)
	time.Sleep(500 * time.Millisecond)
	at := time.Now()
	s.rewrite("a", file(77))
	for _, args := range [][]string{{"--dry-run"}, nil} {
		if done := s.reload(a, args...); done.code != 0 || done.out != "added inside\nremoved inside\n" {
			t.Errorf("reload %v: %+v", args, done)
		}
	}
	a.becomes("active", at, 5*time.Second)
	time.Sleep(500 * time.Millisecond)
	sniffer.Close()
	priorities := map[byte][]byte{} // by VRID
	for _, seen := range sniffer.Adverts() {
		priorities[seen.Message[1]] = append(priorities[seen.Message[1]], seen.Message[2])
	}
	if old := priorities[51]; len(old) < 2 || slices.Index(old, 0) != len(old)-1 {
		t.Errorf("VRID 51 was advertised with priorities %v, want one 0, the last", old)
	}
	if len(priorities[77]) == 0 || slices.Contains(priorities[77], 0) {
		t.Errorf("VRID 77 was advertised with priorities %v", priorities[77])
	}
	s.stands("a", "eth0", true, "192.0.2.1/24")
}

// TestReloadLongerInterval checks that adverts contain a longer interval at once, but are sent at
// the old interval for miss + 1 of the new ones, so that a Backup learns it before it can miss one:
// no router changes state.
func TestReloadLongerInterval(t *testing.T) {
	t.Parallel()
	const was, is = 300 * time.Millisecond, 900 * time.Millisecond
	s := newSite(t, []segment{inside}, "a", "b")
	file := func(host string, priority int, interval time.Duration) string {
		return router{priority, interval, ""}.yaml(s, s.socket(host))
	}
	began := time.Now()
	a := s.startYAML("a", file("a", 150, was))
	a.becomes("active", began, 5*time.Second)
	b := s.startYAML("b", file("b", 100, was))
	b.becomes("backup", began, 5*time.Second)
	sniffer := s.sniff(inside)
	time.Sleep(2 * was)
	at := time.Now()
	s.rewrite("a", file("a", 150, is))
	if done := s.reload(a); done.code != 0 || done.out != fmt.Sprintf("changed inside\ninside: interval %v (was %v)\n", is, was) {
		t.Fatalf("reload: %+v", done)
	}
	time.Sleep(4*was + 4*is)
	sniffer.Close()

	var last time.Time
	paces := map[time.Duration]int{} // of the adverts that bear the longer interval
	for _, seen := range sniffer.Adverts() {
		bears := 10 * time.Millisecond * time.Duration(int(seen.Message[4]&0x0f)<<8|int(seen.Message[5]))
		if bears == is && !last.IsZero() {
			paces[seen.At.Sub(last).Round(was)]++
		}
		last = seen.At
	}
	// The first one leaves at once, after a part of the old interval.
	if paces[was] < 4 || paces[was] > 5 || paces[is] < 3 {
		t.Errorf("adverts that bear %v came after %v, want 4 after %v and then those after %v", is, paces, was, is)
	}
	for _, d := range []*daemon{a, b} {
		for _, l := range d.moves(at) {
			t.Errorf("it moved: %s", l.Msg)
		}
	}
}

// stands waits until addresses stand on a link of a host, or do not.
func (s *site) stands(host, link string, want bool, addresses ...string) {
	s.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		out, err := s.Run(host, "ip", "-o", "addr", "show", "dev", link)
		if err != nil {
			s.t.Fatal(err)
		}
		ok := true
		for _, a := range addresses {
			ok = ok && strings.Contains(out, " "+a+" ") == want
		}
		if ok {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s of %s: %s\nwant %v there: %v", link, host, out, addresses, want)
		}
	}
}

// TestReloadRejected reloads a file that is invalid or missing, and a directory: nothing changes,
// and the answer and the log contain the reason, with line and column.
func TestReloadRejected(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	good := router{150, 200 * time.Millisecond, ""}
	a := s.start("a", good)
	a.becomes("active", began, 5*time.Second)
	path := filepath.Join(s.Dir, "a.yaml")
	for what, change := range map[string]struct {
		do   func()
		want string
	}{
		"broken":    {func() { s.rewrite("a", good.yaml(s, s.socket("a"))+"priorty: 5\n") }, "a.yaml"},
		"gone":      {func() { _ = os.Remove(path) }, "no such file"},
		"directory": {func() { _ = os.Remove(path); _ = os.Mkdir(path, 0o700) }, "directory"},
	} {
		change.do()
		at := time.Now()
		done := s.reload(a)
		if done.code != 1 || !strings.Contains(done.err, change.want) || strings.Count(done.err, "\n") != 1 {
			t.Errorf("%s: %+v, want %q", what, done, change.want)
		}
		a.signal(syscall.SIGHUP)
		a.wait(at, 5*time.Second, "config.rejected", func(l line) bool {
			return l.Event == "config.rejected" && l.Level == "error" && strings.Contains(l.Msg, change.want)
		})
		if got := a.state(); got != "active" || len(a.moves(at)) > 0 {
			t.Errorf("%s: it is %s after %d moves", what, got, len(a.moves(at)))
		}
		_ = os.RemoveAll(path)
	}
	s.rewrite("a", good.yaml(s, s.socket("a")))
	if done := s.reload(a); done.out != "nothing changed\n" {
		t.Errorf("mended: %+v", done)
	}
}

// TestReloadOftenLeavesNothing checks that many reloads leave nothing behind: the numbers of
// descriptors and goroutines are as before.
func TestReloadOftenLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", began, 5*time.Second)
	var before holdings
	for i := range 100 {
		s.rewrite("a", router{150 + i%2, 200 * time.Millisecond, ""}.yaml(s, s.socket("a")))
		if done := s.reload(a); done.code != 0 || done.out != fmt.Sprintf("changed inside\ninside: priority %d (was %d)\n", 150+i%2, 151-i%2) && i > 0 {
			t.Fatalf("reload %d: %+v", i, done)
		}
		if i == 10 {
			before = a.holdings()
		}
	}
	a.returnsTo(before, patience)
	for _, l := range a.moves(began) {
		if l.From == "active" {
			t.Errorf("it moved: %+v", l)
		}
	}
}
