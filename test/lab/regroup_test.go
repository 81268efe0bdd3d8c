package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// TestReloadRegroups checks that a reload that renames a group, dissolves it, or makes a group of
// single instances disturbs nothing: no instance of either router has a transition, no advert has
// priority 0, and no address is removed. A reload that makes one group of an Active and a Backup
// reports first which of them starts anew.
func TestReloadRegroups(t *testing.T) {
	t.Parallel()
	s := newSite(t, bothSegments, "a", "b")
	file := func(host string, priority, outside int, groups string) string {
		return fmt.Sprintf(`control: {socket: %s}
defaults: {interval: 200ms}
instances:
  - {name: inside, interface: eth0, vrid: 51, priority: %d, addresses: [192.0.2.1/24]}
  - {name: outside, interface: eth1, vrid: 52, priority: %d, addresses: [198.51.100.1/24]}
%s`, s.socket(host), priority, outside, groups)
	}
	const edge, border = "groups: [{name: edge, members: [inside, outside]}]\n", "groups: [{name: border, members: [inside, outside]}]\n"
	began := time.Now()
	a := s.startYAML("a", file("a", 150, 150, edge))
	active := func(d *daemon, since time.Time, instance string) {
		d.wait(since, patience, instance+" active", func(l line) bool {
			return l.Event == "instance.transition" && l.Instance == instance && l.To == "active"
		})
	}
	active(a, began, "inside")
	active(a, began, "outside")
	s.stands("a", "eth0", true, "192.0.2.1/24")
	s.stands("a", "eth1", true, "198.51.100.1/24")
	b := s.startYAML("b", file("b", 100, 100, edge))
	b.becomes("backup", began, patience)

	sniffers, at := []*lan.Sniffer{s.sniff(inside), s.sniff(outside)}, time.Now()
	for _, change := range []struct{ groups, want string }{
		{border, "changed inside\nchanged outside\nchanged border\n" +
			"inside: group border (was edge)\noutside: group border (was edge)\nborder: name border (was edge)\n"},
		{"", "changed inside\nchanged outside\nremoved border\ninside: group none (was border)\noutside: group none (was border)\n"},
		{edge, "added edge\nchanged inside\nchanged outside\ninside: group edge (was none)\noutside: group edge (was none)\n"},
	} {
		for _, d := range []*daemon{a, b} {
			priority := map[*daemon]int{a: 150, b: 100}[d]
			s.rewrite(d.name, file(d.name, priority, priority, change.groups))
			for _, args := range [][]string{{"--dry-run"}, nil} {
				if done := s.reload(d, args...); done.out != change.want {
					t.Errorf("%s, reload %v: %+v, want %q", d.name, args, done, change.want)
				}
			}
		}
		time.Sleep(time.Second) // more than an Active_Down_Interval
	}
	for _, sniffer := range sniffers {
		sniffer.Close()
		for _, seen := range sniffer.Adverts() {
			if seen.Message[2] != 150 {
				t.Errorf("an advert with priority %d", seen.Message[2])
			}
		}
	}
	for _, d := range []*daemon{a, b} {
		for _, l := range d.log(at) {
			if slices.Contains([]string{"instance.transition", "address.added", "address.removed", "address.failed"}, l.Event) {
				t.Errorf("%s: %s", d.name, l.Msg)
			}
		}
	}

	// Apart, one becomes Backup. Together again, it starts anew, which the answer says beforehand.
	s.rewrite("a", file("a", 150, 50, ""))
	s.rewrite("b", file("b", 100, 100, ""))
	at = time.Now()
	for _, d := range []*daemon{a, b} {
		if done := s.reload(d); done.code != 0 || strings.Contains(done.out, "anew") {
			t.Errorf("%s: %+v", d.name, done)
		}
	}
	active(b, at, "outside")
	a.wait(at, patience, "outside backup", func(l line) bool {
		return l.Event == "instance.transition" && l.Instance == "outside" && l.To == "backup"
	})
	const anew = "outside stops and starts anew, in another group: outside is backup, and inside is active"
	s.rewrite("a", file("a", 150, 150, edge))
	for _, args := range [][]string{{"--dry-run"}, nil} {
		if done := s.reload(a, args...); !strings.Contains(done.out, anew+"\n") {
			t.Errorf("reload %v: %+v, want %q", args, done, anew)
		}
	}
	active(a, at, "outside")
}
