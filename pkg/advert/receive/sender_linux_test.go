package receive

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/advert/send"
	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/lease"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wakeup"
	"ripcord/pkg/wire"

	"ripcord/test/netns"
)

// The tests of pkg/advert/send that need a receiver.

// sendSlots is the number of messages that the sender passes to one system call.
const sendSlots = 128

// openSender opens the sender that a LAN uses in the other namespace.
func openSender() (adverttest.Sender, error) { return send.OpenSender() }

func TestMain(m *testing.M) { netns.Main(m) }

// TestSenderFromVirtualMAC checks that a frame from a virtual MAC leaves unchanged, through an
// interface that has neither the address nor the MAC, and between other packets.
func TestSenderFromVirtualMAC(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	bench := listen(t, on(link.Name)...)
	bench.publish(link)
	index, four, six := l.RemoteEnd(1)
	next, s := l.CaptureFrames(link.Index), l.Sender(openSender)
	var batch []advert.Message
	for i, source := range []netip.Addr{four, six, netip.MustParseAddr("198.51.1.77")} {
		f := adverttest.Frames(index, source)
		f.Header = wire.AppendHeaders(nil, [6]byte{0, 0, 0x5e, 0, 1, byte(i)}, source, f.Copies[0].To, len(f.Copies[0].Advert))
		batch = append(batch, adverttest.Message(f))
	}
	lost := adverttest.Frames(9999, four)
	lost.Header = batch[0].Header
	batch = append(batch, adverttest.Message(lost), adverttest.Message(adverttest.Frames(index, four)))
	s.Send(batch)
	for i, m := range batch {
		if (m.Err != nil) != (i == 3) {
			t.Errorf("message %d: %v", i, m.Err)
		}
	}
	if got := next(); string(got[6:11]) == "\x00\x00\x5e\x00\x01" {
		t.Errorf("the kernel's frame is not the first: % x", got)
	}
	for _, m := range batch[:3] {
		if got, want := next(), append(m.Header, m.Payload...); string(got[:len(want)]) != string(want) {
			t.Errorf("sent % x, got % x", want, got)
		}
	}
	if got := len(bench.takes(4)); got != 4 {
		t.Errorf("%d adverts were accepted, want 4", got)
	}
}

func TestSenderGoesOnAfterAFailure(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	bench := listen(t, on(link.Name)...)
	bench.publish(link)
	index, four, six := l.RemoteEnd(1)
	s := l.Sender(openSender)
	var batch []advert.Message
	for i := range 3 * sendSlots {
		f := adverttest.Frames(index, four)
		switch i % 3 {
		case 1:
			f.Source = netip.MustParseAddr("203.0.113.1") // not on this host
		case 2:
			f.Index = 9999
		}
		batch = append(batch, adverttest.Message(f))
	}
	batch = append(batch, adverttest.Message(adverttest.Frames(index, six)), advert.Message{Index: index, Source: four})
	s.Send(batch)
	for i, m := range batch {
		fails := i%3 != 0 && i < 3*sendSlots || len(m.Payload) == 0
		if (m.Err != nil) != fails {
			t.Fatalf("message %d: %v", i, m.Err)
		}
	}
	if text := batch[1].Err.Error(); !strings.Contains(text, "203.0.113.1") || !strings.Contains(text, "not on this host") {
		t.Errorf("%q lacks details", text)
	}
	if got := len(bench.takes(sendSlots + 1)); got != sendSlots+1 {
		t.Errorf("%d adverts arrived, want %d", got, sendSlots+1)
	}
}

func TestEngineToReceiver(t *testing.T) {
	l := adverttest.NewLAN(t)
	link := l.Cable(1, 0)
	bench := listen(t, on(link.Name)...)
	bench.publish(link)
	index, four, six := l.RemoteEnd(1)
	waiter, err := wakeup.OpenWaiter()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = waiter.Close() }()
	var results bus.Topic[vrrp.Result]
	var events bus.Topic[event.Event]
	lease := lease.New(time.Now().Add(time.Hour))
	engine := send.New(send.Config{
		Lease: lease, Sender: l.Sender(openSender), Waiter: waiter, Results: &results, Events: &events,
		Minter: event.NewMinter(0), Now: time.Now,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	begin := time.Now()
	for name, source := range map[string]netip.Addr{"4": four, "6": six} {
		engine.Do(advert.Order{Kind: advert.Start, Instance: name, Advert: adverttest.Frames(index, source), Interval: 20 * time.Millisecond, Miss: 100})
	}
	var heard []vrrp.Heard
	for deadline := time.After(5 * time.Second); len(heard) < 10; {
		select {
		case <-bench.bell:
			more, _ := bench.heard.Take()
			heard = append(heard, more...)
		case <-deadline:
			t.Fatalf("heard only %s", who(heard))
		}
	}
	engine.Do(advert.Order{Kind: advert.Resign, Instance: "4"}, advert.Order{Kind: advert.Resign, Instance: "6"})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	resigned := func() bool {
		n := len(heard)
		return n > 1 && heard[n-1].Priority == 0 && heard[n-2].Priority == 0
	}
	for end := time.Now().Add(5 * time.Second); !resigned() && time.Now().Before(end); {
		heard = append(heard, bench.take()...)
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
