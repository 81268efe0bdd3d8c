package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

var (
	virtual4 = [6]byte{0, 0, 0x5e, 0, 1, 10}
	virtual6 = [6]byte{0, 0, 0x5e, 0, 2, 10}
	host     = [6]byte{2, 0, 0, 0, 0, 7}
	vip4     = netip.MustParseAddr("192.0.2.1")
	vip6     = netip.MustParseAddr("2001:db8::1")
	host4    = netip.MustParseAddr("192.0.2.7")
	host6    = netip.MustParseAddr("fe80::7")
)

// TestFrames compares whole frames; the checksums of ND were computed independently of this code.
func TestFrames(t *testing.T) {
	for _, tt := range []struct {
		name   string
		append func(b []byte) []byte
		hex    string
	}{
		{"gratuitous ARP (RFC 9568 errata 7947, 7949)",
			func(b []byte) []byte { return AppendGARP(b, virtual4, vip4) },
			"ffffffffffff00005e00010a0806" + "0001080006040001" +
				"00005e00010ac0000201" + "00005e00010ac0000201"},
		{"unsolicited NA, R=1 S=0 O=1",
			func(b []byte) []byte { return AppendNA(b, virtual6, vip6) },
			"33330000000100005e00020a86dd" + "6000000000203aff" +
				"20010db8000000000000000000000001" + "ff020000000000000000000000000001" +
				"88001b21a0000000" + "20010db8000000000000000000000001" + "020100005e00020a"},
		{"ARP request",
			func(b []byte) []byte { return AppendARPRequest(b, host, host4, vip4) },
			"ffffffffffff0200000000070806" + "0001080006040001" +
				"020000000007c0000207" + "000000000000c0000201"},
		{"NS",
			func(b []byte) []byte { return AppendNS(b, host, host6, vip6) },
			"3333ff00000102000000000786dd" + "6000000000203aff" +
				"fe800000000000000000000000000007" + "ff0200000000000000000001ff000001" +
				"87004b5500000000" + "20010db8000000000000000000000001" + "0101020000000007"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := unhex(t, tt.hex)
			if got := tt.append(nil); !bytes.Equal(got, want) {
				t.Errorf("\n%x, want\n%x", got, want)
			}
			if got := tt.append([]byte{9}); !bytes.Equal(got[1:], want) || got[0] != 9 {
				t.Errorf("after another byte:\n%x, want\n%x", got, want)
			}
			b := make([]byte, 0, 128)
			if n := testing.AllocsPerRun(100, func() { tt.append(b) }); n != 0 {
				t.Errorf("allocates %v times", n)
			}
		})
	}
}

func arpReplyFrame() []byte {
	b := appendEthernet(nil, host, virtual4, etherTypeARP)
	return appendARP(b, arpReply, virtual4, vip4, host, host4)
}

func TestParseARPReply(t *testing.T) {
	if mac, ip, ok := ParseARPReply(arpReplyFrame()); !ok || mac != virtual4 || ip != vip4 {
		t.Errorf("%x, %v, %v", mac, ip, ok)
	}
	if _, _, ok := ParseARPReply(append(arpReplyFrame(), make([]byte, 18)...)); !ok {
		t.Error("padding is part of no ARP")
	}
	set := func(i int, v byte) []byte { b := arpReplyFrame(); b[i] = v; return b }
	for name, b := range map[string][]byte{
		"empty": nil, "cut off": arpReplyFrame()[:41],
		"IPv4": set(13, 0), "hardware type 6": set(15, 6), "protocol type": set(16, 9),
		"hlen": set(18, 8), "plen": set(19, 16), "operation 3": set(21, 3), "operation 0x0102": set(20, 1),
		"multicast sender": set(22, 1), "gratuitous": AppendGARP(nil, virtual4, vip4),
		"request": AppendARPRequest(nil, host, host4, vip4), "NA": AppendNA(nil, virtual6, vip6),
	} {
		if _, _, ok := ParseARPReply(b); ok {
			t.Errorf("%s: taken for an answer", name)
		}
	}
	none := arpReplyFrame()
	clear(none[22:28])
	if _, _, ok := ParseARPReply(none); ok {
		t.Error("no MAC: taken for an answer")
	}
}

// TestParseARP checks that the sender of every ARP packet is returned; the sender of a probe has
// no address yet.
func TestParseARP(t *testing.T) {
	for _, tt := range []struct {
		name  string
		b     []byte
		mac   [6]byte
		ip    netip.Addr
		reply bool
	}{
		{"reply", arpReplyFrame(), virtual4, vip4, true},
		{"request", AppendARPRequest(nil, host, host4, vip4), host, host4, false},
		{"gratuitous", AppendGARP(nil, virtual4, vip4), virtual4, vip4, false},
		{"probe", AppendARPRequest(nil, host, netip.IPv4Unspecified(), vip4), host, netip.IPv4Unspecified(), false},
	} {
		if mac, ip, reply, ok := ParseARP(tt.b); !ok || mac != tt.mac || ip != tt.ip || reply != tt.reply {
			t.Errorf("%s: %x, %v, %t, %t", tt.name, mac, ip, reply, ok)
		}
	}
	set := func(i int, v byte) []byte { b := arpReplyFrame(); b[i] = v; return b }
	for name, b := range map[string][]byte{
		"empty": nil, "cut off": arpReplyFrame()[:41], "IPv6": set(13, 0xdd), "hardware type": set(15, 6),
		"operation 3": set(21, 3), "operation 0": set(21, 0), "multicast sender": set(22, 1),
	} {
		if _, _, _, ok := ParseARP(b); ok {
			t.Errorf("%s: taken for ARP", name)
		}
	}
}

