package advert

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wakeup"
	"ripcord/pkg/wire"
)

func TestSenderOnTheWire(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	index, four, six := l.far(1)
	next := l.capture(link.Index)
	s := l.sender()
	batch := []Message{message(frames(index, six)), message(frames(index, four))}
	s.Send(batch)
	for _, m := range batch {
		if m.Err != nil {
			t.Fatal(m.Err)
		}
	}
	b := next() // IPv4 goes first
	header, payload, err := wire.SplitIPv4(b)
	if err != nil {
		t.Fatalf("%v: % x", err, b)
	}
	if b[0] != 0x45 || b[1] != trafficClass || header.TTL != 255 || header.Source != four || header.Dest != wire.Group4 || headerSum(b) != 0 {
		t.Errorf("IPv4 header % x", b[:20])
	}
	if string(payload) != string(batch[1].Payload) {
		t.Errorf("sent % x, got % x", batch[1].Payload, payload)
	}
	b = next()
	class := b[0]<<4 | b[1]>>4
	source, dest := netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	if class != trafficClass || b[7] != 255 || source != six || dest != wire.Group6 {
		t.Errorf("IPv6 header % x", b[:40])
	}
	if string(b[40:]) != string(batch[0].Payload) {
		t.Errorf("sent % x, got % x: the kernel must leave the checksum alone", batch[0].Payload, b[40:])
	}
}

// TestSenderToPeers sends to single stations, with the socket's hop limit and with
// another, and then to the group again by the same slots.
func TestSenderToPeers(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	index, four, six := l.far(1)
	next := l.capture(link.Index)
	s := l.sender()
	here4, here6 := netip.MustParseAddr("198.51.1.1"), netip.MustParseAddr("fe80::1:1")
	for _, want := range []struct {
		source, to netip.Addr
		hops       uint8
	}{
		{four, here4, 255}, {four, here4, 7}, {four, wire.Group4, 255},
		{six, here6, 255}, {six, here6, 7}, {six, wire.Group6, 255},
	} {
		m := message(frames(index, want.source))
		m.To, m.HopLimit = want.to, want.hops
		batch := []Message{m}
		if s.Send(batch); batch[0].Err != nil {
			t.Fatal(batch[0].Err)
		}
		b := next()
		hops, to := b[8], b[16:20]
		if want.to.Is6() {
			hops, to = b[7], b[24:40]
		}
		if hops != want.hops || string(to) != string(want.to.AsSlice()) {
			t.Errorf("to %v with %d hops: sent % x", want.to, want.hops, b[:40])
		}
	}
}

// What leaves from a virtual MAC leaves as it was written, through an interface
// that has neither the address nor the MAC, and among what does not.
func TestSenderFromVirtualMAC(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	ears := listen(t, on(link.Name)...)
	ears.tell(link)
	index, four, six := l.far(1)
	next, s := l.captureFrames(link.Index), l.sender()
	var batch []Message
	for i, source := range []netip.Addr{four, six, netip.MustParseAddr("198.51.1.77")} {
		f := frames(index, source)
		f.Header = wire.AppendHeaders(nil, [6]byte{0, 0, 0x5e, 0, 1, byte(i)}, source, len(f.Copies[0].Advert))
		batch = append(batch, message(f))
	}
	lost := frames(9999, four)
	lost.Header = batch[0].Header
	batch = append(batch, message(lost), message(frames(index, four)))
	s.Send(batch)
	for i, m := range batch {
		if (m.Err != nil) != (i == 3) {
			t.Errorf("message %d: %v", i, m.Err)
		}
	}
	if got := next(); string(got[6:11]) == "\x00\x00\x5e\x00\x01" {
		t.Errorf("the kernel's frame does not go first: % x", got)
	}
	for _, m := range batch[:3] {
		if got, want := next(), append(m.Header, m.Payload...); string(got[:len(want)]) != string(want) {
			t.Errorf("sent % x, got % x", want, got)
		}
	}
	if got := len(ears.takes(4)); got != 4 {
		t.Errorf("%d adverts were believed, want 4", got)
	}
}

