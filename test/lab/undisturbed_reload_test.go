package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/control"
	"ripcord/pkg/stats"
)

// change gives an instance another priority than it has, and returns what a reload has to
// answer.
func (u *undisturbed) change(name string) (answer string) {
	if u.other[name] == 0 {
		u.other[name] = 151
	} else {
		delete(u.other, name)
	}
	return fmt.Sprintf("changed %s\n", name)
}

// withReloads: no advert is later for a reload, of which one of the thousand instances is
// another one, or for a file that cannot be taken, than those of the same daemon are
// without; nobody moves, and no counter is set back.
func (u *undisturbed) withReloads(t *testing.T) {
	measured(t, func(m *machine) (wrong string) {
		quiet := u.watchAdverts(func() { time.Sleep(measuredFor()) })
		before, since := u.instances(), time.Now()
		anew := []string{"i0", "i500", "i999"}
		reloaded := u.watchAdverts(func() { u.reloadsEach(t, anew) }, anew...)
		u.unmoved(t, before)
		before = u.instances()
		rejected := u.watchAdverts(func() { u.rejects(t) })
		u.unmoved(t, before)
		t.Logf("quiet: %v", &quiet)
		t.Logf("with reloads: %v", &reloaded)
		t.Logf("with files that cannot be taken: %v", &rejected)
		return lateReloads(quiet, reloaded) + lateReloads(quiet, rejected) + u.missed(sentOf(before), since)
	})
}

// lateReloads compares the latest advert with that of the quiet window before.
func lateReloads(quiet, reloaded window) (wrong string) {
	const more = 2 * time.Millisecond
	if most, limit := reloaded.most(), quiet.most()+more; most > limit {
		wrong = fmt.Sprintf(" an advert is late by %v, want %v at most; without reloads, one is by %v", most, limit, quiet.most())
	}
	if limit := max(quiet.longest, thousandInterval) + more; reloaded.longest > limit || reloaded.routers != thousandCount {
		wrong += fmt.Sprintf(" the longest time without an advert is %v, want %v at most, of %d instances", reloaded.longest, limit, reloaded.routers)
	}
	return wrong
}

// reloadsEach changes these instances, one with each of as many reloads.
func (u *undisturbed) reloadsEach(t *testing.T, names []string) {
	t.Helper()
	for _, name := range names {
		answer := u.change(name)
		done, took := u.reread()
		if done.out != answer {
			t.Errorf("reload: %+v, want %q", done, answer)
		}
		t.Logf("a reload of %d instances took %v", thousandCount, took)
		time.Sleep(time.Second - took)
	}
}

// rejects has the daemon read a file that is broken, one that is gone, and a directory, and
// sees that it says why it takes none; then the good file is there again, and nothing has
// changed.
func (u *undisturbed) rejects(t *testing.T) {
	t.Helper()
	path := filepath.Join(u.Dir, "a.yaml")
	for _, w := range []struct {
		do   func()
		want string
	}{
		{func() {
			u.rewrite("a", u.yaml()+"  - {name: another, interface: eth0, vrid: 300, addresses: [10.9.0.1/32]}\n")
		}, "a.yaml:1206:38: instances[1000].vrid: 300 is not between 1 and 255"},
		{func() { _ = os.Remove(path) }, "no such file"},
		{func() { _ = os.Mkdir(path, 0o700) }, "is a directory"},
	} {
		w.do()
		at := time.Now()
		if done := u.reload(u.a); done.code != 1 || !strings.Contains(done.err, w.want) || !strings.Contains(done.err, "what was in force stays") {
			t.Errorf("reload: %+v, want %q", done, w.want)
		}
		u.a.wait(at, patience, "that the file is not taken: "+w.want, func(l line) bool {
			return l.Event == "config.rejected" && l.Level == "error" && strings.Contains(l.Msg, w.want)
		})
		time.Sleep(300 * time.Millisecond)
	}
	_ = os.Remove(path)
	u.rewrite("a", u.yaml())
	if done := u.reload(u.a); done.out != "nothing changed\n" {
		t.Errorf("the good file again: %+v", done)
	}
}

// unmoved sees that all instances are in the state in which they were, with what they have
// counted since.
func (u *undisturbed) unmoved(t *testing.T, before map[string]control.Instance) {
	t.Helper()
	after := u.instances()
	if len(after) != thousandCount || len(before) != thousandCount {
		t.Fatalf("%d instances, and before %d", len(after), len(before))
	}
	for name, is := range after {
		was := before[name]
		same := is.State == "active" && is.Since.Equal(*was.Since) && is.Up.Equal(*was.Up) &&
			is.Statistics.Discontinuity.Equal(*was.Statistics.Discontinuity) &&
			is.Statistics.Get(stats.Transitions) == was.Statistics.Get(stats.Transitions) &&
			is.Statistics.Get(stats.AdvertisementSent) > was.Statistics.Get(stats.AdvertisementSent)
		if !same {
			t.Fatalf("before %+v\nafter %+v", was, is)
		}
	}
}

// withManyReloads: reloads in a row leave nothing behind.
func (u *undisturbed) withManyReloads(t *testing.T) {
	const warm, tidied = 5, 5 * time.Second // until memory that is not used was given back
	n := shortOr(15, 1000)
	var before holdings
	unmoved, began := u.instances(), time.Now()
	for i := range warm + n {
		if i == warm {
			time.Sleep(tidied)
			before = u.a.holdings()
		}
		answer := u.change(fmt.Sprintf("i%d", i%thousandCount))
		if done, _ := u.reread(); done.out != answer {
			t.Fatalf("reload %d: %+v, want %q", i, done, answer)
		}
	}
	t.Logf("%d reloads in %v", warm+n, time.Since(began))
	u.unmoved(t, unmoved)
	time.Sleep(tidied)
	u.a.returnsTo(before, 5*time.Second)
	const more = 8 << 10 // for what Go keeps, and no more for more reloads
	grown := 0
	for range 30 {
		if grown = u.a.usage().kib - before.kib; grown < more {
			break
		}
		time.Sleep(time.Second)
	}
	t.Logf("%d KiB more after %d reloads", grown, n)
	if grown >= more {
		t.Errorf("%d reloads take %d KiB, of %d before", n, grown, before.kib)
	}
}
