package nic

import (
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
	"ripcord/pkg/rtnl/rtnltest"
	"ripcord/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

// newTap returns a device of the plain-NIC class, whose carrier the test sets.
func newTap(t *testing.T, name string) (*netns.Tap, Device) {
	t.Helper()
	tap, err := netns.NewTap(name)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = tap.Close() })
	netns.IP(t, "link set "+name+" up")
	return tap, Device{Index: index(t, name), Name: name, ID: 1}
}

func index(t *testing.T, name string) int {
	t.Helper()
	i, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return i.Index
}

func setCarrier(t *testing.T, tap *netns.Tap, up bool) {
	t.Helper()
	if err := tap.SetCarrier(up); err != nil {
		t.Fatal(err)
	}
}

// attributes encodes netlink attributes.
func attributes(t testing.TB, add func(*netlink.AttributeEncoder)) []byte {
	ae := netlink.NewAttributeEncoder()
	add(ae)
	b, err := ae.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKernelCarrier requires that ETHTOOL_GLINK and RTM_GETLINK agree, and that the first allocates
// nothing.
func TestKernelCarrier(t *testing.T) {
	netns.Need(t)
	tap, device := newTap(t, "tap3")
	c := NewClient()
	defer c.Close()
	for _, want := range []bool{true, false, true} {
		setCarrier(t, tap, want)
		flag, err := c.lowerUp(device.Index)
		up, known, glink := c.Carrier(device)
		if err != nil || flag != want || up != want || !known || !glink {
			t.Errorf("carrier %v: RTM_GETLINK %v (%v), %v known %v GLINK %v", want, flag, err, up, known, glink)
		}
	}
	if n := testing.AllocsPerRun(100, func() { c.Carrier(device) }); n != 0 {
		t.Errorf("a question allocates %v times", n)
	}
	if _, known, _ := c.Carrier(Device{Index: 9999, ID: 2, Name: "nosuch"}); known {
		t.Error("a device that does not exist has a carrier")
	}
	if _, err := c.lowerUp(9999); !errors.Is(err, unix.ENODEV) {
		t.Errorf("RTM_GETLINK for no device: %v", err)
	}
	began := time.Now()
	for range 1000 {
		c.Carrier(device)
	}
	t.Logf("ETHTOOL_GLINK: %v", time.Since(began)/1000)
	began = time.Now()
	for range 1000 {
		c.lowerUp(device.Index)
	}
	t.Logf("RTM_GETLINK: %v", time.Since(began)/1000)
}

// TestKernelInspect: a tap has a driver that reports its carrier, no transceiver and no extended
// state.
func TestKernelInspect(t *testing.T) {
	netns.Need(t)
	tap, device := newTap(t, "tap4")
	c := NewClient()
	defer c.Close()
	for _, up := range []bool{true, false, true} {
		setCarrier(t, tap, up)
		r, can := c.Inspect(device, Report{Name: device.Name})
		if r.GLINK.Up == nil || *r.GLINK.Up != up || r.Driver != "tun" || r.MII.Error != notSupported || r.MII.Up != nil ||
			r.Extended.Error != "" || r.Extended.State != "" {
			t.Errorf("carrier %v: %+v", up, r)
		}
		if want := (Capabilities{GLINK: true, NoMII: notSupported}); can != want {
			t.Errorf("carrier %v: %+v, want %+v", up, can, want)
		}
		if can := c.Capabilities(device); can != (Capabilities{Carrier: up, Known: true, GLINK: true, NoMII: notSupported}) {
			t.Errorf("carrier %v: capabilities %+v", up, can)
		}
	}
	r, can := c.Inspect(Device{Index: 9999, Name: "nosuch"}, Report{})
	if r.GLINK.Error == "" || r.MII.Error == "" || r.Extended.Error == "" || can.GLINK || can.NoMII == "" {
		t.Errorf("a device that does not exist: %+v, %+v", r, can)
	}
}

const notSupported = "SIOCGMIIPHY: operation not supported"

// TestHasStatus uses the features that QEMU 7.2 offers, and those with status=off.
func TestHasStatus(t *testing.T) {
	for features, want := range map[string]bool{
		"1110011110001111111110111100110110000000000000000000000000000000\n": true,
		"1110011110001111011110111100110110000000000000000000000000000000\n": false,
		"": true, "0000000000000000": true, // an absent bit denies nothing
	} {
		if got := hasStatus([]byte(features)); got != want {
			t.Errorf("%q: %v", features, got)
		}
	}
}

// late returns a connection to a kernel whose first answer comes after the timeout.
func late(t *testing.T, timeout time.Duration, answer func(request netlink.Message) netlink.Message) *rtnl.Conn {
	t.Helper()
	after := timeout + time.Second
	k := &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram {
		d := rtnltest.Datagram{After: after, Messages: []netlink.Message{answer(requests[0])}}
		after = 0
		return []rtnltest.Datagram{d}
	}}
	conn, err := rtnl.Dial(rtnl.Config{Timeout: timeout, Open: k.Open})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// linkMessage returns the data of an RTM_NEWLINK whose only attribute is a name.
func linkMessage(t *testing.T, index, flags uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], index)
	binary.NativeEndian.PutUint32(b[8:], flags)
	return append(b, attributes(t, func(ae *netlink.AttributeEncoder) { ae.String(unix.IFLA_IFNAME, "eth0") })...)
}

// TestLateAnswers requires that a late answer about one device does not count as the answer about
// another, neither for the reason of a loss nor for the carrier.
func TestLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := byte(4) // no cable
		e := &ethtool{conn: late(t, ethtoolTimeout, func(request netlink.Message) netlink.Message {
			defer func() { state = 2 }()
			return rtnltest.Reply(request, 20, 0, append([]byte{unix.ETHTOOL_MSG_LINKSTATE_GET_REPLY, 1, 0, 0},
				attributes(t, func(ae *netlink.AttributeEncoder) { ae.Uint8(unix.ETHTOOL_A_LINKSTATE_EXT_STATE, state) })...))
		})}
		if _, _, err := e.extended(1); err == nil {
			t.Error("no error for an answer that did not come")
		}
		time.Sleep(time.Minute)
		for range 3 {
			if x, known, err := e.extended(2); x.State != 2 || !known || err != nil {
				t.Errorf("the reason of the second device: %+v, %v, %v", x, known, err)
			}
		}

		c := &Client{routes: late(t, requestTimeout, func(request netlink.Message) netlink.Message {
			index := rtnl.Uint32(request.Data[4:])
			return rtnltest.Reply(request, unix.RTM_NEWLINK, 0, linkMessage(t, index, (index-1)*unix.IFF_LOWER_UP))
		})}
		if _, err := c.lowerUp(1); err == nil {
			t.Error("no error for an answer that did not come")
		}
		time.Sleep(time.Minute)
		for range 3 {
			if up, err := c.lowerUp(2); !up || err != nil {
				t.Errorf("the carrier of the second device: %v, %v", up, err)
			}
		}
	})
}
