package lab

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// again starts the binary on a host as it was started before, as a supervisor does.
func (s *site) again(host string) *daemon {
	s.t.Helper()
	return s.startCommand(host, exec.Command(binary, "run", "--config", filepath.Join(s.Dir, host+".yaml")))
}

// pair starts a, which becomes Active, and b, its Backup, and waits until all is in place.
func (s *site) pair(interval time.Duration, more string) (a, b *daemon) {
	s.t.Helper()
	began := time.Now()
	a = s.start("a", router{150, interval, more})
	a.becomes("active", began, patience)
	for _, seg := range s.segments {
		a.wait(began, patience, "its address", func(l line) bool { return l.Event == "address.added" && l.Instance == seg.name })
	}
	b = s.start("b", router{100, interval, more})
	b.becomes("backup", began, patience)
	time.Sleep(2 * interval)
	return a, b
}

// startTime returns how long a process takes now that starts and ends: the shortest of some.
func (s *site) startTime(host string) (least time.Duration) {
	s.t.Helper()
	for n := range 3 {
		began := time.Now()
		s.ripcord(host, "version")
		if took := time.Since(began); n == 0 || took < least {
			least = took
		}
	}
	return least
}

// gap returns how many adverts a host has sent on a segment since an instant, and the longest
// time between two of them.
func gap(sniffer *lan.Sniffer, host string, since time.Time) (n int, longest time.Duration) {
	var last time.Time
	for _, a := range sniffer.Adverts() {
		if a.Host != host || a.At.Before(since) {
			continue
		}
		if n++; !last.IsZero() {
			longest = max(longest, a.At.Sub(last))
		}
		last = a.At
	}
	return n, longest
}

// unmoved fails if a daemon has logged a transition since an instant.
func (d *daemon) unmoved(since time.Time) {
	d.t.Helper()
	for _, l := range d.log(since) {
		if strings.HasSuffix(l.Event, ".transition") {
			d.t.Errorf("%s: %s", d.name, l.Msg)
		}
	}
}

// TestCrashIsAdopted checks that a daemon that is killed and restarted at once disturbs nothing: no
// router sees a transition, and hosts see no gratuitous ARP.
func TestCrashIsAdopted(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, 100 * time.Millisecond} {
		t.Run(interval.String(), func(t *testing.T) {
			s := newSite(t, []segment{inside, outside}, "a", "b")
			a, b := s.pair(interval, "")
			sniffers := []*lan.Sniffer{s.sniff(inside), s.sniff(outside)}
			began, since := time.Now(), a.status().Groups[0].Since
			const times = 3 // with two more it counts as one that crashes time and again
			for n := range times {
				time.Sleep(2*interval + time.Duration(n)*interval/4)
				at := a.kill()
				a = s.again("a")
				l := a.wait(at, patience, "that it goes on, or why not", func(l line) bool { return strings.HasSuffix(l.Event, "adopted") })
				if took := s.startTime("a"); l.Event == "group.unadopted" && took > 20*time.Millisecond {
					t.Skipf("this machine is too busy: a process takes %v to start, and %s", took, l.Msg)
				}
				if l.Event != "group.adopted" || l.Level != "warn" {
					t.Errorf("%s: %s", l.Level, l.Msg)
				}
				t.Log(l.Msg)
			}
			time.Sleep(2 * interval)
			for i, sniffer := range sniffers {
				n, longest := gap(sniffer, "a", began)
				t.Logf("%s: %d adverts, %v apart at most", s.segments[i].name, n, longest)
				if others, _ := gap(sniffer, "b", began); n < 2*times || others > 0 || longest > interval+50*time.Millisecond && s.startTime("a") < 20*time.Millisecond {
					t.Errorf("%s: %d adverts, %v apart at most; %d of the other", s.segments[i].name, n, longest, others)
				}
			}
			a.unmoved(began)
			b.unmoved(began)
			if st := a.status(); st.Groups[0].State != "active" || !s.holds("a", inside) || !s.holds("a", outside) {
				t.Errorf("it is %s", st.Groups[0].State)
			} else if got := st.Groups[0].Since.Sub(*since); got.Abs() > interval/2 {
				t.Errorf("status shows a time %v after it became Active", got)
			} else if st.Groups[0].Reason != "adopted" || st.Instances[0].LastEvent != "adopted" {
				t.Errorf("status shows the reasons %s and %s, want adopted", st.Groups[0].Reason, st.Instances[0].LastEvent)
			}
			for _, l := range a.log(began) {
				if strings.HasPrefix(l.Event, "address.") {
					t.Errorf("%s: %s", l.Event, l.Msg)
				}
			}
			at := a.signal(syscall.SIGTERM) // which resigns, as ever
			b.becomes("active", at, patience)
			<-a.Exited
			if s.holds("a", inside) {
				t.Error("it left its address")
			}
		})
	}
}

