package keepalived

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/stage"
)

// observer puts a router of a LAN through the same events as any other, and records what can be
// seen of it after each.
type observer struct {
	t        *testing.T
	file     file
	router   *router
	rival    *rival
	sniffers []*lan.Sniffer

	first []lan.Advert // the first advert of each virtual router
	calls int          // the number of recorded calls
	notes []string
}

// observe returns the record of a make of router with a file, and the router's log.
func observe(t *testing.T, f file, b brand) (notes []string, log string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(corpus, f.name+".conf"))
	if err != nil {
		t.Fatal(err)
	}
	s := stage.New(t, ports("router", rivalHost)...)
	o := &observer{t: t, file: f, router: newRouter(t, s, b, "router", string(text)), rival: newRival(t, s)}
	t.Cleanup(func() {
		if t.Failed() {
			s.ShowLogs(t, 40, nil)
		}
	})
	for _, seg := range segments {
		sniffer, err := s.Segment(seg.ifname).Sniff()
		if err != nil {
			t.Fatal(err)
		}
		o.sniffers = append(o.sniffers, sniffer)
	}
	o.play()
	t.Logf("seen of %s:\n%s", b, strings.Join(o.notes, "\n"))
	said, err := os.ReadFile(o.router.runs.Log)
	if err != nil {
		t.Fatal(err)
	}
	return o.notes, string(said)
}

// A phase lasts until the virtual routers have done what most of them do in it, on a busy machine
// longer than a takeover may take (three intervals and a second). A phase in which nothing should
// happen lasts somewhat longer than a takeover.
const patience = 15 * time.Second

func (o *observer) takeover() time.Duration {
	return 4*o.file.interval + time.Second + o.file.slower
}
func (o *observer) yielding() time.Duration { return 4*o.file.interval + time.Second }

// play runs the events in order.
func (o *observer) play() {
	before := o.router.held(o.t)
	began := time.Now()
	o.router.start(o.t, o.file.args...)
	o.wait("alone", o.takeover(), func() bool { return len(o.firstAdverts()) >= o.file.routers && o.speaking() == len(o.firstAdverts()) })
	o.first = o.firstAdverts()
	for _, a := range o.first {
		o.note("advert %s: %v > %v, from %v, TTL %d, %x", a.Segment, a.Source, a.Destination, a.MAC, a.HopLimit, a.Message)
	}
	o.look("alone", began, before)

	o.against("a higher priority", before, func(own uint8) uint8 { return own + min(1, 255-own) - own/255 })
	o.against("a lower priority", before, func(own uint8) uint8 { return own - 1 })
	o.against("an equal priority", before, func(own uint8) uint8 { return own - own/255 })
	again := time.Now()
	o.wait("alone again", o.takeover(), o.allSpeak)
	o.look("alone again", again, before)

	stopped := time.Now()
	o.router.stop(o.t)
	o.wait("stopped", 0, func() bool {
		return !slices.ContainsFunc(o.first, func(a lan.Advert) bool { return o.behaviour(a, stopped) != "resigns" })
	})
	o.look("stopped", stopped, before)
}

// against makes the rival advertise for some time.
func (o *observer) against(whom string, before []string, priority func(own uint8) uint8) {
	began := time.Now()
	quit := make(chan struct{})
	var speaking sync.WaitGroup
	latest := o.latest()
	speaking.Go(func() { o.rival.speak(o.t, latest, priority, quit) })
	if whom == "a lower priority" {
		o.wait(whom, o.takeover(), o.allSpeak)
	} else {
		o.wait(whom, o.yielding(), func() bool { return o.speaking() == o.owned() })
	}
	o.look("against "+whom, began, before)
	close(quit)
	speaking.Wait()
}

// wait waits until done returns true, for at most the usual time and patience, or, if it will not
// be done in that phase, for the usual time. Then it waits until everything under way is finished.
func (o *observer) wait(phase string, most time.Duration, done func() bool) {
	if o.file.still != "" && regexp.MustCompile(o.file.still).MatchString(phase) {
		time.Sleep(most)
	} else {
		time.Sleep(o.file.interval) // in which each virtual router that advertises does so
		for end := time.Now().Add(most + patience); !done() && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		}
	}
	time.Sleep(time.Second)
}

