package receive

import (
	"context"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// A new set of instances: the sockets that are still wanted stay the same and lose
// nothing, one that is not is closed, and a new one is opened at once.
func TestReceiverReconfigures(t *testing.T) {
	l := adverttest.NewLAN(t)
	one, two := l.Cable(1, 0), l.Cable(2, 0)
	e := listen(t, on(one.Name)...)
	e.tell(one)
	e.tell(two)
	reconfigure := func(instances ...vrrp.Instance) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := e.Reconfigure(ctx, adverttest.Each(instances)); err != nil {
			t.Fatal(err)
		}
	}
	send := func(cable int) {
		index, four, six := l.Far(cable)
		l.Sender(openSender).Send([]advert.Message{adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))})
	}
	raw := socketKey{link: one.Name, family: event.IPv4}
	fd := e.wanted[raw].port.fd // the receiver sleeps

	send(1) // stands in the socket while the set changes
	reconfigure(append(on(one.Name), on(two.Name)...)...)
	send(2)
	if got := len(e.takes(4)); got != 4 {
		t.Errorf("heard %d adverts of 4", got)
	}
	if e.wanted[raw].port == nil || e.wanted[raw].port.fd != fd {
		t.Error("a socket that is still wanted was opened anew")
	}

	// Another VRID on the same socket: the filter follows.
	four := on(one.Name)[0]
	four.VRID, four.Name = 77, "another"
	reconfigure(append([]vrrp.Instance{four}, on(two.Name)...)...)
	send(1)
	send(2)
	e.takes(2)
	if got := e.take(); len(got) > 0 {
		t.Errorf("heard more: %s", who(got))
	}
	if got := e.wanted[raw].port.vrids; !slices.Equal(got, []uint8{77}) {
		t.Errorf("the filter is for VRIDs %v", got)
	}

	reconfigure(on(two.Name)...)
	for at, w := range e.wanted {
		if at.link != two.Name || w.port == nil {
			t.Errorf("after %s is gone there is %+v", one.Name, at)
		}
	}
}
