package receive

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/advert/send"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wakeup"
	"ripcord/pkg/wire"
)

// bench is a receiver that runs, with what it published.
type bench struct {
	*Receiver
	t       *testing.T
	links   *bus.Retained[string, event.Link]
	bell    bus.Bell
	heard   *bus.Ring[vrrp.Heard]
	results *bus.Ring[vrrp.Result]
	events  *bus.Ring[event.Event]
	ticket  uint64
}

// on returns two instances on a link, "NAME/4" and "NAME/6", both with VRID 51.
func on(link string) []vrrp.Instance {
	four, six := adverttest.Virtual4(), adverttest.Virtual6()
	four.Name, six.Name = link+"/4", link+"/6"
	four.Interface, six.Interface = link, link
	return []vrrp.Instance{four, six}
}

// idle returns a receiver that does not run.
func idle(t *testing.T, instances ...vrrp.Instance) *bench {
	e := &bench{t: t, links: bus.NewRetained[string, event.Link](), bell: bus.NewBell()}
	var heard bus.Topic[vrrp.Heard]
	var results bus.Topic[vrrp.Result]
	var events bus.Topic[event.Event]
	e.heard = bus.SubscribeRing(&heard, e.bell, 5000)
	e.results = bus.SubscribeRing(&results, e.bell, 5000)
	e.events = bus.SubscribeRing(&events, e.bell, 5000)
	warnings := event.NewWarnings(func(event.Event) {})
	e.Receiver = New(Config{
		Instances: adverttest.Each(instances), Stats: stats.Map{}, Unknown: &stats.Counters{},
		Links: e.links, Heard: &heard, Results: &results, Events: &events, Warnings: warnings, Questions: event.NewQuestions(warnings),
		Minter: event.NewMinter(0), Now: time.Now,
	})
	return e
}

// following returns a receiver that does not run and has opened its sockets on a link: the test calls
// its methods.
func following(t *testing.T, link event.Link) *bench {
	t.Helper()
	e := idle(t, on(link.Name)...)
	var err error
	if e.poller, err = wakeup.OpenEpoll(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.shut() })
	e.follow(link)
	return e
}

func listen(t *testing.T, instances ...vrrp.Instance) *bench {
	e := idle(t, instances...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return e
}

// publish publishes a state of a link, and returns when the receiver has handled it.
func (e *bench) publish(l event.Link) {
	e.links.Publish(l)
	e.take() // whatever the receiver does next, it does it after it has taken links
	e.take()
}

// take verifies and returns all adverts that were received by then.
func (e *bench) take() []vrrp.Heard {
	e.t.Helper()
	e.ticket++
	e.Verify(e.ticket)
	timeout := time.After(5 * time.Second)
	for {
		results, _ := e.results.Take()
		for _, r := range results {
			if a, ok := r.(vrrp.Answered); ok && a.Ticket >= e.ticket && a.By == vrrp.Receiver {
				heard, _ := e.heard.Take()
				return heard
			}
		}
		select {
		case <-e.bell:
		case <-timeout:
			e.t.Fatal("the receiver did not answer")
		}
	}
}

// until collects results up to one that matches.
func (e *bench) until(last func(vrrp.Result) bool) (all []vrrp.Result) {
	e.t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		results, _ := e.results.Take()
		for _, r := range results {
			if all = append(all, r); last(r) {
				return all
			}
		}
		select {
		case <-e.bell:
		case <-timeout:
			e.t.Fatalf("no matching result: %+v", all)
		}
	}
}

// takes calls take until n adverts were received: the kernel may deliver packets a little after
// they were sent.
func (e *bench) takes(n int) []vrrp.Heard {
	e.t.Helper()
	heard := e.take()
	for end := time.Now().Add(5 * time.Second); len(heard) < n && time.Now().Before(end); {
		heard = append(heard, e.take()...)
	}
	return heard
}

func who(heard []vrrp.Heard) string {
	var out []string
	for _, h := range heard {
		out = append(out, fmt.Sprintf("%s<%v", h.Instance, h.Source))
	}
	return strings.Join(out, " ")
}