// TestCrashIsNotAdopted checks that the next daemon does not adopt a group whose state on the
// machine has changed, but starts the group again, and logs why.
func TestCrashIsNotAdopted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*site) // between the crash and the start
		why    string
		state  string
	}{
		"an address was deleted": {func(s *site) { s.ip("a", "address", "del", inside.virtual().String()+"/24", "dev", inside.ifname) }, inside.virtual().String(), "backup"},
		"a link was pulled":      {func(s *site) { s.pull("a", inside) }, "interface-down", "fault"},
		"another configuration": {func(s *site) {
			s.configure("a", router{140, time.Second, ""}.yaml(s, s.socket("a")))
		}, "configuration has changed", "backup"},
		"too late": {func(*site) { time.Sleep(1600 * time.Millisecond) }, "left 1.", "backup"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, []segment{inside, outside}, "a", "b")
			a, b := s.pair(time.Second, "")
			at := a.kill()
			c.change(s)
			a = s.again("a")
			if l := a.wait(at, patience, "that it starts anew", is("group.unadopted")); !strings.Contains(l.Msg, c.why) || l.Level != "warn" {
				t.Errorf("%s, want %s", l.Msg, c.why)
			}
			a.becomes(c.state, at, patience)
			if a.wait(at, patience, "that the addresses are removed", is("address.removed")); c.state == "fault" {
				b.becomes("active", at, patience)
			}
			if slices.ContainsFunc(a.log(at), is("group.adopted")) {
				t.Error("it was adopted all the same")
			}
		})
	}
}

// TestOnlyTheSameIsAdopted checks that only the group whose configuration has changed starts again.
func TestOnlyTheSameIsAdopted(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside, outside}, "a")
	yaml := func(priority int) string {
		text := router{150, time.Second, ""}.yaml(s, s.socket("a"))
		text = text[:strings.Index(text, "groups:")]
		return strings.Replace(text, "{name: outside,", fmt.Sprintf("{name: outside, priority: %d,", priority), 1)
	}
	began := time.Now()
	a := s.startYAML("a", yaml(150))
	for _, seg := range s.segments {
		a.wait(began, patience, "its address", func(l line) bool { return l.Event == "address.added" && l.Instance == seg.name })
	}
	time.Sleep(100 * time.Millisecond)
	at := a.kill()
	s.configure("a", yaml(140))
	a = s.again("a")
	if l := a.wait(at, patience, "that it goes on", is("group.adopted")); l.Group != "inside" {
		t.Errorf("%s goes on", l.Group)
	}
	if l := a.wait(at, patience, "that it starts anew", is("group.unadopted")); l.Group != "outside" {
		t.Errorf("%s starts anew", l.Group)
	}
	a.becomes("active", at, patience)
	for _, l := range a.moves(at) {
		if l.Instance != "outside" {
			t.Errorf("moved: %s", l.Msg)
		}
	}
}

