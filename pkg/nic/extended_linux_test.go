package nic

import (
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/test/netns"
)

// TestDecodeExtendedFromHandmadeAnswers decodes answers made by hand, as net/ethtool/linkstate.c
// composes them: no device on a test machine has an extended state.
func TestDecodeExtendedFromHandmadeAnswers(t *testing.T) {
	reply := func(add func(*netlink.AttributeEncoder)) []byte {
		return attributes(t, func(ae *netlink.AttributeEncoder) {
			ae.Nested(unix.ETHTOOL_A_LINKSTATE_HEADER, func(header *netlink.AttributeEncoder) error {
				header.Uint32(unix.ETHTOOL_A_HEADER_DEV_INDEX, 2)
				header.String(unix.ETHTOOL_A_HEADER_DEV_NAME, "eth0")
				return nil
			})
			ae.Uint8(unix.ETHTOOL_A_LINKSTATE_LINK, 0)
			add(ae)
		})
	}
	for name, c := range map[string]struct {
		data  []byte
		want  Extended
		known bool
		fails bool
	}{
		"up, or a driver without it": {data: reply(func(*netlink.AttributeEncoder) {})},
		"state 0 is one":             {data: reply(func(ae *netlink.AttributeEncoder) { ae.Uint8(unix.ETHTOOL_A_LINKSTATE_EXT_STATE, 0) }), known: true},
		"no cable":                   {data: reply(func(ae *netlink.AttributeEncoder) { ae.Uint8(unix.ETHTOOL_A_LINKSTATE_EXT_STATE, 4) }), want: Extended{4, 0}, known: true},
		"autoneg without a partner, and what is newer": {data: reply(func(ae *netlink.AttributeEncoder) {
			ae.Uint8(unix.ETHTOOL_A_LINKSTATE_EXT_STATE, 0)
			ae.Uint8(unix.ETHTOOL_A_LINKSTATE_EXT_SUBSTATE, 1)
			ae.Uint32(unix.ETHTOOL_A_LINKSTATE_EXT_DOWN_CNT, 7)
			ae.Uint32(99, 7)
		}), want: Extended{0, 1}, known: true},
		"of another size": {data: reply(func(ae *netlink.AttributeEncoder) { ae.Uint32(unix.ETHTOOL_A_LINKSTATE_EXT_STATE, 4) }), fails: true},
		"cut short":       {data: []byte{8, 0, 1}, fails: true},
	} {
		x, known, err := decodeExtended(c.data)
		if x != c.want || known != c.known || err != nil != c.fails {
			t.Errorf("%s: %+v, known %v, %v", name, x, known, err)
		}
	}
}

// TestDecodeExtendedFromHandmadeBytes decodes the bytes of ETHTOOL_MSG_LINKSTATE_GET_REPLY as a
// little-endian kernel sends them for a NIC without a cable, written down by hand.
func TestDecodeExtendedFromHandmadeBytes(t *testing.T) {
	if one := []byte{1, 0}; nativeEndian16(one) != 1 {
		t.Skip("the bytes are those of a little-endian machine")
	}
	b := []byte{
		0x18, 0x00, 0x01, 0x80, // LINKSTATE_HEADER, nested
		0x08, 0x00, 0x01, 0x00, 0x02, 0x00, 0x00, 0x00, // DEV_INDEX 2
		0x09, 0x00, 0x02, 0x00, 'e', 't', 'h', '0', 0, 0, 0, 0, // DEV_NAME
		0x05, 0x00, 0x02, 0x00, 0x00, 0, 0, 0, // LINK 0
		0x05, 0x00, 0x05, 0x00, 0x04, 0, 0, 0, // EXT_STATE no cable
	}
	if x, known, err := decodeExtended(b); x.String() != "no cable" || !known || err != nil {
		t.Errorf("%v, known %v, %v", x, known, err)
	}
}

func nativeEndian16(b []byte) uint16 {
	ad, err := netlink.NewAttributeDecoder(append([]byte{6, 0, 1, 0}, append(b, 0, 0)...))
	if err != nil || !ad.Next() {
		return 0
	}
	return ad.Uint16()
}

func TestDecodeFamilyFromHandmadeAnswers(t *testing.T) {
	id, err := decodeFamily(attributes(t, func(ae *netlink.AttributeEncoder) {
		ae.String(unix.CTRL_ATTR_FAMILY_NAME, "ethtool")
		ae.Uint16(unix.CTRL_ATTR_FAMILY_ID, 21)
	}))
	if id != 21 || err != nil {
		t.Errorf("%d, %v", id, err)
	}
	if id, err := decodeFamily(nil); err == nil {
		t.Errorf("an empty answer has the family %d", id)
	}
}

// TestKernelExtendedOfADriverWithout asks the real kernel about a tap, which has no extended state,
// and about a device that does not exist.
func TestKernelExtendedOfADriverWithout(t *testing.T) {
	netns.Need(t)
	tap, device := newTap(t, "tap8")
	c := NewClient()
	defer c.Close()
	for _, carrier := range []bool{true, false} {
		setCarrier(t, tap, carrier)
		began := time.Now()
		why, err := c.Reason(device)
		if err != nil || why != "" {
			t.Errorf("carrier %v: %q, %v", carrier, why, err)
		}
		t.Logf("answered in %v", time.Since(began))
	}
	if why, err := c.Reason(Device{Index: 12345}); err == nil {
		t.Errorf("a device that does not exist: %q", why)
	}
}