func TestReceiverHearsEachLinkForItself(t *testing.T) {
	l := adverttest.NewLAN(t)
	one, two := l.Cable(1, 0), l.Cable(2, 0)
	bench := listen(t, append(on(one.Name), on(two.Name)...)...)
	bench.publish(one)
	bench.publish(two)
	index, four, six := l.RemoteEnd(2)
	s := l.Sender(openSender)
	s.Send([]advert.Message{adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))})
	heard := who(bench.takes(2))
	if heard != "here2/4<198.51.2.2 here2/6<fe80::2:2" && heard != "here2/6<fe80::2:2 here2/4<198.51.2.2" {
		t.Errorf("heard %s", heard)
	}
}

// TestReceiverReadsWithoutAllocating checks that in steady state reading, checking and publishing
// adverts from a real socket allocates nothing.
func TestReceiverReadsWithoutAllocating(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	e := following(t, link)
	index, four, six := l.RemoteEnd(1)
	batch := []advert.Message{adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))}
	far := l.Sender(openSender)
	far.Open("four", new(adverttest.Frames(index, four)))
	far.Open("six", new(adverttest.Frames(index, six)))
	s, read, heard := far.Sender, 0, 0
	turn := func() {
		s.Send(batch)
		if err := e.poller.Wait(5*time.Second, 0, e.ready); err != nil {
			t.Fatal(err)
		}
		for _, w := range e.wanted {
			if w.port != nil {
				e.drain(w, time.Time{}) // what came while it read
			}
		}
		taken, _ := e.heard.Take()
		read, heard = read+1, heard+len(taken)
	}
	turn() // what is made once
	turn()
	if allocs := testing.AllocsPerRun(100, turn); allocs != 0 {
		t.Errorf("%v allocations for two adverts", allocs)
	}
	if heard != 2*read {
		t.Errorf("heard %d adverts in %d turns", heard, read)
	}
}

func TestOwnAdvertsAreNotHeard(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	bench := listen(t, on(link.Name)...)
	bench.publish(link) // without its own addresses: it is the kernel that must not loop them
	s, err := send.OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	batch := []advert.Message{
		adverttest.Message(adverttest.Frames(link.Index, netip.MustParseAddr("198.51.1.1"))),
		adverttest.Message(adverttest.Frames(link.Index, netip.MustParseAddr("fe80::1:1"))),
	}
	s.Send(batch)
	if batch[0].Err != nil || batch[1].Err != nil {
		t.Fatal(batch)
	}
	if heard := who(bench.take()); heard != "" {
		t.Errorf("heard %s", heard)
	}
}

// TestReceiverHearsTheOwner checks adverts of the owner from the shared address, which is on our
// own link too: the kernel takes them for forged, but they are received, once. Our own are not.
func TestReceiverHearsTheOwner(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	instances := on(link.Name)
	instances[0].Addresses = []netip.Addr{netip.MustParseAddr("198.51.1.100")}
	bench := listen(t, instances...)
	bench.publish(link)
	l.InRemote(func() { l.IP("addr add 198.51.1.100/24 dev there1") })
	index, four, _ := l.RemoteEnd(1)
	s := l.Sender(openSender)
	owner := adverttest.Message(adverttest.Frames(index, instances[0].Addresses[0]))
	for _, holding := range []bool{false, true} {
		if holding {
			l.IP("addr add 198.51.1.100/24 dev here1")
			ours, err := send.OpenSender()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ours.Close() }()
			ours.Send([]advert.Message{adverttest.Message(adverttest.Frames(link.Index, instances[0].Addresses[0]))})
		}
		s.Send([]advert.Message{owner, adverttest.Message(adverttest.Frames(index, four))})
		if heard := who(bench.takes(2)); heard != "here1/4<198.51.1.100 here1/4<198.51.1.2" && heard != "here1/4<198.51.1.2 here1/4<198.51.1.100" {
			t.Errorf("holding the address %v: heard %q", holding, heard)
		}
	}
}

