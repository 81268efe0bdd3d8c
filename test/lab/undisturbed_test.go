package lab

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/control"
)

// While a thousand instances advertise, 200 checks of all kinds run each second. The first 20 never
// get an answer.
const (
	checksCount   = 200
	checksHanging = 20
	checksTimeout = 800 * time.Millisecond
)

// measuredFor returns how long the adverts are observed, with the other work and without.
func measuredFor() time.Duration { return shortOr(3*time.Second, 20*time.Second) }

// services are the servers that the checks ask: an open port, one that answers HTTP, and one that
// never sends anything.
type services struct{ open, web, mute string }

func (s *site) services() (v services) {
	s.t.Helper()
	listen := func(serve func(net.Listener)) string {
		var l net.Listener
		if err := s.Host("client").Do(func() (err error) {
			l, err = net.Listen("tcp", s.segments[0].network+".12:0")
			return err
		}); err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { l.Close() })
		go serve(l)
		return l.Addr().String()
	}
	accept := func(l net.Listener) {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(io.Discard, conn); conn.Close() }() // until the other end is closed
		}
	}
	v.open, v.mute = listen(accept), listen(accept)
	v.web = listen(func(l net.Listener) {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "well\n") }))
	})
	return v
}

// ofKinds returns the configuration of the checks, each with that interval.
func (v services) ofKinds(dir string, interval time.Duration) string {
	var b strings.Builder
	b.WriteString("checks:\n")
	for i := range checksCount {
		what := "command: [/bin/true]"
		switch {
		case i < 6:
			what = fmt.Sprintf("command: [%s/hangs]", dir)
		case i < 10:
			what = "command: [/bin/sleep, '1000']"
		case i < 15:
			what = fmt.Sprintf("http: {url: 'http://%s/'}", v.mute)
		case i < 18:
			what = "ping: {address: 10.0.0.200}"
		case i < checksHanging:
			what = "ping: {address: 10.0.0.201, interface: eth0, method: arp}"
		case i%10 == 0:
			what = fmt.Sprintf("tcp: {address: '%s'}", v.open)
		case i%10 == 1:
			what = fmt.Sprintf("http: {url: 'http://%s/', contains: well}", v.web)
		case i%10 == 2:
			what = "process: {name: ripcord}"
		case i%10 == 3:
			what = "ping: {address: 10.0.0.12, interface: eth0, method: arp}"
		}
		fmt.Fprintf(&b, "  - {name: c%d, %s, interval: %v, timeout: %v, initial: pass, weight: -1}\n", i, what, interval, checksTimeout)
	}
	return b.String()
}

// idle is an interval so long that no check runs during the test.
const idle = 10 * time.Hour

// TestThousandUndisturbed checks that other work does not delay the adverts of a thousand instances,
// ten a second each: 200 checks a second, of which 20 hang, notify commands that hang, and reloads. No
// advert is missed, and nothing is left afterwards.
//
// Each is compared with the same daemon without that work, measured just before: on a busy machine,
// adverts may be later than the permitted 2 ms in any case.
func TestThousandUndisturbed(t *testing.T) {
	s := newThousandServices(t)
	s.run(t, "checks", s.withChecks)
	s.run(t, "notify", s.withNotify)
	s.run(t, "reload", s.withReloads)
	s.run(t, "many reloads", s.withManyReloads)
}

// undisturbed is a router with a thousand instances that track 200 checks. At the start none of
// them runs.
type undisturbed struct {
	*thousand
	services
	dir string
}

func newThousandServices(t *testing.T) *undisturbed {
	r := newThousand(t)
	r.keys = func(i int) string { return fmt.Sprintf("track: [{check: c%d}]", i%checksCount) }
	u := &undisturbed{thousand: r, services: r.services(), dir: r.Dir}
	r.script("hangs", `trap "" TERM; while :; do sleep 1000; done`)
	r.head = u.ofKinds(r.Dir, idle)
	r.begin()
	return u
}

// run runs a part of the test as a subtest, to which the helpers report meanwhile.
func (u *undisturbed) run(t *testing.T, name string, part func(*testing.T)) {
	t.Run(name, func(own *testing.T) {
		u.t, u.a.t = own, own
		defer func() { u.t, u.a.t = t, t }()
		part(own)
	})
}

