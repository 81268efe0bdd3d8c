package lab

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// A group has eight members, each on its own segment, and three routers. Their priorities differ so
// much that the second router takes over 300 ms before the third would.
const (
	trioMembers  = 8
	trioInterval = 500 * time.Millisecond
)

var trioPriorities = map[string]int{"a": 250, "b": 200, "c": 50}

// trio is the site of that group.
type trio struct {
	*site
	t *testing.T
}

// newTrio starts the routers, and returns when each Backup hears the Active on all segments. more
// are further keys of the instances.
func newTrio(t *testing.T, more string) trio {
	t.Helper()
	var segments []segment
	for i := range trioMembers {
		segments = append(segments, segment{fmt.Sprintf("m%d", i), fmt.Sprintf("eth%d", i), 51 + i, fmt.Sprintf("10.0.%d", i)})
	}
	n := trio{newSite(t, segments, "a", "b", "c"), t}
	for _, host := range []string{"a", "b", "c"} {
		state := "backup"
		if host == "a" {
			state = "active"
		}
		n.start(host, router{trioPriorities[host], trioInterval, more}).becomes(state, time.Time{}, 10*time.Second)
	}
	for _, host := range []string{"b", "c"} {
		for deadline := time.Now().Add(patience); !n.heard(host, trioPriorities["a"]); time.Sleep(often) {
			if time.Now().After(deadline) {
				t.Fatalf("%s does not hear a on all segments", host)
			}
		}
	}
	return n
}

// heard reports whether a host knows an Active of that priority for each member.
func (n trio) heard(host string, priority int) bool {
	for _, in := range n.daemons[host].status().Instances {
		if int(in.ActivePriority) != priority {
			return false
		}
	}
	return true
}

// steps are transitions in their order, each as "FROM to TO".
type steps []string

// moved returns the transitions of each member and of the group on a host since an instant.
func (n trio) moved(host string, since time.Time) map[string]steps {
	n.t.Helper()
	moved := make(map[string]steps)
	for _, l := range n.daemons[host].log(since) {
		switch l.Event {
		case "instance.transition":
			moved[l.Instance] = append(moved[l.Instance], l.From+" to "+l.To)
		case "group.transition":
			moved["group "+l.Group] = append(moved["group "+l.Group], l.From+" to "+l.To)
		}
	}
	return moved
}

// expect waits until every member and the group of each host have made the wanted transitions, and
// then for as long as another one could follow. It fails the test if there were others.
func (n trio) expect(what string, since time.Time, want map[string]steps) {
	n.t.Helper()
	wants := func(host string) map[string]steps {
		all := make(map[string]steps)
		if len(want[host]) == 0 {
			return all
		}
		for _, s := range n.segments {
			all[s.name] = want[host]
		}
		all["group edge"] = want[host]
		return all
	}
	differs := func() (hosts []string) {
		for _, host := range []string{"a", "b", "c"} {
			if !maps.EqualFunc(n.moved(host, since), wants(host), slices.Equal[steps]) {
				hosts = append(hosts, host)
			}
		}
		return hosts
	}
	for deadline := time.Now().Add(10 * time.Second); len(differs()) > 0 && time.Now().Before(deadline); time.Sleep(often) {
	}
	time.Sleep(2 * downInterval(trioPriorities["c"], trioInterval))
	total := 0
	for _, host := range []string{"a", "b", "c"} {
		for _, s := range n.moved(host, since) {
			total += len(s)
		}
	}
	for _, host := range differs() {
		n.t.Errorf("%s: %s has the transitions\n\t%v\nwant\n\t%v", what, host, n.moved(host, since), wants(host))
	}
	n.t.Logf("%s: %d transitions", what, total)
}

// TestNoNeedlessTransitions pulls and plugs a cable of a group of eight members on three routers: each member of
// each router that has to change state makes one transition, and no other member makes any.
func TestNoNeedlessTransitions(t *testing.T) {
	t.Parallel()
	t.Run("preempt", func(t *testing.T) {
		t.Parallel()
		n := newTrio(t, "")
		third := n.segments[2]
		n.expect("a cable of the Active is pulled", n.pull("a", third), map[string]steps{"a": {"active to fault"}, "b": {"backup to active"}})
		n.expect("it returns", n.plug("a", third), map[string]steps{"a": {"fault to backup", "backup to active"}, "b": {"active to backup"}})
		n.expect("a cable of a Backup is pulled", n.pull("b", third), map[string]steps{"b": {"backup to fault"}})
		n.expect("it returns", n.plug("b", third), map[string]steps{"b": {"fault to backup"}})
	})
	t.Run("no preempt", func(t *testing.T) {
		t.Parallel()
		n := newTrio(t, "preempt: false")
		last := n.segments[trioMembers-1]
		n.expect("a cable of the Active is pulled", n.pull("a", last), map[string]steps{"a": {"active to fault"}, "b": {"backup to active"}})
		n.expect("it returns", n.plug("a", last), map[string]steps{"a": {"fault to backup"}})
		n.expect("a cable of the new Active is pulled", n.pull("b", last), map[string]steps{"b": {"active to fault"}, "a": {"backup to active"}})
	})
}
