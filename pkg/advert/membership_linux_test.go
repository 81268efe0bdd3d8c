package advert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

func TestReadMemberships(t *testing.T) {
	four := "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n" +
		"1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n" +
		"2\teth0      :     2      V3\n\t\t\t\t120000E0     1 0:00000000\t\t0\n\t\t\t\t010000E0     1 0:00000000\t\t0\n" +
		"17\tvrrp.51   :     1      V2\n\t\t\t\t120000E0     2 0:00000000\t\t0\n"
	six := "1    lo              ff020000000000000000000000000001     1 0000000C 0\n" +
		"2    eth0            ff020000000000000000000000000012     1 00000004 0\n" +
		"3    eth1            ff020000000000000000000000000112     1 00000004 0\n"
	got4, err4 := readIGMP(strings.NewReader(four))
	got6, err6 := readIGMP6(strings.NewReader(six))
	if err := errors.Join(err4, err6); err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(slices.Sorted(maps.Keys(got4)), slices.Sorted(maps.Keys(got6))); s != "[2 17] [2]" {
		t.Errorf("members %s, want [2 17] [2]", s)
	}
}

// What the kernel forgets of a link, and does not announce as a loss of it: the
// settings for IPv6 go where the MTU is too small for it, and come back without the
// membership; a link that leaves the namespace comes back without any, and packet
// sockets come off it. A takeover that is verified finds it out, and waits anew.
func TestReceiverJoinsAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		change []string
		deaf   string // the instances that were
	}{
		{"MTU too small for IPv6", []string{"link set here1 mtu 1200", "link set here1 mtu 1500"}, "here1/6"},
		{"away in another namespace", []string{"link set here1 netns AWAY", "-n AWAY link set here1 netns BACK"}, "here1/4 here1/6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLAN(t)
			link := l.cable(1, 0)
			ears := listen(t, on(link.Name)...)
			ears.tell(link)
			l.away(c.change)
			l.ip("link set here1 up")
			l.ip("addr replace 198.51.1.1/24 dev here1")
			l.ip("addr replace fe80::1:1/64 dev here1 nodad")
			settle("here1")

			ears.results.Take()
			ears.Verify(ears.ticket + 1)
			ears.ticket++
			found := ears.until(func(r vrrp.Result) bool { a, ok := r.(vrrp.Answered); return ok && a.Ticket == ears.ticket })
			rejoined := map[string]bool{}
			for _, r := range found {
				if r, ok := r.(vrrp.Rejoined); ok {
					rejoined[r.Instance] = true
				}
			}
			if got := strings.Join(slices.Sorted(maps.Keys(rejoined)), " "); got != c.deaf {
				t.Errorf("%q waited anew before the answer, want %q", got, c.deaf)
			}
			told := map[string]bool{}
			events, _ := ears.events.Take()
			for _, e := range events {
				if d, ok := e.(Deaf); ok && d.Mended && d.Level() == event.Error {
					told[d.Instance] = true
				}
			}
			if !maps.Equal(told, rejoined) {
				t.Errorf("events %+v", events)
			}
			index, four, six := l.far(1)
			l.sender().Send([]Message{message(frames(index, four)), message(frames(index, six))})
			if heard := ears.takes(2); len(heard) != 2 {
				t.Errorf("heard %q", who(heard))
			}
		})
	}
}

// Where the socket cannot be opened again the instance is deaf until it can.
func TestReceiverReportsDeafness(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	ears := listen(t, on(link.Name)...)
	ears.tell(link)
	ears.results.Take()
	conditions := func() (all []vrrp.Condition) {
		ears.links.Publish(link)
		ears.Verify(ears.ticket + 1)
		ears.ticket++
		for _, r := range ears.until(func(r vrrp.Result) bool { a, ok := r.(vrrp.Answered); return ok && a.Ticket == ears.ticket }) {
			if c, ok := r.(vrrp.Condition); ok {
				all = append(all, c)
			}
		}
		return all
	}
	l.ip("link set here1 mtu 1200")
	if got := conditions(); len(got) != 1 || !got[0].On || got[0].Reason != event.Deaf || got[0].Instance != "here1/6" || !strings.Contains(got[0].Err, "1280") {
		t.Errorf("without IPv6: %+v", got)
	}
	l.ip("link set here1 mtu 1500")
	if got := conditions(); len(got) != 1 || got[0].On || got[0].Instance != "here1/6" {
		t.Errorf("with IPv6 again: %+v", got)
	}
}
