package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/control"
)

// changing is a status in which the group is Active first and Backup later.
func changing(t *testing.T, state string) *control.Status {
	t.Helper()
	s := statusOf(t, "healthy")
	s.Instances[0].State = state
	return s
}

// TestMarks requires that changes are marked for a while, that texts which change only with time
// are not marked, and that nothing is marked at first.
func TestMarks(t *testing.T) {
	var m marks
	show := func(state string, after time.Duration) string {
		p := statusPage(changing(t, state), now.Add(after))
		m.mark(&p, now.Add(after))
		var b bytes.Buffer
		if err := p.write(&b, look{width: 200}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, step := range []struct {
		state  string
		after  time.Duration
		marked string
	}{
		{"active", 0, ""}, {"active", time.Minute, ""}, {"backup", time.Minute, "backup*"}, {"backup", time.Minute + markedFor/2, "backup*"},
		{"backup", time.Minute + markedFor, ""}, {"fault", time.Hour, "fault*"},
	} {
		got := show(step.state, step.after)
		if n := strings.Count(got, "*"); step.marked == "" && n > 0 || step.marked != "" && (n != 1 || !strings.Contains(got, step.marked)) {
			t.Errorf("%s after %v: want %q marked in\n%s", step.state, step.after, step.marked, got)
		}
	}
	var waiting marks
	for i, left := range []string{"preempt_delay, 25s left", "preempt_delay, 24s left", "startup_delay, 24s left"} {
		s := changing(t, "backup")
		until := now.Add(time.Minute)
		s.Instances[0].Wait = &control.Wait{Reason: "preempt-delay", Text: strings.SplitN(left, ",", 2)[0], Until: &until}
		p := statusPage(s, now.Add(time.Duration(35+i)*time.Second))
		waiting.mark(&p, now.Add(time.Duration(i)*time.Second))
		if why := p.blocks[0].table[1][4].text; i < 2 && (strings.HasSuffix(why, "*") || !strings.Contains(why, left)) || i == 2 && !strings.HasSuffix(why, "*") {
			t.Errorf("WHY is %q, want %q, marked only if the reason changes", why, left)
		}
	}
	var twice marks
	for range 3 { // rows with the same first cell are kept apart
		p := page{blocks: []block{{name: "trackers", table: table{words("TRACKED BY", "STATE"), words("edge", "up"), words("edge", "down")}}}}
		twice.mark(&p, now)
		if got := p.blocks[0].table; got[1][1].text != "up" || got[2][1].text != "down" {
			t.Errorf("rows that did not change show %q and %q", got[1][1].text, got[2][1].text)
		}
	}
	s := statusOf(t, "healthy")
	s.Instances[1].Warnings = []control.Warning{{Reason: "unheard", Text: "no station is heard"}}
	p := statusPage(s, now)
	m.mark(&p, now)
	for _, b := range p.blocks {
		if b.name == "warnings" && (b.notes[0].text != "* outside: no station is heard" || b.notes[0].colour != "33;7") {
			t.Errorf("a new warning is %+v", b.notes[0])
		}
	}
}

// TestWatchStatus requires that a daemon that stops answering is reported once and waited for.
func TestWatchStatus(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	answers := []error{nil, errors.New("nobody answers"), errors.New("nobody answers"), nil}
	n := 0
	fetch := func() (*control.Status, error) {
		err := answers[n]
		if n++; n == len(answers) {
			time.AfterFunc(watchPeriod/2, cancel)
		}
		return changing(t, "active"), err
	}
	var out bytes.Buffer
	if err := watchStatus(ctx, &out, false, fetch); err != nil {
		t.Fatal(err)
	}
	if shown, failed := strings.Count(out.String(), "ripcord 0.1.0 on gw1"), strings.Count(out.String(), "nobody answers"); n != 4 || shown != 2 || failed != 1 {
		t.Errorf("after %d answers the status was shown %d times, the error %d times:\n%s", n, shown, failed, out.String())
	}
	if err := watchStatus(t.Context(), &out, false, func() (*control.Status, error) { return nil, errors.New("nobody") }); err == nil {
		t.Error("watchStatus watches a daemon that never answered")
	}
}

// TestShowInPlace requires that a page overwrites the last one and is cut at the end of the
// terminal.
func TestShowInPlace(t *testing.T) {
	var out bytes.Buffer
	w := newStatusWatch(&out, false)
	w.rows = 6
	if err := w.status(changing(t, "active"), now); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if !strings.HasPrefix(got, toTop+"ripcord 0.1.0") || !strings.HasSuffix(got, clearLine+"\n"+clearRest) || strings.Count(got, "\n") != 5 || !strings.Contains(got, "… and 10 lines more") {
		t.Errorf("%q", got)
	}
}

// TestWidth requires that no line is longer than the width wherever words can be broken, and that
// no text is lost.
func TestWidth(t *testing.T) {
	s := statusOf(t, "pulled")
	s.Instances[0].Name = "a-name-of-some-length"
	s.Instances[0].LastEvent = "higher-priority-backup"
	for range 40 {
		s.Instances[0].Addresses = append(s.Instances[0].Addresses, s.Instances[0].Addresses[0])
	}
	s.Instances[1].Warnings = []control.Warning{{Text: strings.Repeat("something is wrong, ", 30)}}
	s.Checks[0].Error = strings.Repeat("no answer at all ", 20)
	for _, width := range []int{60, 80, 100, 160, 400} {
		var b bytes.Buffer
		if err := render(&b, s, now, look{width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
		}
		if got := strings.Count(b.String(), s.Instances[0].Addresses[0].String()); got < 41 {
			t.Errorf("width %d: %d of 41 addresses are left", width, got)
		}
	}
}

// BenchmarkStatus measures the time of the command for a thousand instances, without the daemon's.
func BenchmarkStatus(b *testing.B) {
	s := &control.Status{Version: "0.1.0"}
	for i := range 1000 {
		s.Instances = append(s.Instances, control.Instance{Name: fmt.Sprintf("instance%d", i), Interface: "eth0", VRID: uint8(i), State: "active", LastEvent: "active-timeout"})
	}
	for b.Loop() {
		var out bytes.Buffer
		_ = render(&out, s, now, look{width: pageWidth})
	}
}
