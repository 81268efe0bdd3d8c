package daemon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// TestReleasesOutlive requires that a release is there when the file is opened again, unless it is
// over; not after a boot, and not from an invalid file.
func TestReleasesOutlive(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	r, err := openReleases(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []vrrp.Released{
		{Group: "edge", On: true}, {Group: "dmz", On: true, Until: now.Add(time.Hour)}, {Group: "lab", On: true, Until: now.Add(time.Minute)},
		{Group: "gone", On: true}, {Group: "gone"},
	} {
		if err := r.note(order, now); err != nil {
			t.Fatal(err)
		}
	}
	for name, at := range map[string]time.Time{"gone": now, "lab": now.Add(time.Minute), "other": now} {
		if r.has(name, at) || !r.has("edge", at) {
			t.Errorf("after %v %s is released, or edge is not", at.Sub(now), name)
		}
	}
	names := func(at time.Time) string {
		t.Helper()
		again, err := openReleases(dir, at)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, o := range again.current() {
			if !o.On {
				t.Errorf("%s is remembered as resumed", o.Group)
			}
			names = append(names, o.Group)
		}
		return strings.Join(names, " ")
	}
	if got := names(now); got != "edge dmz lab" {
		t.Errorf("after a restart %q are released", got)
	}
	if got := names(now.Add(2 * time.Minute)); got != "edge dmz" {
		t.Errorf("two minutes later %q are", got)
	}
	text, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(text), r.boot, "00000000-0000-0000-0000-000000000000", 1)
	if err := os.WriteFile(r.path, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := names(now); got != "" {
		t.Errorf("after a boot %q are released", got)
	}
	if err := os.WriteFile(r.path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := openReleases(dir, now); err == nil || len(again.current()) > 0 {
		t.Errorf("a truncated file: %v, %v", again.current(), err)
	}
	for _, g := range r.current() {
		if err := r.note(vrrp.Released{Group: g.Group}, now); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("nothing is released, but %v is left", left)
	}
}

// TestReleasesInherited checks that a reload applies a release to the groups that have the virtual
// routers of the released one, also for the next daemon.
func TestReleasesInherited(t *testing.T) {
	member := func(name string) vrrp.Instance { return vrrp.Instance{Virtual: event.Virtual{Name: name}} }
	group := func(name string, members ...string) vrrp.Group {
		g := vrrp.Group{Name: name}
		for _, m := range members {
			g.Members = append(g.Members, member(m))
		}
		return g
	}
	dir, now := t.TempDir(), time.Now()
	r, err := openReleases(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"edge", "gone"} {
		if err := r.note(vrrp.Released{Group: name, On: true}, now); err != nil {
			t.Fatal(err)
		}
	}
	before := []vrrp.Group{group("edge", "inside", "outside"), group("spare", "left")}
	for _, c := range []struct {
		next []vrrp.Group
		want []string
	}{
		{before, []string{"edge", "gone"}},
		{[]vrrp.Group{group("border", "inside", "outside"), group("spare", "left")}, []string{"border", "gone"}},
		{[]vrrp.Group{group("", "inside"), group("spare", "left", "outside")}, []string{"inside", "spare", "gone"}},
	} {
		if err := r.inherit(vrrp.Succeed(before, c.next)); err != nil {
			t.Fatal(err)
		}
		before = c.next
		again, err := openReleases(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, o := range again.current() {
			names = append(names, o.Group)
		}
		if !slices.Equal(names, c.want) {
			t.Errorf("%q are released, want %q", names, c.want)
		}
	}
}

// TestReleasable requires that the error for a name that cannot be released lists those that can.
func TestReleasable(t *testing.T) {
	member := func(name string) vrrp.InstanceStatus {
		return vrrp.InstanceStatus{Instance: &vrrp.Instance{Virtual: event.Virtual{Name: name}}}
	}
	groups := []*vrrp.GroupStatus{
		{Name: "edge", Members: []vrrp.InstanceStatus{member("inside"), member("outside")}}, {Members: []vrrp.InstanceStatus{member("dmz")}},
	}
	for name, want := range map[string]string{
		"edge": "", "dmz": "", "inside": "inside moves with its group: name the group edge",
		"x": `there is no instance or group "x": there are the instances inside, outside, dmz and the groups edge`,
	} {
		got := ""
		if err := releasable(groups, name); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestReleasesInOrder requires that of a release and its end at the same time the file has the one
// that the group was given last: it would forget or repeat the release after a restart otherwise.
func TestReleasesInOrder(t *testing.T) {
	releases, err := openReleases(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := &parts{releases: releases}
	const many = 16
	ring := bus.SubscribeRing(&p.results, bus.NewBell(), many)
	for range 200 {
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				if err := (orders{parts: p}).carryOut(vrrp.Released{Group: "edge", On: i%2 == 0}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		orders, _ := ring.Take()
		if len(orders) != many {
			t.Fatalf("%d orders", len(orders))
		}
		if given, kept := orders[many-1].(vrrp.Released).On, releases.has("edge", time.Now()); given != kept {
			t.Fatalf("the group was last given %t, and the file has %t", given, kept)
		}
	}
}