func (u *undisturbed) withChecks(t *testing.T) {
	before := u.a.holdings()
	measured(t, func(m *machine) (wrong string) {
		quiet := u.watchAdverts(func() { time.Sleep(measuredFor()) })
		sent, since := u.sent(), time.Now()
		u.head = u.ofKinds(u.dir, time.Second)
		u.reread()
		time.Sleep(shortOr(2*time.Second, 5*time.Minute))
		busy := u.watchAdverts(func() { time.Sleep(measuredFor()) })
		during := u.a.holdings()
		wrong = u.judge(t, "checks", quiet, busy) + u.missed(m, sent, since)
		u.ran(t, busy)
		u.head = u.ofKinds(u.dir, idle)
		u.reread()
		t.Logf("while the checks run: %v", during)
		return wrong
	})
	u.a.returnsTo(before, 5*time.Second)
	u.nothingRuns(t)
}

// ran checks that the checks have run as often as they should, with the right results, and that
// adverts show these results.
func (u *undisturbed) ran(t *testing.T, w window) {
	t.Helper()
	up, down := uint64(0), uint64(0)
	for _, k := range u.a.status().Checks {
		var n int
		_, _ = fmt.Sscanf(k.Name, "c%d", &n)
		state := "up"
		if n < checksHanging {
			state, down = "down", down+k.Runs
		} else {
			up += k.Runs
		}
		if k.State != state || k.Runs < 2 {
			t.Errorf("check %s is %s after %d runs: %s", k.Name, k.State, k.Runs, k.Error)
		}
	}
	t.Logf("%d runs of checks, and %d of those that hang", up, down)
	var other []string
	for i := range thousandCount {
		want := uint8(150)
		if i%checksCount < checksHanging {
			want = 149
		}
		name := fmt.Sprintf("i%d", i)
		if got := w.priority[name]; len(got) != 1 || !got[want] {
			other = append(other, fmt.Sprintf("%s %v, want %d", name, slices.Collect(maps.Keys(got)), want))
		}
	}
	if len(other) > 0 {
		t.Errorf("%d instances advertise another priority than follows from their check: %s …", len(other), strings.Join(other[:min(3, len(other))], "; "))
	}
}

func (u *undisturbed) withNotify(t *testing.T) {
	const moving = 150 // more than notify commands run at once
	checks := u.head
	before := u.a.holdings()
	measured(t, func(m *machine) (wrong string) {
		quiet := u.watchAdverts(func() { time.Sleep(measuredFor()) })
		u.head = checks + fmt.Sprintf("notify: {any: [%s/hangs], timeout: %v}\n", u.dir, shortOr(5*time.Second, 3*time.Minute))
		u.reread()
		for _, path := range []string{control.ReleasePath, control.ResumePath} {
			for i := range moving {
				u.a.order(path, fmt.Sprintf("i%d", i))
			}
		}
		u.allActive(10 * time.Second)
		sent, since := u.sent(), time.Now()
		time.Sleep(shortOr(time.Second, 4*time.Minute))
		busy := u.watchAdverts(func() { time.Sleep(measuredFor()) })
		during := u.a.holdings()
		if during.children < 100 {
			t.Errorf("%d notify commands hang, want 128: %v", during.children, during)
		}
		t.Logf("while the notify commands hang: %v", during)
		wrong = u.judge(t, "notify commands that hang", quiet, busy) + u.missed(m, sent, since)
		u.head = checks
		u.reread()
		return wrong
	})
	u.a.returnsTo(before, shortOr(60*time.Second, 10*time.Minute))
	u.nothingRuns(t)
}

// judge compares the adverts with those of the quiet window before.
func (u *undisturbed) judge(t *testing.T, what string, quiet, busy window) (wrong string) {
	t.Helper()
	t.Logf("quiet: %v", &quiet)
	t.Logf("%s: %v", what, &busy)
	limit, missed := max(2*time.Millisecond, quiet.late(99)+time.Millisecond), thousandInterval+thousandInterval/2
	usual := max(500*time.Microsecond, 2*quiet.late(50)) // other work on the machine delays single adverts
	if quiet.longest > missed {
		missed = 3 * thousandInterval // which is when a Backup misses them
	}
	if p99 := busy.late(99); p99 >= limit {
		wrong = fmt.Sprintf("with %s p99 of the lateness is %v, want less than %v; without, it is %v", what, p99, limit, quiet.late(99))
	}
	if p50 := busy.late(50); p50 >= usual {
		wrong += fmt.Sprintf(" with %s p50 of the lateness is %v, want less than %v; without, it is %v", what, p50, usual, quiet.late(50))
	}
	if busy.longest > missed || busy.routers != thousandCount {
		wrong += fmt.Sprintf(" with %s the longest time without an advert is %v, of %d instances", what, busy.longest, busy.routers)
	}
	return wrong
}

// nothingRuns checks that no hanging command is left.
func (u *undisturbed) nothingRuns(t *testing.T) {
	t.Helper()
	if left, err := exec.Command("pgrep", "-af", filepath.Join(u.dir, "hangs")).Output(); err == nil {
		t.Errorf("processes are left:\n%s", left)
	}
}