// memory returns the file in which the daemon of a host records its adverts.
func (s *site) memory(host string) string {
	s.t.Helper()
	inode := ""
	if err := s.Host(host).Do(func() (err error) {
		inode, err = os.Readlink("/proc/thread-self/ns/net")
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return filepath.Join("/run/ripcord", "netns-"+strings.Trim(inode, "net:[]")+".adverts")
}

// TestDamagedRecord checks that a damaged record is reported, and that the daemon starts as if it
// had no record.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", began, patience)
	a.wait(began, patience, "its address", is("address.added"))
	for _, c := range []struct {
		name   string
		damage func(path string, size int64) error
	}{
		{"garbage", func(path string, size int64) error {
			return os.WriteFile(path, []byte(strings.Repeat("garbage ", int(size)/8)), 0o600)
		}},
		{"truncated", func(path string, size int64) error { return os.Truncate(path, size/2) }},
		// The last one, since the daemon then keeps no record.
		{"no file", func(path string, _ int64) error { return os.Symlink("/dev/null", path) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := s.memory("a")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			at := a.kill()
			if c.name == "no file" {
				_ = os.Remove(path)
			}
			if err := c.damage(path, info.Size()); err != nil {
				t.Fatal(err)
			}
			a = s.again("a")
			t.Log(a.wait(at, patience, "that the record is of no use", is("daemon.record")).Msg)
			a.becomes("active", at, patience)
			a.wait(at, patience, "its address", is("address.added"))
			if slices.ContainsFunc(a.log(at), is("group.adopted")) {
				t.Error("it adopted")
			}
			if c.name == "no file" {
				_ = os.Remove(path)
			}
		})
	}
}

// TestCrashesTimeAndAgain checks that a daemon that crashes repeatedly waits and adopts nothing,
// and that its addresses are removed at once.
func TestCrashesTimeAndAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, time.Second, ""})
	a.becomes("active", began, patience)
	a.wait(began, patience, "its address", is("address.added"))
	time.Sleep(100 * time.Millisecond)
	var at time.Time
	for range 4 {
		at = a.kill()
		a = s.again("a")
		a.wait(at, patience, "that it goes on", is("group.adopted"))
		time.Sleep(50 * time.Millisecond)
	}
	at = a.kill()
	a = s.again("a")
	if l := a.wait(at, patience, "that it waits", is("daemon.crashes")); l.Level != "error" {
		t.Errorf("%s: %s", l.Level, l.Msg)
	}
	a.wait(at, patience, "that it starts anew", is("group.unadopted"))
	a.wait(at, 900*time.Millisecond, "that the address is gone", is("address.removed"))
	if l := a.becomes("backup", at, patience); l.TS.Sub(at) < time.Second {
		t.Errorf("it takes part after %v", l.TS.Sub(at))
	}
}

// TestHandover checks a handover to another build: no router sees a transition, and no packet is
// lost.
func TestHandover(t *testing.T) {
	s := newSite(t, []segment{inside}, "a", "b")
	other := filepath.Join(s.Dir, "ripcord-next")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=99.0", "-o", other, "ripcord/cmd/ripcord")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	n := shortOr(100, 1000)
	yaml := func(host string, priority int) string {
		var b strings.Builder
		fmt.Fprintf(&b, "log: {level: info}\ncontrol: {socket: %s}\ndefaults: {priority: %d, interval: 1s, announce: {count: 1}}\ninstances:\n", s.socket(host), priority)
		for i := range n {
			family, address := "ipv4", fmt.Sprintf("192.0.%d.%d/16", 10+i/250, 1+i%250)
			if i >= 250 {
				family = "ipv6"
			}
			_ = family
			fmt.Fprintf(&b, "  - {name: i%d, interface: eth0.%d, vrid: %d, addresses: [%s]}\n", i, i/250, 1+i%250, address)
		}
		return strings.ReplaceAll(b.String(), "eth0.0", "eth0")
	}
	if n > 250 {
		t.Skip("more than 250 instances need more links")
	}
	began := time.Now()
	a := s.startYAML("a", yaml("a", 150))
	a.wait(began, patience, "all addresses", func(l line) bool { return l.Event == "address.added" && l.Instance == fmt.Sprintf("i%d", n-1) })
	b := s.startYAML("b", yaml("b", 100))
	b.wait(began, patience, "the last instance", func(l line) bool { return l.Event == "instance.transition" && l.Instance == fmt.Sprintf("i%d", n-1) })
	time.Sleep(1200 * time.Millisecond)
	sniffer := s.sniff(inside)
	w, err := s.prober(inside).Watch(netip.MustParseAddr("192.0.10.1"), 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	time.Sleep(100 * time.Millisecond)

	at, since := time.Now(), a.status().Instances[0].Since
	first := s.daemons["a"]
	go func() { // the service manager, with the next build
		<-first.Exited
		a = s.startCommand("a", exec.Command(other, "run", "--config", filepath.Join(s.Dir, "a.yaml")))
	}()
	got := s.ripcord("a", "handover", "--socket", s.socket("a"))
	t.Log(got.out)
	if got.code != 0 || !strings.Contains(got.out, "ripcord 99.0: i0") {
		t.Fatalf("exit %d, %s%s", got.code, got.out, got.err)
	}
	if first.Err != nil {
		t.Errorf("it ended with %v", first.Err)
	}
	time.Sleep(1500 * time.Millisecond)
	b.unmoved(at)
	a.unmoved(at)
	adopted := 0
	var longest time.Duration
	for _, l := range a.log(at) {
		switch {
		case l.Event == "group.adopted" && l.Level == "info":
			adopted++
			longest = max(longest, l.TS.Sub(at))
		case strings.HasPrefix(l.Event, "address."):
			t.Errorf("%s: %s", l.Event, l.Msg)
		}
	}
	if adopted != n {
		t.Errorf("%d of %d went on", adopted, n)
	}
	if got := a.status().Instances[0].Since.Sub(*since); got.Abs() > 500*time.Millisecond {
		t.Errorf("status shows a time %v after it became Active", got)
	}
	others, _ := gap(sniffer, "b", at)
	line := w.Stop()
	outage := line.LongestGap(at)
	t.Logf("went on within %v; the client's longest gap is %v", longest, outage.Length())
	if others > 0 || outage.Length() > 100*time.Millisecond {
		t.Errorf("%d adverts of the other, the client's longest gap is %v", others, outage.Length())
	}
}

// TestHandoverFollowsFile checks a handover after the configuration file has changed: the daemon
// applies it first, so the next one adopts the group. If the next daemon could not use the file,
// nothing is handed over, and the daemon continues.
func TestHandoverFollowsFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside, outside}, "a", "b")
	a, b := s.pair(time.Second, "")
	sniffer := s.sniff(inside)

	at, good := time.Now(), router{150, time.Second, "miss: 4"}.yaml(s, s.socket("a"))
	s.configure("a", good+"nonsense: 1\n")
	if got := s.ripcord("a", "handover", "--socket", s.socket("a")); got.code != 1 || !strings.Contains(got.err, "nothing was handed over") || !strings.Contains(got.err, "nonsense") {
		t.Errorf("with a wrong file: exit %d, %s%s", got.code, got.out, got.err)
	}
	time.Sleep(200 * time.Millisecond)
	if state := a.state(); state != "active" {
		t.Errorf("with a wrong file: a is %s", state)
	}

	s.configure("a", good)
	first := s.daemons["a"]
	go func() { // the service manager
		<-first.Exited
		s.again("a")
	}()
	if got := s.ripcord("a", "handover", "--socket", s.socket("a")); got.code != 0 || !strings.Contains(got.out, ": edge") {
		t.Errorf("with a changed file: exit %d, %s%s", got.code, got.out, got.err)
	}
	time.Sleep(1500 * time.Millisecond)
	s.daemons["a"].unmoved(at)
	b.unmoved(at)
	if n, longest := gap(sniffer, "a", at); n < 2 || longest > time.Second+slack {
		t.Errorf("%d adverts, %v apart at most", n, longest)
	}
}

