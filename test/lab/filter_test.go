package lab

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/pkg/stats"
	"ripcord/pkg/wire"
	"ripcord/test/netns"
)

// repeated returns how many adverts of others the kernel has counted for the first instance, and
// how many there were in all.
func (d *daemon) repeated() (repeated, all uint64) {
	d.t.Helper()
	s := d.status().Instances[0].Statistics
	return s.Get(stats.AdvertisementRepeated), s.Get(stats.AdvertisementRcvd)
}

// filters waits until the kernel counts the adverts that it hears for the first instance.
func (d *daemon) filters() {
	d.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(often) {
		before, _ := d.repeated()
		if time.Sleep(3 * often); time.Now().After(end) {
			d.t.Fatalf("%s: the kernel counts no adverts", d.name)
		}
		if after, _ := d.repeated(); after >= before+2 {
			return
		}
	}
}

// filtering makes a pair whose Backup has the kernel count the adverts of the Active; the host
// "noise" is beside them.
func filtering(t *testing.T, more string) (s *site, a, b *daemon) {
	t.Helper()
	netns.NeedRoot(t)
	s = newSite(t, []segment{inside}, "a", "b", "noise")
	began := time.Now()
	a = s.start("a", router{150, often, more})
	a.becomes("active", began, patience)
	b = s.start("b", router{100, often, more})
	b.becomes("backup", began, patience)
	if said := b.wait(began, patience, "advert.filter", is("advert.filter")); said.Level != "info" {
		t.Errorf("advert.filter is logged at %s, want info", said.Level)
	} else if way := said.Msg; len(b.log(began)) > 0 && !filterWorks(b) {
		t.Skip(way)
	}
	b.filters()
	return s, a, b
}

// filterWorks reports whether the kernel permits the filters.
func filterWorks(d *daemon) bool {
	for _, l := range d.log(time.Time{}) {
		if l.Event == "advert.filter" {
			return l.Attachment == "ebpf"
		}
	}
	return false
}

// TestFilterCounts: each advert that the kernel drops is counted once, in status as in the
// metrics, and at the time of the question.
func TestFilterCounts(t *testing.T) {
	t.Parallel()
	s, _, b := filtering(t, "")
	sniffer := s.sniff(inside)
	between := func(from, to time.Time) (n uint64) {
		for _, x := range sniffer.Adverts() {
			if x.Host == "a" && x.At.After(from) && !x.At.After(to) {
				n++
			}
		}
		return n
	}
	t0 := time.Now()
	repeated0, all0 := b.repeated()
	time.Sleep(20 * often)
	t1 := time.Now()
	repeated1, all1 := b.repeated()
	sent := between(t0, t1)
	if got := all1 - all0; got+1 < sent || got > sent+1 {
		t.Errorf("%d adverts were counted of %d", got, sent)
	}
	if n := repeated1 - repeated0; n+5 < sent {
		t.Errorf("%d of %d adverts were counted by the kernel", n, sent)
	}
	if moves := b.moves(t0); len(moves) > 0 {
		t.Errorf("it moved: %v", moves)
	}
}

// TestFilterTakeover: the Active's death, its resignation and its return are seen as soon as
// without the filter.
func TestFilterTakeover(t *testing.T) {
	t.Parallel()
	measuredAnew(t, func(t *testing.T, m *machine) (wrong string) {
		s, a, b := filtering(t, "")
		sniffer := s.sniff(inside)
		time.Sleep(3 * often)
		at := a.kill()
		next, err := sniffer.WaitAdvert(patience, func(x lan.Advert) bool { return x.Host == "b" && x.At.After(at) })
		if err != nil {
			t.Fatal(err)
		}
		late := next.At.Sub(lastAdvert(sniffer, "a", next.At)) - downInterval(100, often)
		t.Logf("past Active_Down_Interval: %v", late)
		if late < -time.Millisecond || late > 10*time.Millisecond {
			wrong = fmt.Sprintf("it took over %v past Active_Down_Interval", late)
		}
		began := time.Now()
		a = s.start("a", router{150, often, ""})
		a.becomes("active", began, patience)
		b.becomes("backup", began, patience)
		b.filters()
		at = a.signal(syscall.SIGTERM)
		took := b.becomes("active", at, patience).TS.Sub(at)
		t.Logf("after a resignation: %v", took)
		if took > 3*often {
			wrong = fmt.Sprintf("it took over %v after the resignation", took)
		}
		return wrong
	})
}