func TestSenderGoesOnAfterAFailure(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	ears := listen(t, on(link.Name)...)
	ears.tell(link)
	index, four, six := l.far(1)
	s := l.sender()
	var batch []Message
	for i := range 3 * slots {
		f := frames(index, four)
		switch i % 3 {
		case 1:
			f.Source = netip.MustParseAddr("203.0.113.1") // not on this host
		case 2:
			f.Index = 9999
		}
		batch = append(batch, message(f))
	}
	batch = append(batch, message(frames(index, six)), Message{Index: index, Source: four})
	s.Send(batch)
	for i, m := range batch {
		fails := i%3 != 0 && i < 3*slots || len(m.Payload) == 0
		if (m.Err != nil) != fails {
			t.Fatalf("message %d: %v", i, m.Err)
		}
	}
	if text := batch[1].Err.Error(); !strings.Contains(text, "203.0.113.1") || !strings.Contains(text, "not on this host") {
		t.Errorf("%q says too little", text)
	}
	if got := len(ears.takes(slots + 1)); got != slots+1 {
		t.Errorf("%d adverts came, want %d", got, slots+1)
	}
}

func TestEngineToReceiver(t *testing.T) {
	l := newLAN(t)
	link := l.cable(1, 0)
	ears := listen(t, on(link.Name)...)
	ears.tell(link)
	index, four, six := l.far(1)
	waiter, err := wakeup.OpenWaiter()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = waiter.Close() }()
	var results bus.Topic[vrrp.Result]
	var events bus.Topic[event.Event]
	lease := lease.New(time.Now().Add(time.Hour))
	engine := NewEngine(EngineConfig{
		Lease: lease, Sender: l.sender(), Waiter: waiter, Results: &results, Events: &events,
		Minter: event.NewMinter(0), Now: time.Now,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	begin := time.Now()
	for name, source := range map[string]netip.Addr{"4": four, "6": six} {
		engine.Do(Order{Kind: Start, Instance: name, Advert: frames(index, source), Interval: 20 * ms, Miss: 100})
	}
	var heard []vrrp.Heard
	for deadline := time.After(5 * time.Second); len(heard) < 10; {
		select {
		case <-ears.bell:
			more, _ := ears.heard.Take()
			heard = append(heard, more...)
		case <-deadline:
			t.Fatalf("heard only %s", who(heard))
		}
	}
	engine.Do(Order{Kind: Resign, Instance: "4"}, Order{Kind: Resign, Instance: "6"})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	resigned := func() bool {
		n := len(heard)
		return n > 1 && heard[n-1].Priority == 0 && heard[n-2].Priority == 0
	}
	for end := time.Now().Add(5 * time.Second); !resigned() && time.Now().Before(end); {
		heard = append(heard, ears.take()...)
	}
	seen := map[string]int{}
	for i, h := range heard {
		seen[h.Instance]++
		if age := time.Since(h.Cause.At); h.Cause.At.Before(begin) || age < 0 {
			t.Errorf("received %v after the engine began", h.Cause.At.Sub(begin))
		}
		if last := i >= len(heard)-2; (h.Priority == 0) != last {
			t.Errorf("advert %d of %d has priority %d", i, len(heard), h.Priority)
		}
	}
	if seen[link.Name+"/4"] < 4 || seen[link.Name+"/6"] < 4 {
		t.Errorf("heard %v", seen)
	}
}

// hundred is a sender here, and adverts for it.
func hundred(t testing.TB) (*RawSender, []Message) {
	link := newLAN(t).cable(1, 0)
	s, err := OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var batch []Message
	for range 50 {
		batch = append(batch,
			message(frames(link.Index, netip.MustParseAddr("198.51.1.1"))),
			message(frames(link.Index, netip.MustParseAddr("fe80::1:1"))))
	}
	return s, batch
}

func TestSendAllocatesNothing(t *testing.T) {
	s, batch := hundred(t)
	if allocs := testing.AllocsPerRun(10, func() { s.Send(batch) }); allocs != 0 {
		t.Errorf("%v allocations for %d adverts", allocs, len(batch))
	}
	if batch[0].Err != nil || batch[99].Err != nil {
		t.Error(batch[0].Err, batch[99].Err)
	}
}

func BenchmarkSend100(b *testing.B) {
	s, batch := hundred(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Send(batch)
	}
}