// TestCrashAfterReload checks that a daemon is adopted that is killed directly after a reload.
func TestCrashAfterReload(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside, outside}, "a", "b")
	a, b := s.pair(time.Second, "")
	at := time.Now()
	s.configure("a", router{150, time.Second, "miss: 4"}.yaml(s, s.socket("a")))
	if got := s.ripcord("a", "reload", "--socket", s.socket("a")); got.code != 0 {
		t.Fatalf("exit %d, %s%s", got.code, got.out, got.err)
	}
	time.Sleep(20 * time.Millisecond) // an advert leaves
	a.kill()
	a = s.again("a")
	a.wait(at, patience, "that it goes on", is("group.adopted"))
	a.unmoved(at)
	b.unmoved(at)
}

// TestHandoverAdvertisesLast checks that a daemon that hands over advertises at its end, so that
// the next daemon has as much time as possible. The interval is long, so no other advert is due.
func TestHandoverAdvertisesLast(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{255, 10 * time.Second, ""})
	a.wait(began, patience, "its address", is("address.added"))
	sniffer, first := s.sniff(inside), s.daemons["a"]
	at, ended := time.Now(), make(chan time.Time, 1)
	go func() { // the service manager
		<-first.Exited
		ended <- time.Now()
		s.again("a")
	}()
	if got := s.ripcord("a", "handover", "--socket", s.socket("a")); got.code != 0 {
		t.Fatalf("exit %d, %s%s", got.code, got.out, got.err)
	}
	end := <-ended
	if !slices.ContainsFunc(sniffer.Adverts(), func(a lan.Advert) bool { return a.Host == "a" && a.At.After(at) && a.At.Before(end) }) {
		t.Error("it sent no advert at its end")
	}
}

// TestHandoverToNobody checks that the addresses are removed after a handover if no daemon starts.
func TestHandoverToNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", began, patience)
	a.wait(began, patience, "its address", is("address.added"))
	got := s.ripcord("a", "handover", "--within", "500ms", "--socket", s.socket("a"))
	if got.code != 1 || !strings.Contains(got.err, "no daemon has started within 500ms") || !strings.Contains(got.err, inside.virtual().String()) {
		t.Errorf("exit %d, %s%s", got.code, got.out, got.err)
	}
	<-a.Exited
	if s.holds("a", inside) {
		t.Error("its address is left")
	}
}