// promptly reports whether something is so within two intervals of adverts.
func promptly(so func() bool) bool {
	for end := time.Now().Add(2 * often); ; time.Sleep(often / 10) {
		if so() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// TestFilterLetsThrough: whatever differs from the last advert is read at once: a wrong checksum
// or hop limit, another router, another priority, other addresses.
func TestFilterLetsThrough(t *testing.T) {
	t.Parallel()
	s, a, b := filtering(t, "")
	send := func(frame []byte) {
		t.Helper()
		flood, err := s.Host("noise").Flood(inside.ifname, 1000, frame)
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(patience); flood.Sent() == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		}
		if err := flood.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	count := func(c stats.Counter) uint64 { return b.status().Instances[0].Statistics.Get(c) }
	for _, c := range []struct {
		what    string
		frame   []byte
		counter stats.Counter
	}{
		{"a wrong checksum", advertFrame(150, 51, wire.HopLimit, true), stats.ChecksumErrors},
		{"a wrong hop limit", advertFrame(150, 51, 64, false), stats.IPTTLErrors},
	} {
		b.filters()
		send(c.frame)
		if !promptly(func() bool { return count(c.counter) > 0 }) {
			t.Errorf("%s is not counted", c.what)
		}
	}
	b.filters()
	at := time.Now()
	send(advertFrame(0, 51, wire.HopLimit, false)) // of a router that is not the Active
	if !promptly(func() bool { return count(stats.PriorityZeroRcvd) > 0 }) {
		t.Error("a resignation is not counted")
	}
	b.filters()
	s.rewrite("a", router{160, often, ""}.yaml(s, s.socket("a")))
	s.reload(a)
	if !promptly(func() bool { return b.status().Instances[0].ActivePriority == 160 }) {
		t.Error("the Active's new priority is not seen")
	}
	b.filters()
	if moves := b.moves(at); len(moves) > 0 {
		t.Errorf("it moved: %v", moves)
	}
}

// TestFilterGoesOn: after a reload, and after a fault, the kernel counts again, and with
// `filter: off` it does not.
func TestFilterGoesOn(t *testing.T) {
	t.Parallel()
	s, _, b := filtering(t, "")
	at := time.Now()
	s.rewrite("b", router{100, often, "preempt_delay: 1s"}.yaml(s, s.socket("b")))
	s.reload(b)
	b.filters()
	pulled := s.pull("b", inside)
	b.becomes("fault", pulled, patience)
	plugged := s.plug("b", inside)
	b.becomes("backup", plugged, patience)
	b.filters()
	s.rewrite("b", router{100, often, "filter: off"}.yaml(s, s.socket("b")))
	s.reload(b)
	before, all := b.repeated()
	time.Sleep(12 * often)
	after, more := b.repeated()
	if after != before || more <= all {
		t.Errorf("with `filter: off` the kernel counts %d of %d", after-before, more-all)
	}
	for _, l := range b.moves(at) {
		if l.To == "active" {
			t.Errorf("it moved: %v", l.Msg)
		}
	}
}

// TestFilterOff checks that with `filter: off` no filter is loaded, and that no message mentions
// one.
func TestFilterOff(t *testing.T) {
	t.Parallel()
	netns.NeedRoot(t)
	_, _, b := pair(t, []segment{inside}, often, "filter: off")
	time.Sleep(12 * often)
	if n, all := b.repeated(); n != 0 || all == 0 {
		t.Errorf("the kernel counts %d of %d", n, all)
	}
	b.never(time.Time{}, "advert.filter")
}

// TestFilterFamilies: the kernel counts adverts over IPv6 too, of VRRPv2, and those that are sent to
// this router alone.
func TestFilterFamilies(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	v2 := insideIPv4
	v2.version = 2
	for name, of := range map[string]struct {
		shared
		interval time.Duration
	}{"IPv6": {insideIPv6, often}, "VRRPv2": {v2, time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSharedSite(t, []shared{of.shared}, "a", "b")
			began := time.Now()
			s.startShared("a", 150, of.interval, of.shared).becomes("active", began, patience)
			s.countsBeside(s.startShared("b", 100, of.interval, of.shared))
		})
	}
	t.Run("unicast", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, []segment{inside}, "a", "b")
		began := time.Now()
		s.start("a", router{150, often, "unicast: {peers: [192.0.2.12]}"}).becomes("active", began, patience)
		s.countsBeside(s.start("b", router{100, often, "unicast: {peers: [192.0.2.11]}"}))
	})
}

// countsBeside waits until the kernel of a Backup counts adverts, if it permits that.
func (s *site) countsBeside(b *daemon) {
	s.t.Helper()
	b.becomes("backup", time.Time{}, patience)
	if said := b.wait(time.Time{}, patience, "advert.filter", is("advert.filter")); said.Attachment != "ebpf" {
		s.t.Skip(said.Msg)
	}
	for end := time.Now().Add(4 * patience); ; time.Sleep(often) {
		n, all := b.repeated()
		if n > 0 {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("the kernel counts %d adverts of %d", n, all)
		}
	}
}
