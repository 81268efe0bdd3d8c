package wire

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"ripcord/pkg/event"
)

// TestVirtualMAC checks RFC 9568 §7.3: "IPv4 case: 00-00-5E-00-01-{VRID}", "IPv6 case:
// 00-00-5E-00-02-{VRID}".
func TestVirtualMAC(t *testing.T) {
	if got, want := VirtualMAC(event.IPv4, 10), virtual4; got != want {
		t.Errorf("IPv4: %x, want %x", got, want)
	}
	if got, want := VirtualMAC(event.IPv6, 10), virtual6; got != want {
		t.Errorf("IPv6: %x, want %x", got, want)
	}
	near := [6]byte{0, 0x1b, 0x5e, 0, 1, 10} // of an ordinary NIC
	for mac, want := range map[[6]byte]bool{virtual4: true, virtual6: true, near: false, {0, 0, 0x5e, 0, 3, 10}: false} {
		if IsVirtualMAC(mac) != want {
			t.Errorf("%x is one of a virtual router: %v", mac, !want)
		}
	}
}

// TestHeaders compares whole headers; the checksum of IPv4's was computed independently of this
// code. RFC 9568 §5.1.1.3: "The TTL MUST be set to 255"; §7.2: the source MAC is the virtual
// router's.
func TestHeaders(t *testing.T) {
	for _, tt := range []struct {
		name   string
		mac    [6]byte
		source netip.Addr
		group  netip.Addr
		length int
		hex    string
	}{
		{"IPv4", virtual4, host4, Group4, 12, "01005e00001200005e00010a0800" +
			"45c00020" + "00004000" + "ff70d893" + "c0000207" + "e0000012"},
		{"IPv6", virtual6, host6, Group6, 40, "33330000001200005e00020a86dd" +
			"6c000000" + "002870ff" + "fe800000000000000000000000000007" + "ff020000000000000000000000000012"},
		{"another group over IPv4", virtual4, host4, netip.MustParseAddr("239.129.2.99"), 12, "01005e01026300005e00010a0800" +
			"45c00020" + "00004000" + "ff70c6c1" + "c0000207" + "ef810263"},
		{"another group over IPv6", virtual6, host6, netip.MustParseAddr("ff05::1:99"), 40, "33330001009900005e00020a86dd" +
			"6c000000" + "002870ff" + "fe800000000000000000000000000007" + "ff050000000000000000000000010099"},
	} {
		got := AppendHeaders([]byte{1}, tt.mac, tt.source, tt.group, tt.length)
		if h := hex.EncodeToString(got[1:]); h != tt.hex || got[0] != 1 {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, h, tt.hex)
		}
	}
}
