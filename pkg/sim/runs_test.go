package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
)

// TestRuns checks when a router knows the result of a check: after the number of runs that fall
// and rise require, a timeout later if there is no answer, and at once if the kernel announces
// the change. The first check starts with the router, at 0 s.
func TestRuns(t *testing.T) {
	ping, file := track.Ping{}, track.File{}
	for _, c := range []struct {
		name  string
		spec  track.Spec
		finds map[time.Duration]Finding
		want  string // the logged states, each with the second of its run
	}{
		{"once", track.Spec{Interval: 2 * time.Second}, map[time.Duration]Finding{4500: {Down: true}, 8500: {}}, "up 0, down 6, up 10"},
		{"rise and fall", track.Spec{Interval: 2 * time.Second, Fall: 3, Rise: 2}, map[time.Duration]Finding{4500: {Down: true}, 18500: {}}, "up 0, down 10, up 22"},
		{"not in a row", track.Spec{Interval: 2 * time.Second, Fall: 2}, map[time.Duration]Finding{4500: {Down: true}, 6500: {}, 8500: {Down: true}, 10500: {}}, "up 0"},
		{"between two runs", track.Spec{Interval: 10 * time.Second}, map[time.Duration]Finding{4500: {Down: true}, 6500: {}}, "up 0"},
		{"no answer", track.Spec{Interval: 2 * time.Second, Timeout: time.Second, Fall: 2, Probe: ping}, map[time.Duration]Finding{4500: {Down: true, Silent: true}}, "up 0, down 9"},
		{"longer than the interval", track.Spec{Interval: 2 * time.Second, Timeout: 5 * time.Second, Fall: 2}, map[time.Duration]Finding{4500: {Down: true, Silent: true}}, "up 0, down 17"},
		{"a file", track.Spec{Interval: time.Minute, Probe: file}, map[time.Duration]Finding{4500: {Down: true}, 20250: {}}, "up 0, down 4, up 20"},
		{"passes by assumption", track.Spec{Interval: 2 * time.Second, Fall: 3, Initial: track.Pass}, map[time.Duration]Finding{0: {Down: true}}, "down 0"},
		{"fails by assumption", track.Spec{Interval: 2 * time.Second, Rise: 3, Initial: track.Fail}, nil, "up 4"},
	} {
		w := wired(1, setup{interval: time.Second, priorities: []uint8{150, 100}, family: event.IPv4, track: []vrrp.Tracker{{Kind: vrrp.TrackCheck, Name: "web", Weight: -60}}})
		r, got := w.Routers[0], []string{}
		c.spec.Name = "web"
		r.SetChecks([]track.Spec{c.spec})
		w.OnEvent = func(of *Router, e event.Event) {
			if e, ok := e.(event.CheckChanged); ok && of == r {
				got = append(got, fmt.Sprintf("%s %d", e.Result, int(w.Elapsed().Seconds())))
			}
		}
		for at, f := range c.finds {
			w.After(at*time.Millisecond, func() { r.SetCheck("web", f) })
		}
		w.After(0, r.Start)
		w.Run(w.Now().Add(50 * time.Second))
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}

// TestRunsAfterReload checks that a reload keeps the state of a check whose probe is unchanged
// and applies its new fall, and restarts a check with a different probe. All checks of a router
// that was off restart.
func TestRunsAfterReload(t *testing.T) {
	w := wired(1, setup{interval: time.Second, priorities: []uint8{150, 100}, family: event.IPv4, track: []vrrp.Tracker{{Kind: vrrp.TrackCheck, Name: "web", Weight: -60}}})
	r, got := w.Routers[0], []string{}
	spec := func(fall int, port string) []track.Spec {
		return []track.Spec{{Name: "web", Interval: time.Second, Fall: fall, Probe: track.TCP{Address: "192.0.2.9:" + port}}}
	}
	w.OnEvent = func(of *Router, e event.Event) {
		if e, ok := e.(event.CheckChanged); ok && of == r {
			got = append(got, fmt.Sprintf("%s %d", e.Result, int(w.Elapsed().Seconds())))
		}
	}
	r.SetChecks(spec(10, "80"))
	r.Start()
	for at, do := range map[time.Duration]func(){
		2500:  func() { r.SetCheck("web", Finding{Down: true}) },
		5500:  func() { r.SetChecks(spec(4, "80")) }, // three have failed: the fourth run begins now
		8500:  func() { r.SetCheck("web", Finding{}) },
		12200: func() { r.SetChecks(spec(4, "81")) },
		15500: func() { r.Crash() },
		18250: func() { r.Start() },
	} {
		w.After(at*time.Millisecond, do)
	}
	w.Run(w.Now().Add(30 * time.Second))
	if text, want := strings.Join(got, ", "), "up 0, down 5, up 8, up 12, up 18"; text != want {
		t.Errorf("%s, want %s", text, want)
	}
}