func TestReceiverFollowsItsLinks(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	bench := listen(t, on(link.Name)...)
	s := l.Sender(openSender)
	hears := func(when string, want int) {
		t.Helper()
		index, four, six := l.RemoteEnd(1)
		s.Send([]advert.Message{adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))})
		if heard := bench.takes(want); len(heard) != want {
			t.Errorf("%s: heard %q, want %d", when, who(heard), want)
		}
	}
	hears("before the link is known", 0)
	link.DownCount = 1
	bench.publish(link)
	hears("at first", 2)

	l.IP("link del " + link.Name)
	gone := link
	gone.Index, gone.Downs = 0, 1
	bench.publish(gone)
	again := l.Cable(1, link.Index+100)
	bench.publish(again)
	hears("with another index", 2)

	l.IP("link del " + link.Name)
	again = l.Cable(1, again.Index)
	again.Downs = 1 // that it was gone was merged away
	bench.publish(again)
	hears("with the same index", 2)

	down := again
	l.IP("link set here1 down")
	down.Usable, down.AdminUp, down.Downs, down.DownCount = false, false, 1, 9
	bench.publish(down)
	l.IP("link set here1 up")
	l.IP("addr replace fe80::1:1/64 dev here1 nodad")
	adverttest.Settle("here1")
	l.InRemote(func() { adverttest.Settle("there1") }) // before that it sends nothing
	bench.publish(again)
	hears("after it was down", 2)
}

func TestReceiverTriesAgain(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	bench := listen(t, on(link.Name)...)
	wrong := link
	wrong.Index = 9999
	bench.publish(wrong)
	events, _ := bench.events.Take()
	names := map[string]bool{}
	for _, e := range events {
		d := e.(Deaf)
		names[d.Instance] = d.Name() == "advert.failed" && d.Count == 1 && d.Err != ""
	}
	if len(events) != 3 || !names["here1/4"] || !names["here1/6"] {
		t.Errorf("events %+v", events)
	}
	bench.publish(link)
	index, four, six := l.RemoteEnd(1)
	l.Sender(openSender).Send([]advert.Message{adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six))})
	if heard := bench.takes(2); len(heard) != 2 {
		t.Errorf("heard %q", who(heard))
	}
}

// TestReceiverAnswersAfterWhatItFound queues many adverts, and then calls Verify.
func TestReceiverAnswersAfterWhatItFound(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	e := idle(t, on(link.Name)...)
	poller, err := wakeup.OpenEpoll()
	if err != nil {
		t.Fatal(err)
	}
	e.poller = poller
	defer func() { _ = e.shut() }()
	e.follow(link)
	var witnesses []*port // who tell that the kernel has delivered
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		p := opened(t, link, socketKey{link.Name, f}, &adverts{filterSpec: filterSpec{family: f, groups: []netip.Addr{wire.GroupOf(f)}}})
		defer func() { _ = p.close() }()
		witnesses = append(witnesses, p)
	}
	index, four, six := l.RemoteEnd(1)
	const n = 3*maxRead + 1
	var batch []advert.Message
	for range n {
		batch = append(batch, adverttest.Message(adverttest.Frames(index, four)), adverttest.Message(adverttest.Frames(index, six)))
	}
	l.Sender(openSender).Send(batch)
	for _, p := range witnesses {
		for range n {
			poll := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
			if got, err := unix.Poll(poll, 5000); got != 1 && err == nil {
				t.Fatal("the adverts did not arrive")
			}
			_, _, _ = unix.Recvfrom(p.fd, make([]byte, 100), 0)
		}
	}

	e.answer() // nobody has asked
	if heard, _ := e.heard.Take(); len(heard) != 0 {
		t.Fatalf("heard %d before Verify", len(heard))
	}
	e.Verify(1)
	e.answer()
	results, _ := e.results.Take()
	if heard, _ := e.heard.Take(); len(heard) != len(batch) || len(results) != 1 {
		t.Errorf("answered %v after %d of %d adverts", results, len(heard), len(batch))
	}
}

func TestVerifyBeforeRun(t *testing.T) {
	var results bus.Topic[vrrp.Result]
	bell := bus.NewBell()
	ring := bus.SubscribeRing(&results, bell, 10)
	r := New(Config{
		Links: bus.NewRetained[string, event.Link](), Results: &results, Unknown: &stats.Counters{},
		Events: &bus.Topic[event.Event]{}, Heard: &bus.Topic[vrrp.Heard]{}, Now: time.Now,
	})
	r.Verify(4)
	r.Verify(3)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	<-bell
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	r.Verify(5) // nobody is there: it must not block, nor touch a closed descriptor
	if got, _ := ring.Take(); len(got) != 1 || got[0] != (vrrp.Answered{Ticket: 4, By: vrrp.Receiver}) {
		t.Errorf("results %v", got)
	}
}
