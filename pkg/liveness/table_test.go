package liveness

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

var (
	active   = netip.MustParseAddr("192.0.2.2")
	second   = netip.MustParseAddr("192.0.2.3")
	host     = netip.MustParseAddr("192.0.2.100")
	virtual6 = netip.MustParseAddr("fe80::2")
	mac      = [6]byte{2, 0, 0, 0, 0, 2}
	hostMAC  = [6]byte{2, 0, 0, 0, 0, 100}
	eth0     = event.Link{Name: "eth0", Index: 7, Usable: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}, LinkLocal6: netip.MustParseAddr("fe80::1")}
)

// lan is a table, and the stations that answer its questions.
type lan struct {
	*Table
	t        *testing.T
	now      time.Time
	known    []netip.Addr        // stations
	answers  map[netip.Addr]bool // which answer
	macs     map[netip.Addr][6]byte
	asked    int
	reported []string
	unicast  int
	failSend bool
}

func newLAN(t *testing.T) *lan {
	l := &lan{t: t, now: zero, answers: map[netip.Addr]bool{active: true, second: true, host: true, virtual6: true}, macs: map[netip.Addr][6]byte{host: hostMAC}}
	l.Table = NewTable(zero, func(string, [6]byte, int) []netip.Addr { return l.known })
	l.Link(eth0)
	return l
}

func instance(name string) *vrrp.Instance {
	return &vrrp.Instance{Virtual: event.Virtual{Name: name, Interface: "eth0"}, Watching: vrrp.Watching{Interval: 50 * ms, Miss: 3}}
}

func (l *lan) watch(name string, a netip.Addr) {
	l.Watch(l.now, vrrp.Watch{Instance: instance(name), Active: a})
}

// pass lets time pass, with a turn at each deadline.
func (l *lan) pass(d time.Duration) {
	for end := l.now.Add(d); ; {
		at, ok := l.Deadline()
		if !ok || at.After(end) {
			l.now = end
			return
		}
		l.now = at
		l.turn()
	}
}

func (l *lan) turn() {
	ask := l.Turn(l.now)
	for i := range ask {
		q := &ask[i]
		l.asked++
		if q.MAC != [6]byte{} {
			l.unicast++
		}
		if l.failSend {
			continue
		}
		q.Sent(l.now)
		at := l.macs[q.Station]
		if at == [6]byte{} {
			at = mac
		}
		if l.answers[q.Station] && (q.MAC == [6]byte{} || q.MAC == at) {
			l.Heard(Answer{Index: q.Link.Index, Address: q.Station, MAC: at})
		}
	}
	for _, w := range l.Results() {
		text := fmt.Sprintf("%s %v %v", w.Instance, w.Active, w.Liveness)
		if w.Liveness == vrrp.Silent {
			text += fmt.Sprintf(" for %v, others %d", l.now.Sub(w.Since).Round(ms), w.OtherStations)
		}
		l.reported = append(l.reported, text)
	}
}

// expect compares the reports since the last call.
func (l *lan) expect(want ...string) {
	l.t.Helper()
	if !slices.Equal(l.reported, want) {
		l.t.Errorf("reported\n%s\nwant\n%s", strings.Join(l.reported, "\n"), strings.Join(want, "\n"))
	}
	l.reported = nil
}

// TestTable: a machine answers regularly and then ceases, beside a station that answers.
func TestTable(t *testing.T) {
	l := newLAN(t)
	l.known = []netip.Addr{active, host}
	l.watch("a", active)
	l.watch("b", active)
	l.pass(2 * time.Second)
	l.expect("a 192.0.2.2 irregular", "b 192.0.2.2 irregular", "a 192.0.2.2 answering", "b 192.0.2.2 answering")
	if l.asked != 40 || l.unicast != 39 {
		t.Errorf("asked %d times for two instances, %d of them one station alone; want 40 and 39", l.asked, l.unicast)
	}
	l.watch("c", active) // the present state is reported for it
	l.answers[active] = false
	l.pass(199 * ms)
	l.expect("c 192.0.2.2 answering")
	l.pass(ms)
	for _, name := range []string{"a", "b", "c"} {
		l.reported = slices.DeleteFunc(l.reported, func(s string) bool { return s == name+" 192.0.2.2 silent for 150ms, others 2" })
	}
	l.expect()
	for _, name := range []string{"a", "b", "c"} {
		l.watch(name, netip.Addr{})
	}
	if _, ok := l.Deadline(); ok || l.Watching() {
		t.Error("the table still asks")
	}
}