// owned returns how many virtual routers this router owns, for which it never yields.
func (o *observer) owned() (n int) {
	for _, a := range o.first {
		if a.Priority == 255 {
			n++
		}
	}
	return n
}

func (o *observer) allSpeak() bool { return o.speaking() == len(o.first) }

// speaking returns how many virtual routers advertise.
func (o *observer) speaking() (n int) {
	all := o.adverts()
	for _, first := range o.firstAdverts() {
		if i := last(all, first); i >= 0 && all[i].Priority > 0 && time.Since(all[i].At) < recently(first) {
			n++
		}
	}
	return n
}

// recently returns how old the last advert of an Active may be before others regard it as gone.
func recently(of lan.Advert) time.Duration { return 3*interval(of) + 500*time.Millisecond }

// last returns the index of the last advert of the same virtual router as of, or -1 if there is
// none.
func last(all []lan.Advert, of lan.Advert) int {
	for i := len(all) - 1; i >= 0; i-- {
		if same(all[i], of) {
			return i
		}
	}
	return -1
}

func (o *observer) note(format string, args ...any) {
	o.notes = append(o.notes, fmt.Sprintf(format, args...))
}

// look records what is seen in a phase that began at an instant.
func (o *observer) look(phase string, began time.Time, before []string) {
	o.t.Helper()
	for _, a := range o.first {
		o.note("%s: VRID %d of %v on %s %s", phase, a.VRID, a.Family, a.Segment, o.behaviour(a, began))
	}
	held := o.router.held(o.t)
	for _, h := range without(held, before) {
		o.note("%s: there is %s", phase, h)
	}
	for _, h := range without(before, held) {
		o.note("%s: there is no more %s", phase, h)
	}
	calls := o.router.calls(o.t)
	fresh := slices.Sorted(slices.Values(calls[o.calls:])) // several may run at once
	o.calls = len(calls)
	for _, c := range fresh {
		o.note("%s: runs %s", phase, c)
	}
}

// latest returns the last advert of each virtual router that is not a resignation. Its priority
// differs from that of the first advert if a script took too long on a machine that was busy with
// the start; the rival would then never be lower.
func (o *observer) latest() (latest []lan.Advert) {
	all := slices.DeleteFunc(o.adverts(), func(a lan.Advert) bool { return a.Priority == 0 })
	for _, first := range o.first {
		if i := last(all, first); i >= 0 {
			first = all[i]
		}
		latest = append(latest, first)
	}
	return latest
}

// behaviour describes how a virtual router advertised last in the current phase.
func (o *observer) behaviour(of lan.Advert, began time.Time) string {
	all := o.adverts()
	switch i := last(all, of); {
	case i < 0 || all[i].At.Before(began):
		return "is silent"
	case all[i].Priority == 0:
		return "resigns"
	case time.Since(all[i].At) < recently(of):
		return fmt.Sprintf("advertises priority %d", all[i].Priority)
	}
	return "is silent"
}

// same reports whether two adverts are of one virtual router, as far as a sniffer sees: one
// VRID may be used once by multicast and once by unicast.
func same(a, b lan.Advert) bool {
	return a.Segment == b.Segment && a.VRID == b.VRID && a.Family == b.Family && a.Destination.IsMulticast() == b.Destination.IsMulticast()
}

// adverts returns the router's adverts on all segments.
func (o *observer) adverts() (adverts []lan.Advert) {
	for i, s := range o.sniffers {
		rival := o.rival.Cable(rivalHost, segments[i].ifname).MAC()
		for _, a := range s.Adverts() {
			if a.MAC != rival {
				adverts = append(adverts, a)
			}
		}
	}
	return adverts
}

// firstAdverts returns the first advert of each virtual router.
func (o *observer) firstAdverts() (first []lan.Advert) {
	for _, a := range o.adverts() {
		if !slices.ContainsFunc(first, func(b lan.Advert) bool { return same(a, b) }) {
			first = append(first, a)
		}
	}
	return first
}
