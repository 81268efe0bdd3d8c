package macvlan

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/event"
)

const eth0 = 7

var (
	mac51  = [6]byte{0, 0, 0x5e, 0, 1, 51}
	wanted = []Wanted{{Device: Device{Name: "vrrp.51", MAC: mac51}, Instance: "v", Below: "eth0"}}
	epoch  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

func none(string) bool { return false }

// observed returns a ledger after one list of the kernel's links.
func observed(links ...Link) *ledger {
	l := newLedger(wanted)
	l.observe(append([]Link{{Index: eth0, Name: "eth0"}}, links...))
	return l
}

func TestRecognise(t *testing.T) {
	ours := Link{Index: 20, Below: eth0, Name: "vrrp.51", MAC: mac51, Ours: true}
	with := func(change func(*Link)) Link {
		n := ours
		change(&n)
		return n
	}
	for _, tt := range []struct {
		name  string
		links []Link
		index int
		other string
		make  string
	}{
		{"nothing", nil, 0, "", "vrrp.51"},
		{"ours", []Link{ours}, 20, "", ""},
		{"ours under its second name", []Link{with(func(n *Link) { n.Name = "vrrp.51.7" })}, 20, "", ""},
		{"ours, with an alternative name", []Link{with(func(n *Link) { n.Name, n.AltNames = "x", []string{"vrrp.51"} })}, 20, "", ""},
		{"ours, under another name", []Link{with(func(n *Link) { n.Name = "x" })}, 0, "20", "vrrp.51"},
		{"somebody else's, of that name and MAC", []Link{with(func(n *Link) { n.Ours = false })}, 0, "", "vrrp.51.7"},
		{"ours, on another link", []Link{with(func(n *Link) { n.Below = 8 })}, 0, "20", "vrrp.51.7"},
		{"ours, with another MAC", []Link{with(func(n *Link) { n.MAC[5] = 9; n.Name = "vrrp.9" })}, 0, "20", "vrrp.51"},
		{"two of ours", []Link{ours, with(func(n *Link) { n.Index = 21 })}, 20, "21", ""},
	} {
		l := observed(tt.links...)
		var other, name string
		for _, n := range l.other {
			other += fmt.Sprint(n.Index)
		}
		for _, v := range l.missing(epoch) {
			name += l.fresh(v).Name
		}
		if l.all[0].index != tt.index || other != tt.other || name != tt.make {
			t.Errorf("%s: it is %d, of ours besides %q, to be made %q; want %d, %q, %q",
				tt.name, l.all[0].index, other, name, tt.index, tt.other, tt.make)
		}
	}
}

// TestName requires that a name is no longer than the kernel accepts.
func TestName(t *testing.T) {
	l := newLedger([]Wanted{{Below: "eth0", Device: Device{Name: "vrrp6.255"}}})
	l.observe([]Link{{Index: 1234567, Name: "eth0"}, {Index: 3, Name: "vrrp6.255"}})
	if got := l.fresh(l.all[0]).Name; got != "rp6.255.1234567" {
		t.Errorf("%q, want its last %d characters", got, maxName)
	}
}

// TestDeadline requires a deadline while the kernel must be asked, or while a device is not as it
// should be.
func TestDeadline(t *testing.T) {
	l := newLedger(wanted)
	if due, ok := l.deadline(none); !ok || !due.IsZero() {
		t.Errorf("before the first look: %v %t", due, ok)
	}
	l = observed()
	if _, ok := l.deadline(none); !ok {
		t.Error("a device has to be made, and nothing is due")
	}
	l = observed(Link{Index: 20, Below: eth0, Name: "vrrp.51", MAC: mac51, Ours: true})
	if due, ok := l.deadline(none); ok {
		t.Errorf("nothing is wrong, and %v is due", due)
	}
	if _, ok := l.deadline(func(instance string) bool { return instance == "v" }); !ok {
		t.Error("the instance is held and its device down, and nothing is due")
	}
}

// TestSee requires that a fact that differs from the known state causes a question to the kernel,
// and that one that agrees costs nothing.
func TestSee(t *testing.T) {
	for _, tt := range []struct {
		fact  event.Link
		stale bool
	}{
		{event.Link{Name: "eth0", Index: eth0}, false},
		{event.Link{Name: "eth0", Index: eth0 + 1}, true},
		{event.Link{Name: "eth0", Index: eth0, MTU: 1400}, true},
		{event.Link{Name: "vrrp.51", Index: 20}, false},
		{event.Link{Name: "vrrp.51"}, true},
		{event.Link{Name: "vrrp.51", Index: 20, AdminUp: true}, true},
		{event.Link{Name: "eth1", Index: 30}, false},
	} {
		l := observed(Link{Index: 20, Below: eth0, Name: "vrrp.51", MAC: mac51, Ours: true})
		if l.see(tt.fact); l.stale != tt.stale {
			t.Errorf("after %+v the kernel is to be asked: %t", tt.fact, l.stale)
		}
	}
}

func TestAlias(t *testing.T) {
	was := earlier{"ipv4/conf/*/arp_ignore": "0", "ipv4/conf/*/arp_announce": "1"}
	text := was.alias()
	got, ok := parseAlias(text)
	if !ok || fmt.Sprint(got) != fmt.Sprint(was) {
		t.Errorf("%q is read as %v, %t", text, got, ok)
	}
	for text, want := range map[string]int{"ripcord": 0, "ripcord x=1 ipv4/conf/*/arp_ignore=z": 0, "": -1, "uplink ripcord": -1} {
		got, ok := parseAlias(text)
		if ok != (want >= 0) || len(got) > 0 {
			t.Errorf("%q is read as %v, %t", text, got, ok)
		}
	}
	if len(was.alias()) > 255 { // IFALIASZ
		t.Error("an alias is longer than the kernel accepts")
	}
}

func TestSettings(t *testing.T) {
	for all, want := range map[string]string{"0": "0", "1": "2", "2": "2"} {
		settings := deviceSettings(true, func(string) (string, error) { return all, nil })
		if i := slices.Index(settings, setting{"ipv4/conf/*/rp_filter", want}); i < 0 {
			t.Errorf("all.rp_filter is %s: %v", all, settings)
		}
	}
	for now, want := range map[string]bool{"0": false, "1": true, "2": true, "": false} {
		if got := belowSettings[0].serves(now); got != want {
			t.Errorf("arp_ignore=%q serves: %t", now, got)
		}
	}
}
