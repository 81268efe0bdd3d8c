package track

import (
	"strings"
	"testing"
	"time"
)

// at returns an instant of a virtual clock that begins at an arbitrary time.
func at(d time.Duration) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(d) }

// TestHealth plays rows of results, p(ass) and f(ail), a second apart; the state after each is
// w(aiting), u(p) or d(own).
func TestHealth(t *testing.T) {
	for _, c := range []struct {
		what       string
		rise, fall int
		initial    Initial
		results    string
		states     string
	}{
		{"the first result decides alone", 3, 3, Wait, "p", "u"},
		{"the first failure decides alone", 3, 3, Wait, "f", "d"},
		{"zero is one", 0, 0, Pass, "fpf", "dud"},
		{"fall counts failures in a row", 1, 3, Pass, "pffpfff", "uuuuuud"},
		{"rise counts passes in a row", 2, 1, Fail, "pfppf", "dddud"},
		{"what agrees with the state counts nothing", 2, 2, Pass, "pppff", "uuuud"},
		{"what was assumed to pass is decided by the first result", 2, 2, Pass, "ffpp", "dddu"},
		{"what was assumed to fail takes rise", 2, 2, Fail, "pp", "du"},
		{"a neutral check is decided by the first result", 3, 3, Neutral, "pff", "uuu"},
		{"alternating results change nothing", 2, 2, Wait, "pfpfpfpf", "uuuuuuuu"},
	} {
		h := NewHealth(&Spec{Rise: c.rise, Fall: c.fall, Initial: c.initial}, at(0))
		was, since := h.state, at(0)
		got := ""
		for i, r := range c.results {
			now := at(time.Duration(i+1) * time.Second)
			changed := h.Update(r == 'p', now)
			if changed != (h.state != was) {
				t.Errorf("%s: result %d: changed is %v, from %v to %v", c.what, i, changed, was, h.state)
			}
			if changed {
				was, since = h.state, now
			}
			if h.since != since {
				t.Errorf("%s: result %d: since is %v, want %v", c.what, i, h.since, since)
			}
			got += h.state.String()[:1]
		}
		if got != c.states {
			t.Errorf("%s: %s leads to %s, want %s", c.what, c.results, got, c.states)
		}
	}
}

// TestHealthAdopts requires that a new fall takes effect at the next result, with earlier results
// counted.
func TestHealthAdopts(t *testing.T) {
	h := NewHealth(&Spec{Fall: 5, Initial: Pass}, at(0))
	h.Update(true, at(0))
	for range 3 {
		h.Update(false, at(0))
	}
	h.Adopt(&Spec{Fall: 2})
	if h.state != Up {
		t.Error("a configuration by itself changed the state")
	}
	if !h.Update(false, at(1)) || h.state != Down {
		t.Errorf("the state is %v after the fourth failure with fall 2", h.state)
	}
}

func TestSchedule(t *testing.T) {
	const interval = 10 * time.Second
	s := NewSchedule(at(0), interval, 1) // phase 0.618
	first := s.first.Sub(at(0)).Round(time.Millisecond)
	if first != 618*time.Millisecond {
		t.Errorf("the first run is due after %v", first)
	}
	for _, c := range []struct {
		started, now time.Duration
		due          time.Duration
		skipped      int
	}{
		{0, 0, 6180 * time.Millisecond, 0},
		{2 * time.Second, 2 * time.Second, 16180 * time.Millisecond, 0}, // not within half an interval
		{6180 * time.Millisecond, 7 * time.Second, 16180 * time.Millisecond, 0},
		{6180 * time.Millisecond, 16 * time.Second, 16180 * time.Millisecond, 0},
		{6180 * time.Millisecond, 17 * time.Second, 26180 * time.Millisecond, 1},
		{6180 * time.Millisecond, 47 * time.Second, 56180 * time.Millisecond, 4},
	} {
		due, skipped := s.Next(at(c.started), at(c.now))
		if got := due.Sub(at(0)).Round(10 * time.Millisecond); got != c.due || skipped != c.skipped {
			t.Errorf("started %v, now %v: due %v, skipped %d; want %v, %d", c.started, c.now, got, skipped, c.due, c.skipped)
		}
	}
}

// TestScheduleSpreads requires that the runs of any number of checks are spread over the interval,
// at the start and later.
func TestScheduleSpreads(t *testing.T) {
	for _, n := range []int{2, 10, 100, 1000} {
		const interval = 30 * time.Second
		var starts, slots [10]int
		for i := range n {
			s := NewSchedule(at(0), interval, i)
			starts[int(s.first.Sub(at(0))*10/startSpread)]++
			due, _ := s.Next(s.first, s.first)
			slots[int(due.Sub(at(0))%interval*10/interval)]++
		}
		most := n/10 + 2
		for i := range 10 {
			if starts[i] > most || slots[i] > most {
				t.Errorf("%d checks: tenths of the first second have %v, of the interval %v", n, starts, slots)
				break
			}
		}
	}
}

func TestValidate(t *testing.T) {
	good := TCP{"192.0.2.1:80"}
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{}, "a check has no name"},
		{Spec{Name: "x", Interval: time.Second, Probe: good}, ""},
		{Spec{Name: "x", Interval: time.Millisecond, Probe: good}, "check x: interval 1ms is too short: at least 10ms"},
		{Spec{Name: "x", Interval: time.Second}, "check x: nothing to check"},
		{Spec{Name: "x", Interval: time.Second, Timeout: -1, Rise: -1, Fall: 1e6, Probe: good}, "check x: fall 1000000: give 1 to 1000"},
		{Spec{Name: "x", Interval: time.Second, Probe: TCP{"192.0.2.1"}}, `check x: address "192.0.2.1": give a host and a port`},
		{Spec{Name: "x", Interval: time.Second, Probe: TCP{"192.0.2.1:http"}}, `the port is "http"`},
		{Spec{Name: "x", Interval: time.Second, Probe: HTTP{URL: "ftp://x"}}, `url "ftp://x": give one as http://`},
		{Spec{Name: "x", Interval: time.Second, Probe: HTTP{URL: "http://x", Status: []StatusRange{{300, 200}}}}, "status 300-200: give codes"},
		{Spec{Name: "x", Interval: time.Second, Probe: Command{}}, "the command is empty"},
		{Spec{Name: "x", Interval: time.Second, Probe: Process{Name: "a/b", Min: 1}}, `process "a/b": give a name, or the whole path`},
		{Spec{Name: "x", Interval: time.Second, Probe: Process{Name: "a", Min: 3, Max: 2}}, "min 3 and max 2"},
		{Spec{Name: "x", Interval: time.Second, Probe: Process{Name: "/usr/bin/a", Part: true, Min: 1}}, "no part of a name can be a path"},
		{Spec{Name: "x", Interval: time.Second, Probe: File{Path: "x"}}, `file "x": give the whole path`},
		{Spec{Name: "x", Interval: time.Second, Probe: File{Path: "/x", Weight: 255}}, "weight 255: give -254 to 254"},
		{Spec{Name: "x", Interval: time.Second, Probe: Ping{}}, "ping without an address"},
	} {
		err := c.spec.Validate()
		if c.want == "" && err != nil || !strings.Contains(text(err), c.want) {
			t.Errorf("%+v: got %q, want %q", c.spec, text(err), c.want)
		}
	}
}