// TestOthers: what is known about other stations when a machine falls silent.
func TestOthers(t *testing.T) {
	for _, c := range []struct {
		name  string
		known []netip.Addr
		host  bool
		want  string
	}{
		{"none is known", []netip.Addr{active, second}, true, "others 0"},
		{"one does not answer", []netip.Addr{host}, false, "others 1"},
		{"one answers", []netip.Addr{host}, true, "others 2"},
	} {
		l := newLAN(t)
		l.known, l.answers[host] = c.known, c.host
		l.watch("a", active)
		l.watch("b", second)
		l.pass(2 * time.Second)
		l.reported, l.answers[active] = nil, false
		l.pass(200 * ms)
		if len(l.reported) != 1 || !strings.HasSuffix(l.reported[0], c.want) {
			t.Errorf("%s: reported %v, want %s", c.name, l.reported, c.want)
		}
	}
}

// TestAlive: a machine with a new MAC, or without questions, is not silent.
func TestAlive(t *testing.T) {
	for _, c := range []struct {
		name   string
		happen func(l *lan)
	}{
		{"another MAC", func(l *lan) { l.macs[active] = [6]byte{2, 0, 0, 0, 0, 9} }},
		{"it answers by another address of its own", func(l *lan) {
			l.macs[host] = mac
			l.answers[active] = false
		}},
		{"questions do not leave", func(l *lan) { l.failSend = true }},
		{"the link is down", func(l *lan) {
			down := eth0
			down.Usable = false
			l.answers[active] = false
			l.Link(down)
		}},
		{"the link does not resolve addresses", func(l *lan) {
			tunnel := eth0
			tunnel.NoARP = true
			l.answers[active] = false
			l.Link(tunnel)
		}},
		{"this process sleeps", func(l *lan) {
			l.answers[active] = false
			for range 100 {
				l.now = l.now.Add(101 * ms)
				l.turn()
			}
			l.answers[active] = true
		}},
		{"answers get lost", func(l *lan) {
			l.answers[active] = false
			for range 100 {
				l.pass(100 * ms)
				l.Void()
			}
			l.answers[active] = true
		}},
	} {
		l := newLAN(t)
		l.known = []netip.Addr{host}
		l.watch("a", active)
		l.pass(2 * time.Second)
		l.reported = nil
		c.happen(l)
		l.pass(2 * time.Second)
		if slices.ContainsFunc(l.reported, func(s string) bool { return strings.Contains(s, "silent") }) {
			t.Errorf("%s: reported %v", c.name, l.reported)
		}
	}
}

// TestReplaced: an instance that watches another machine stops asking the first.
func TestReplaced(t *testing.T) {
	l := newLAN(t)
	l.watch("a", active)
	l.pass(time.Second)
	l.watch("a", virtual6)
	l.asked = 0
	l.pass(time.Second)
	if l.asked != 20 || len(l.machines) != 1 || len(l.order) != 1 {
		t.Errorf("asked %d times in 1 s, with %d machines", l.asked, len(l.machines))
	}
}

// TestRewatched: with another interval the evaluation of the machine starts over.
func TestRewatched(t *testing.T) {
	l := newLAN(t)
	l.known = []netip.Addr{host}
	l.watch("a", active)
	l.pass(2 * time.Second)
	l.reported = nil
	in := instance("a")
	in.Watching.Interval = 100 * ms
	l.Watch(l.now, vrrp.Watch{Instance: in, Active: active})
	l.pass(time.Second)
	l.expect("a 192.0.2.2 irregular")
	l.pass(3 * time.Second)
	l.expect("a 192.0.2.2 answering")
}

// BenchmarkTurn measures a turn for a hundred machines on as many links, with their answers.
func BenchmarkTurn(b *testing.B) {
	t := NewTable(zero, func(string, [6]byte, int) []netip.Addr { return nil })
	for i := range 100 {
		l := eth0
		l.Name, l.Index = fmt.Sprint("eth", i), i+1
		t.Link(l)
		in := instance(fmt.Sprint(i))
		in.Interface = l.Name
		t.Watch(zero, vrrp.Watch{Instance: in, Active: active})
	}
	now := zero
	for b.Loop() {
		now = now.Add(50 * ms)
		ask := t.Turn(now)
		for i := range ask {
			ask[i].Sent(now)
			t.Heard(Answer{Index: ask[i].Link.Index, Address: active, MAC: mac})
		}
		t.Results()
	}
}
