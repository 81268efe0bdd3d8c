package lan

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
	"ripcord/test/netns"
)

// TestWatchSeesAnOutage pulls b's cable and gives b's address to a third host.
func TestWatchSeesAnOutage(t *testing.T) {
	l := twoHosts(t, Options{})
	c, err := l.AddHost("c")
	if err != nil {
		t.Fatal(err)
	}
	spare, err := l.Connect(c, "eth0", l.Segment("inside"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := prober(t, l, "a").Watch(addressB, 2*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	from := func(mac MAC) func(Answer) bool { return func(a Answer) bool { return a.MAC == mac } }
	old := l.Cable("b", "eth0")
	if _, err := w.WaitAnswer(within, from(old.MAC())); err != nil {
		t.Fatal(err)
	}
	pulled, err := old.Pull()
	if err != nil {
		t.Fatal(err)
	}
	dead := time.Now() // certainly after the pull, which may take the kernel some time
	<-time.After(50 * time.Millisecond)
	eventually(t, "b is asked in vain", func() bool { return len(since(w.Timeline().Asked, dead)) > 2 })
	restored := time.Now()
	if err := c.AddAddress("eth0", netip.PrefixFrom(addressB, 24)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.WaitAnswer(within, from(spare.MAC())); err != nil {
		t.Fatal(err)
	}
	answered := time.Now()
	timeline := w.Stop()
	gap := timeline.LongestGap(pulled)
	if least, most := restored.Sub(dead), answered.Sub(pulled); gap.Length() < least || gap.Length() > most || gap.Unanswered < 2 {
		t.Errorf("the outage is %s of %d questions, want %s to %s", gap.Length(), gap.Unanswered, least, most)
	}
	if last, ok := timeline.Last(old.MAC()); !ok || last.At.After(dead) {
		t.Errorf("b answered until %s after the pull", last.At.Sub(pulled))
	}
	if first, ok := timeline.First(spare.MAC(), pulled); !ok || first.At != gap.To {
		t.Errorf("c answered first at %s, the outage ends at %s", first.At, gap.To)
	}
	if both := timeline.Both(); len(both) != 0 {
		t.Errorf("both answered %d times", len(both))
	}
}

// since returns the instants after the given one.
func since(instants []time.Time, after time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(instants), func(at time.Time) bool { return !at.After(after) })
}

// TestWatchSeesASplitBrain gives two hosts one address.
func TestWatchSeesASplitBrain(t *testing.T) {
	l := twoHosts(t, Options{})
	c, err := l.AddHost("c")
	if err != nil {
		t.Fatal(err)
	}
	twice := Options{Addresses: Addresses("192.0.2.2/24", "2001:db8::2/64")}
	if _, err := l.Connect(c, "eth0", l.Segment("inside"), twice); err != nil {
		t.Fatal(err)
	}
	for _, address := range []netip.Addr{addressB, addressB6} {
		w, err := prober(t, l, "a").Watch(address, 5*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "both answer", func() bool { return len(w.Timeline().Both()) > 1 })
		w.Stop()
	}
}

func TestSnifferHearsAdverts(t *testing.T) {
	l := twoHosts(t, Options{})
	sniffer, err := l.Segment("inside").Sniff()
	if err != nil {
		t.Fatal(err)
	}
	linkLocal, err := l.Cable("b", "eth0").LinkLocal()
	if err != nil {
		t.Fatal(err)
	}
	group4, group6 := netip.MustParseAddr("224.0.0.18"), netip.MustParseAddr("ff02::12")
	message := []byte{0x31, 51, 200, 1, 0, 100, 0, 0, 192, 0, 2, 254}
	before := time.Now()
	sendRaw(t, l.Host("a").Namespace, group4, message)
	sendRaw(t, l.Host("b").Namespace, group6, message)

	want := []Advert{{
		Host: "a", MAC: l.Cable("a", "eth0").MAC(), Family: event.IPv4, Source: addressA, Destination: group4,
	}, {
		Host: "b", MAC: l.Cable("b", "eth0").MAC(), Family: event.IPv6, Source: linkLocal, Destination: group6,
	}}
	for _, want := range want {
		a, err := sniffer.WaitAdvert(within, func(a Advert) bool { return a.Family == want.Family })
		if err != nil {
			t.Fatal(err)
		}
		if string(a.Message) != string(message) {
			t.Errorf("the message is % x", a.Message)
		}
		if a.At.Before(before) || time.Since(a.At) > time.Since(before) {
			t.Errorf("heard %s after it was sent", a.At.Sub(before))
		}
		want.Segment, want.HopLimit, want.Version, want.VRID, want.Priority = "inside", 255, 3, 51, 200
		a.At, a.Message = time.Time{}, nil
		if !equal(a, want) {
			t.Errorf("heard %+v, want %+v", a, want)
		}
	}
	// An unplugged cable carries no advert.
	if _, err := l.Cable("a", "eth0").Pull(); err != nil {
		t.Fatal(err)
	}
	sendRaw(t, l.Host("a").Namespace, group4, message)
	sendRaw(t, l.Host("b").Namespace, group6, message)
	if _, err := sniffer.WaitAdvert(within, nth(3)); err != nil {
		t.Fatal(err)
	}
	sniffer.Close()
	if all := sniffer.Adverts(); len(all) != 3 || all[2].Host != "b" {
		t.Errorf("heard %d adverts, want 3, the last from b", len(all))
	}
}

func nth(n int) func(Advert) bool {
	return func(Advert) bool { n--; return n == 0 }
}

// equal compares the comparable fields.
func equal(a, b Advert) bool {
	return a.Host == b.Host && a.MAC == b.MAC && a.Family == b.Family && a.Source == b.Source &&
		a.Destination == b.Destination && a.Segment == b.Segment && a.HopLimit == b.HopLimit &&
		a.Version == b.Version && a.VRID == b.VRID && a.Priority == b.Priority
}

// sendRaw sends to a group from eth0 on a raw socket, as a daemon does.
func sendRaw(t *testing.T, n *Namespace, group netip.Addr, message []byte) {
	t.Helper()
	err := n.Do(func() error {
		family, to := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Addr: [4]byte(group.AsSlice()[:4])})
		level, hops := unix.IPPROTO_IP, unix.IP_MULTICAST_TTL
		if group.Is6() {
			family, to = unix.AF_INET6, &unix.SockaddrInet6{Addr: group.As16()}
			level, hops = unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS
		}
		fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, vrrp)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.BindToDevice(fd, "eth0"); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, level, hops, 255); err != nil {
			return err
		}
		return unix.Sendto(fd, message, 0, to)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCableIsAnnouncedAsANIC checks the reason for Ordinary and churn: under churn the kernel
// announces the loss of an ordinary veth at once, and that of a cable late.
func TestCableIsAnnouncedAsANIC(t *testing.T) {
	netns.NeedRoot(t)
	churn, err := StartChurn(100 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := churn.Stop(); err != nil || churn.Cycles() < 5 {
			t.Errorf("churn ended with %v after %d cycles", err, churn.Cycles())
		}
	}()
	took := make(map[bool][]time.Duration)
	for _, ordinary := range []bool{true, false} {
		l := twoHosts(t, Options{Ordinary: ordinary})
		for range 5 {
			took[ordinary] = append(took[ordinary], announced(t, l))
		}
		slices.Sort(took[ordinary])
	}
	t.Logf("announced after %s (ordinary veth), %s (cable)", took[true], took[false])
	// Compare the middle time of the veth, because the machine may be busy once or twice. Of times
	// that are late by chance, as those of a cable, fewer would be short.
	if took[false][4] < 100*time.Millisecond || took[true][2] > 100*time.Millisecond {
		t.Error("a cable should be announced late, an ordinary veth at once")
	}
}

// announced pulls b's cable and returns the time until the kernel announces it.
func announced(t *testing.T, l *LAN) time.Duration {
	t.Helper()
	b, c := l.Host("b"), l.Cable("b", "eth0")
	var conn *netlink.Conn
	err := b.Do(func() (err error) {
		conn, err = netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: unix.RTMGRP_LINK})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	pulled, err := c.Pull()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Receive(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(pulled)
	if _, err := c.Plug(); err != nil {
		t.Fatal(err)
	}
	if err := c.Settle(); err != nil {
		t.Fatal(err)
	}
	return took
}

// TestRecorderHearsAll checks that frames to other stations than the switch are recorded: a
// solicitation and its answer, which the bridge forwards to one port alone.
func TestRecorderHearsAll(t *testing.T) {
	l := twoHosts(t, Options{})
	recorder, err := l.Segment("inside").Record()
	if err != nil {
		t.Fatal(err)
	}
	a, b := l.Cable("a", "eth0").MAC(), l.Cable("b", "eth0").MAC()
	if _, ok, err := prober(t, l, "a").Ask(addressB, within); !ok || err != nil {
		t.Fatalf("no answer: %v", err)
	}
	heard := func(to, from MAC) func() bool {
		return func() bool {
			return slices.ContainsFunc(recorder.Frames(), func(f Frame) bool {
				return MAC(f.Data[:6]) == to && MAC(f.Data[6:12]) == from && binary.BigEndian.Uint16(f.Data[12:]) == unix.ETH_P_ARP
			})
		}
	}
	eventually(t, "the request is heard", heard(MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, a))
	eventually(t, "the answer is heard", heard(a, b))
	recorder.Close()
}

// TestRecorderHearsTheLast checks that frames that were sent, but not yet read, when the recording
// ends are included.
func TestRecorderHearsTheLast(t *testing.T) {
	l := twoHosts(t, Options{})
	recorder, err := l.Segment("inside").Record()
	if err != nil {
		t.Fatal(err)
	}
	a := l.Cable("a", "eth0")
	socket, err := l.Host("a").listen(a.near, answersOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.close()
	const sent = 1000
	question := wire.AppendARPRequest(nil, a.MAC(), addressA, addressB)
	for range sent {
		if err := socket.send(question); err != nil {
			t.Fatal(err)
		}
	}
	recorder.Close()
	heard := 0
	for _, f := range recorder.Frames() {
		if bytes.Equal(f.Data[:len(question)], question) {
			heard++
		}
	}
	if heard != sent {
		t.Errorf("%d of %d are heard", heard, sent)
	}
}