// TestAllIsAdopted checks that everything of an instance is adopted: its virtual MAC, routes,
// rules, and accept: false. No notify command runs for it, and the next command gets the previous
// state.
func TestAllIsAdopted(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	script, record := s.recorder("notify")
	yaml := fmt.Sprintf(`log: {level: debug}
control: {socket: %s}
script_user: root
instances:
  - {name: inside, interface: eth0, vrid: 51, priority: 150, addresses: [%v/24], virtual_mac: true, accept: false, notify: {any: [%s]},
     routes: [{to: 203.0.113.0/24, via: 192.0.2.12, table: 100}, {to: 10.9.0.0/16, interface: eth0}], rules: [{from: 192.0.2.0/24, table: 100, priority: 500}]}
`, s.socket("a"), inside.virtual(), script)
	began := time.Now()
	a := s.startYAML("a", yaml)
	a.wait(began, patience, "its routes", is("route.added"))
	soon(t, "the notify command", func() bool { return len(matching(linesOf(t, record), "MASTER")) == 1 })
	before, held := len(linesOf(t, record)), s.left("a")
	macs, err := s.Segment(inside.name).Record()
	if err != nil {
		t.Fatal(err)
	}
	at := a.kill()
	a = s.again("a")
	a.wait(at, patience, "that it goes on", is("group.adopted"))
	a.wait(at, patience, "its first advert", is("advert.sent"))
	time.Sleep(1500 * time.Millisecond)
	if now := s.left("a"); !slices.Equal(slices.Sorted(slices.Values(now)), slices.Sorted(slices.Values(held))) {
		t.Errorf("it held %q, and holds %q", held, now)
	}
	if s.reaches("client", inside.virtual().String()) {
		t.Error("it answers, though it should accept nothing")
	}
	for _, l := range a.log(at) {
		if strings.HasPrefix(l.Event, "address.") || strings.HasPrefix(l.Event, "route.") || strings.HasPrefix(l.Event, "notify.") || strings.HasSuffix(l.Event, ".transition") {
			t.Errorf("%s: %s", l.Event, l.Msg)
		}
	}
	if lines := linesOf(t, record); len(lines) != before {
		t.Errorf("notify commands ran: %q", lines[before:])
	}
	for _, f := range macs.Frames() {
		if f.At.After(at) && len(f.Data) > 32 && f.Data[12] == 8 && f.Data[13] == 6 && f.Data[21] == 1 && string(f.Data[28:32]) == string(f.Data[38:42]) {
			t.Error("it was announced again")
		}
	}
	at = s.pull("a", inside)
	a.becomes("fault", at, patience)
	soon(t, "the notify command at the fault", func() bool { return len(matching(linesOf(t, record), "FAULT")) == 1 })
	s.plug("a", inside)
}

// TestNoRoomForRecord checks that the daemon works without a place for its record, and logs this.
func TestNoRoomForRecord(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{
		"read-only": "mount -t tmpfs -o ro none /run/ripcord",
		"full":      "mount -t tmpfs -o size=4k none /run/ripcord && head -c 4096 /dev/zero > /run/ripcord/full",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, []segment{inside}, "a")
			config := s.configure("a", router{150, 200 * time.Millisecond, ""}.yaml(s, s.socket("a")))
			began := time.Now()
			start := func() *daemon {
				return s.startCommand("a", exec.Command("unshare", "--mount", "sh", "-c", "mkdir -p /run/ripcord && "+prepare+` && exec "$@"`, "sh", binary, "run", "--config", config))
			}
			a := start()
			if l := a.wait(began, patience, "that there is no record", is("daemon.record")); l.Level != "warn" {
				t.Errorf("%s: %s", l.Level, l.Msg)
			} else {
				t.Log(l.Msg)
			}
			a.becomes("active", began, patience)
			a.wait(began, patience, "its address", is("address.added"))
			if got := s.ripcord("a", "handover", "--socket", s.socket("a")); got.code != 1 || !strings.Contains(got.err, "no record can be kept") {
				t.Errorf("ripcord handover: exit %d, %s%s", got.code, got.out, got.err)
			}
			at := a.kill()
			a = start()
			a.becomes("active", at, patience)
			if slices.ContainsFunc(a.log(at), is("group.adopted")) {
				t.Error("it adopted")
			}
		})
	}
}
