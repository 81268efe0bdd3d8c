package lab

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/test/netns"
)

// TestRoutersThatRejectEachOther runs two routers with different configurations, of which one or
// both reject the other's adverts: both serve, or one is kept from serving. The router that rejects
// logs this at error, counts it, and shows it in status and metrics until the adverts are accepted
// again.
func TestRoutersThatRejectEachOther(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const second = "version: 2, "
	for _, c := range []struct {
		name, atA, atB string // what differs in the configurations
		a, b           string // the reasons; empty: it does not hear the other
		says           string // of b's warning
		state          string // of b
	}{
		{"passwords", second + "auth: {pass: one}", second + "auth: {pass: two}", "auth-failure", "auth-failure", "another password", "active"},
		{"one password", second + "auth: {pass: one}", second[:len(second)-2], "auth-type-mismatch", "auth-type-mismatch", "has a password, where this router has no password", "active"},
		{"intervals of VRRPv2", second + "interval: 1s", second + "interval: 2s", "interval-error", "interval-error", "the interval 1s, not 2s", "active"},
		{"versions", "interval: 1s", second + "interval: 1s", "", "version-error", "speaks VRRPv3, not VRRPv2", "backup"},
		{"peers", "unicast: {peers: [192.0.2.12]}", "unicast: {peers: [192.0.2.99]}", "", "not-a-peer", "add 192.0.2.11 to `peers`", "active"},
		{"unicast and multicast", "interval: 1s", "unicast: {peers: [192.0.2.11]}", "", "not-unicast", "sends by multicast", "active"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, []segment{inside}, "a", "b")
			start := func(host string, priority int, keys string) *daemon {
				yaml := router{priority: priority, interval: time.Second, more: keys}.yaml(s, s.socket(host))
				if strings.Contains(keys, "interval") {
					yaml = strings.Replace(yaml, "interval: 1s, ", "", 1)
				}
				return s.startYAML(host, yaml)
			}
			began := time.Now()
			a := start("a", 150, c.atA)
			a.becomes("active", began, 8*time.Second)
			b := start("b", 100, c.atB)
			for d, reason := range map[*daemon]string{a: c.a, b: c.b} {
				if reason == "" {
					continue
				}
				l := d.wait(began, 15*time.Second, "a warning", func(l line) bool {
					return l.Event == "instance.warning" && l.Reason == string(event.WarnRejectedAdverts)
				})
				if l.Level != "error" || !strings.Contains(l.Msg, "("+reason+")") || d == b && !strings.Contains(l.Msg, c.says) {
					t.Errorf("%s logs %s: %s", d.name, l.Level, l.Msg)
				}
				shown := d.status().Instances[0]
				warned := func(w control.Warning) bool { return w.Reason == string(event.WarnRejectedAdverts) }
				if !slices.ContainsFunc(shown.Warnings, warned) {
					t.Errorf("%s shows the warnings %+v", d.name, shown.Warnings)
				}
				if all := slices.Collect(maps.Keys(d.scrape())); !slices.ContainsFunc(all, func(name string) bool { return strings.Contains(name, `reason="rejected-adverts"`) }) {
					t.Errorf("the metrics of %s do not show it", d.name)
				}
			}
			b.becomes("backup", began, 15*time.Second)
			if c.state == "active" {
				b.becomes("active", began, 15*time.Second)
			} else if time.Sleep(5 * time.Second); b.state() != c.state {
				t.Errorf("b is %s, not %s", b.state(), c.state)
			}
			// The configurations are mended: the warnings end, and one serves.
			at := time.Now()
			for d, priority := range map[*daemon]int{a: 150, b: 100} {
				s.rewrite(d.name, router{priority: priority, interval: time.Second, more: second[:len(second)-2]}.yaml(s, s.socket(d.name)))
				if done := s.reload(d); done.code != 0 {
					t.Fatalf("reload: %+v", done)
				}
			}
			b.wait(at, 10*time.Second, "the end of the warning", func(l line) bool {
				return l.Event == "instance.warning" && l.Reason == string(event.WarnRejectedAdverts) && l.Level == "info"
			})
			for end := time.Now().Add(10 * time.Second); b.state() != "backup" || a.state() != "active"; time.Sleep(100 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("a is %s, b %s", a.state(), b.state())
				}
			}
		})
	}
}
