package neigh

import (
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
)

const (
	eth0   = 7  // ifindex
	device = 20 // ifindex of the link with the virtual MAC
)

var (
	own4, own6   = netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("fe80::11")
	host4, host6 = netip.MustParseAddr("192.0.2.12"), netip.MustParseAddr("fe80::12")
	vip4, vip6   = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	ownMAC       = [6]byte{2, 0, 0, 0, 0, 1}
	otherMAC     = [6]byte{2, 0, 0, 0, 0, 0x99}
	virtualMAC   = [6]byte{0, 0, 0x5e, 0, 1, 51}
	usable       = event.Link{Name: "eth0", Index: eth0, AdminUp: true, Usable: true, HardwareAddr: ownMAC, Primary4: own4, LinkLocal6: own6}
	start        = time.Unix(1000, 0)
)

// onLink returns an instance with an address of each family on eth0.
func onLink() Set {
	return Set{Instance: "a", Link: "eth0", Addresses: []Address{{Addr: vip4, Link: "eth0"}, {Addr: vip6, Link: "eth0"}}}
}

// onDevice returns an instance with an address on a device with a virtual MAC.
func onDevice() Set {
	return Set{Instance: "a", Link: "eth0", MAC: virtualMAC, Addresses: []Address{{Addr: vip4, Link: "eth0", Virtual: true}}}
}

// rig is a Monitor in a time that only pass advances, with its surroundings.
type rig struct {
	*Monitor
	t        *testing.T
	now      time.Time
	names    []string        // the held instances
	missing  map[string]bool // instances whose addresses are not in place
	device   event.Link
	strays   map[netip.Addr]Stray
	settings map[string]string
	readings int // the number of settings that were read
	adverts  []Advert
	taken    int      // how often the adverts were read
	sent     []string // the index of the link, a colon, and the frame
	onSend   func(index int)
	forwards []string
	woken    bool
	warnings *event.Warnings
	events   []string // the names of events
}

// newRig returns a rig whose machine has a usable eth0.
func newRig(t *testing.T, sets ...Set) *rig {
	r := &rig{t: t, now: start, missing: make(map[string]bool), strays: make(map[netip.Addr]Stray), onSend: func(int) {}}
	r.warnings = event.NewWarnings(func(e event.Event) { r.events = append(r.events, e.Name()) })
	r.Monitor = NewMonitor(Config{
		Sets: sets, Sender: r, Adverts: r.takeAdverts,
		Forwards: func(link string, at time.Time) {
			r.forwards = append(r.forwards, fmt.Sprintf("%s %v", link, r.now.Sub(at)))
		},
		Wake: func() { r.woken = true }, Setting: r.setting, Warnings: r.warnings, Minter: event.NewMinter(1),
	})
	r.Link(usable)
	r.pass(0)
	return r
}

// pass lets time pass: it calls the Monitor at each of its deadlines, as its owner does.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	for end := r.now.Add(d); ; {
		r.Apply(r.now, r)
		for r.woken {
			r.woken = false
			r.Apply(r.now, r)
		}
		due, ok := r.Deadline(r.now)
		if ok && !due.After(r.now) {
			r.t.Fatalf("Apply at %v leaves the deadline %v", r.now.Sub(start), due.Sub(start))
		}
		if !ok || due.After(end) {
			r.now = end
			return
		}
		r.now = due
	}
}

// hold makes the instance "a" held from now on, with the device up if it has one.
func (r *rig) hold() {
	r.names = []string{"a"}
	r.device = event.Link{Name: "vrrp.51", Index: device, AdminUp: true, Usable: true, HardwareAddr: virtualMAC}
	r.pass(0)
}

func (r *rig) release() {
	r.names, r.device = nil, event.Link{}
	r.pass(0)
}

// sight makes the listener observe a station now.
func (r *rig) sight(s Sighting) {
	s.At = r.now
	r.Seen(s)
	r.pass(0)
}

// claim makes a station announce that it has an address.
func (r *rig) claim(a netip.Addr, mac [6]byte) {
	r.sight(Sighting{Index: eth0, Address: a, MAC: mac, Answer: true})
}

// take returns the frames since the last call.
func (r *rig) take() []string {
	sent := r.sent
	r.sent = nil
	return sent
}

// takeEvents returns the names of the events since the last call.
func (r *rig) takeEvents() string {
	events := strings.Join(r.events, " ")
	r.events = nil
	return events
}

// warned returns the reasons of the warnings in force, each with its subject.
func (r *rig) warned() string {
	var all []string
	for _, w := range r.warnings.All() {
		all = append(all, string(w.Reason)+" "+w.Subject)
	}
	return strings.Join(all, ", ")
}

func (r *rig) takeAdverts() []Advert {
	all := r.adverts
	r.adverts = nil
	r.taken++
	return all
}

func (r *rig) setting(key string) (string, error) {
	r.readings++
	value, ok := r.settings[key]
	if !ok {
		return "", fs.ErrNotExist
	}
	return value, nil
}

// Send implements Sender.
func (r *rig) Send(frames []Frame) {
	for _, f := range frames {
		r.sent = append(r.sent, fmt.Sprintf("%d:%x", f.Index, f.Data))
		r.onSend(f.Index)
	}
}

// Held, Holds, InPlace, Devices and Strays implement Holdings.
func (r *rig) Held() []string                      { return r.names }
func (r *rig) Holds(instance string) bool          { return slices.Contains(r.names, instance) }
func (r *rig) InPlace(instance string, _ int) bool { return r.Holds(instance) && !r.missing[instance] }
func (r *rig) Strays() map[netip.Addr]Stray        { return r.strays }

func (r *rig) Devices(yield func(string, event.Link) bool) {
	if set := r.sets["a"]; set != nil && set.MAC != [6]byte{} {
		yield("a", r.device)
	}
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