func TestParseNDMessage(t *testing.T) {
	solicitation := AppendNS(nil, host, host6, vip6)[ethernetLen+ipv6Len:]
	answered := answer()[ethernetLen+ipv6Len:]
	if ip, advert, ok := ParseNDMessage(solicitation, host6, HopLimit); !ok || advert || ip != host6 {
		t.Errorf("solicitation: %v, %t, %t", ip, advert, ok)
	}
	// Without options too: who has asked one station alone needs no MAC.
	if ip, advert, ok := ParseNDMessage(answered[:ndLen], host6, HopLimit); !ok || !advert || ip != vip6 {
		t.Errorf("advertisement: %v, %t, %t", ip, advert, ok)
	}
	set := func(i int, v byte) []byte { b := bytes.Clone(answered); b[i] = v; return b }
	for name, b := range map[string][]byte{
		"empty": nil, "cut off": answered[:ndLen-1], "type 134": set(0, 134), "code 1": set(1, 1), "multicast target": set(8, 0xff),
	} {
		if _, _, ok := ParseNDMessage(b, host6, HopLimit); ok {
			t.Errorf("%s: taken for neighbor discovery", name)
		}
	}
	if _, _, ok := ParseNDMessage(answered, host6, 254); ok {
		t.Error("from another segment: accepted")
	}
}

// answer returns the NA with which the router answers a host's solicitation.
func answer() []byte {
	return nd{
		kind: neighborAdvert, flags: flagRouter | flagSolicited | flagOverride,
		source: vip6, dest: host6, target: vip6, option: targetLinkLayer, mac: virtual6,
	}.append(nil)
}

// resealND corrects the checksum of the frame, and the length in its IPv6 header.
func resealND(b []byte) []byte {
	message := b[ethernetLen+ipv6Len:]
	binary.BigEndian.PutUint16(b[ethernetLen+4:], uint16(len(message)))
	message[2], message[3] = 0, 0
	source, dest := netip.AddrFrom16([16]byte(b[22:38])), netip.AddrFrom16([16]byte(b[38:54]))
	total := sum(message) + pseudoHeader(source, dest, len(message), icmpv6)
	binary.BigEndian.PutUint16(message[2:], ^fold(total))
	return b
}

func TestParseNA(t *testing.T) {
	if mac, ip, solicited, ok := ParseNA(answer()); !ok || !solicited || mac != virtual6 || ip != vip6 {
		t.Errorf("answer: %x, %v, %v, %v", mac, ip, solicited, ok)
	}
	if mac, ip, solicited, ok := ParseNA(AppendNA(nil, virtual6, vip6)); !ok || solicited || mac != virtual6 || ip != vip6 {
		t.Errorf("unsolicited: %x, %v, %v, %v", mac, ip, solicited, ok)
	}
	set := func(i int, v byte) []byte { b := answer(); b[i] = v; return resealND(b) }
	unknown := append(answer()[:78], 14, 1, 0, 0, 0, 0, 0, 0)
	unknown = resealND(append(unknown, answer()[78:]...))
	for _, tt := range []struct {
		name string
		b    []byte
		ok   bool
	}{
		{"another option before", unknown, true},
		{"something behind", append(answer(), 0, 0), true},
		{"empty", nil, false},
		{"cut off", answer()[:85], false},
		{"header only", answer()[:54], false},
		{"ARP", set(13, 6), false},
		{"version 4", set(14, 0x40), false},
		{"next header 17", set(20, 17), false},
		{"hop limit 254", set(21, 254), false},
		{"type 135", set(54, 135), false},
		{"code 1", set(55, 1), false},
		{"target multicast", set(62, 0xff), false},
		{"no option", resealND(answer()[:78]), false},
		{"option of length 0", set(79, 0), false},
		{"option longer than the message", set(79, 2), false},
		{"half an option", resealND(answer()[:82]), false},
		{"source option", set(78, 1), false},
		{"MAC multicast", set(80, 1), false},
		{"solicited to all", resealND(append(append(answer()[:38], AppendNA(nil, virtual6, vip6)[38:54]...), answer()[54:]...)), false},
		{"NS", AppendNS(nil, host, host6, vip6), false},
		{"GARP", AppendGARP(nil, virtual4, vip4), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, _, ok := ParseNA(tt.b); ok != tt.ok {
				t.Errorf("ok = %v", ok)
			}
		})
	}
	wrong := answer()
	wrong[56]++
	if _, _, _, ok := ParseNA(wrong); ok {
		t.Error("wrong checksum: accepted")
	}
}

func TestSolicitedNode(t *testing.T) {
	got := SolicitedNode(netip.MustParseAddr("2001:db8::aa:bbcc:ddee"))
	if want := netip.MustParseAddr("ff02::1:ffcc:ddee"); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestHostileFramesProperty checks that no input crashes the parsers, and that a changed frame of
// ours is not parsed as another address unless the checksum is right.
func TestHostileFramesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SampledFrom([][]byte{answer(), arpReplyFrame(), AppendNA(nil, virtual6, vip6)}).Draw(t, "frame")
		b = bytes.Clone(b)
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
		if mac, ip, ok := ParseARPReply(b); ok && (!ip.Is4() || !unicast(mac)) {
			t.Fatalf("ARP: %x, %v", mac, ip)
		}
		if mac, ip, _, ok := ParseNA(b); ok && (!ip.Is6() || !unicast(mac)) {
			t.Fatalf("NA: %x, %v", mac, ip)
		}
	})
}
