package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/control"
	"ripcord/pkg/stats"
)

// change changes the priority of an instance in the configuration, and returns the answer that a
// reload must print.
func (u *undisturbed) change(name string) (answer string) {
	was, is := 150, 151
	if u.other[name] == 0 {
		u.other[name] = is
	} else {
		was, is = is, was
		delete(u.other, name)
	}
	return fmt.Sprintf("changed %s\n%s: priority %d (was %d)\n", name, name, is, was)
}

// withReloads checks that adverts are no later with reloads than without. One of the thousand
// instances changes in each reload, or the file is invalid. No router changes state, and no counter
// is reset.
func (u *undisturbed) withReloads(t *testing.T) {
	measured(t, func(m *machine) (wrong string) {
		var without []span
		quiet := u.watchAdverts(func() {
			for range 6 {
				without = append(without, during(func() { time.Sleep(500 * time.Millisecond) }))
			}
		})
		before, since := u.instances(), time.Now()
		anew := []string{"i0", "i333", "i500", "i777", "i999"}
		var reloads, rejections []span
		reloaded := u.watchAdverts(func() {
			for _, name := range anew {
				reloads = append(reloads, during(func() { u.reloadsOne(t, name) }))
			}
		}, anew...)
		u.unmoved(t, before)
		rejected := u.watchAdverts(func() { rejections = u.rejects(t) }, anew...) // the last of them has just changed
		u.unmoved(t, before)
		t.Logf("quiet: %v", &quiet)
		t.Logf("with reloads: %v", &reloaded)
		t.Logf("with files that cannot be taken: %v", &rejected)
		busy := m.busy(3 * time.Millisecond)
		base := latestOf(&quiet, without)
		return lateReloads("reloads", base, latestOf(&reloaded, reloads), busy) +
			lateReloads("files that cannot be taken", base, latestOf(&rejected, rejections), busy) + u.missed(m, sentOf(before), since)
	})
}

// during calls do, and returns the period from then until the next adverts after it.
func during(do func()) span {
	began := time.Now()
	do()
	time.Sleep(thousandInterval)
	return span{began, time.Now()}
}

// latestOf returns the lateness of the latest advert in each of the periods.
func latestOf(w *window, spans []span) (late []time.Duration) {
	for _, s := range spans {
		late = append(late, w.latest(s))
	}
	return late
}

// lateReloads compares the latest adverts during some reloads with those of equally long periods
// without a reload. On a busy machine, where other work makes an advert late now and then, it compares
// the medians: a delay by the reload itself occurs in each of them.
func lateReloads(what string, without, with []time.Duration, busy bool) (wrong string) {
	base, got := slices.Max(without), slices.Max(with)
	if busy {
		base, got = median(without), median(with)
	}
	if limit := base + 2*time.Millisecond; got > limit {
		wrong = fmt.Sprintf(" with %s an advert is late by %v (%v), want %v at most; without, one is by %v", what, got, with, limit, without)
	}
	return wrong
}

// reloadsOne changes an instance, and reloads.
func (u *undisturbed) reloadsOne(t *testing.T, name string) {
	t.Helper()
	answer := u.change(name)
	done, took := u.reread()
	if done.out != answer {
		t.Errorf("reload: %+v, want %q", done, answer)
	}
	t.Logf("a reload of %d instances took %v", thousandCount, took)
}

// rejects reloads the daemon with an invalid file, without a file, and with a directory, and checks
// that it reports why it rejects each. Then the valid file is back, and nothing has changed.
func (u *undisturbed) rejects(t *testing.T) (rejections []span) {
	t.Helper()
	path := filepath.Join(u.Dir, "a.yaml")
	for _, w := range []struct {
		do   func()
		want string
	}{
		{func() {
			u.rewrite("a", u.yaml()+"  - {name: another, interface: eth0, vrid: 300, addresses: [10.9.0.1/32]}\n")
		}, "1206:38: instances[1000].vrid: 300 is not between 1 and 255"},
		{func() { _ = os.Remove(path) }, "no such file"},
		{func() { _ = os.Mkdir(path, 0o700) }, "is a directory"},
	} {
		w.do()
		at := time.Now()
		rejections = append(rejections, during(func() {
			if done := u.reload(u.a); done.code != 1 || !strings.Contains(done.err, w.want) || !strings.Contains(done.err, "the previous configuration stays in force") {
				t.Errorf("reload: %+v, want %q", done, w.want)
			}
		}))
		u.a.wait(at, patience, "that the file is not applied: "+w.want, func(l line) bool {
			return l.Event == "config.rejected" && l.Level == "error" && strings.Contains(l.Msg, w.want)
		})
	}
	_ = os.Remove(path)
	u.rewrite("a", u.yaml())
	rejections = append(rejections, during(func() {
		if done := u.reload(u.a); done.out != "nothing changed\n" {
			t.Errorf("the good file again: %+v", done)
		}
	}))
	return rejections
}

// unmoved checks that all instances are in the same state as before, and that their counters have
// only grown.
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

// withManyReloads checks that many reloads in a row leave nothing behind.
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
	const more = 12 << 10 // for what Go keeps, and no more for more reloads
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
