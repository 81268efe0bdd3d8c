package lab

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// dialect is a way in which ripcord speaks on a segment, and what tshark must
// find in its adverts beside what all have in common.
type dialect struct {
	name string
	shared
	interval time.Duration
	advert   decoded
	wrongSum bool // tshark takes the checksum for wrong
}

const virtualMAC = "virtual_mac: true"

// dialects has each mode of speaking once.
func dialects() []dialect {
	plain2, pass2, rfc := insideIPv4, insideIPv4, insideIPv4
	plain2.version = 2
	pass2.version, pass2.pass = 2, "secret12"
	rfc.keys = "checksum: rfc9568"
	single4, single6 := insideIPv4, insideIPv6
	single4.keys = "unicast: {peers: [192.0.2.12]}"
	single6.keys = `source: "2001:db8:51::11", unicast: {peers: ["2001:db8:51::12"]}`
	signed4, signed6 := insideIPv4, insideIPv6
	signed4.keys = `auth: {hmac: {keys: {1: {hex: "` + strings.Repeat("0f", 32) + `"}}}}`
	signed6.keys = signed4.keys
	virtual4, virtual6 := insideIPv4, insideIPv6
	virtual4.keys, virtual6.keys = virtualMAC, virtualMAC
	version2 := decoded{"vrrp.version": "2", "vrrp.adver_int": "1", "vrrp.auth_type": "0"}
	version3 := decoded{"vrrp.version": "3", "vrrp.short_adver_int": "20", "vrrp.reserved_mbz": "0"}
	group4 := decoded{"eth.dst": "01:00:5e:00:00:12", "ip.dst": "224.0.0.18"}
	group6 := decoded{"eth.dst": "33:33:00:00:00:12", "ipv6.dst": "ff02::12"}
	const b = "02:00:00:00:02:01" // of the second host, as pkg/lan gives them out
	const fifth = 200 * time.Millisecond
	return []dialect{
		{"v3 IPv4", insideIPv4, fifth, merged(version3, group4), false},
		{"v3 IPv6", insideIPv6, fifth, merged(version3, group6), false},
		{"v3 IPv4, rfc9568", rfc, fifth, merged(version3, group4), true},
		{"v3 IPv4, unicast", single4, fifth, merged(version3, decoded{"eth.dst": b, "ip.dst": "192.0.2.12"}), false},
		{"v3 IPv6, unicast", single6, fifth, merged(version3, decoded{"eth.dst": b, "ipv6.src": "2001:db8:51::11", "ipv6.dst": "2001:db8:51::12"}), false},
		{"v3 IPv4, virtual MAC", virtual4, fifth, merged(version3, group4), false},
		{"v3 IPv6, virtual MAC", virtual6, fifth, merged(version3, group6), false},
		{"v3 IPv4, HMAC", signed4, fifth, merged(version3, group4), true},
		{"v3 IPv6, HMAC", signed6, fifth, merged(version3, group6), false},
		{"v2", plain2, time.Second, merged(version2, group4), false},
		{"v2, password", pass2, time.Second, merged(version2, group4, decoded{"vrrp.auth_type": "1", "vrrp.auth_string": "secret12"}), false},
	}
}

// TestTsharkDecodes decodes the frames that ripcord sends in each mode with Wireshark: adverts,
// resignations, gratuitous ARP and unsolicited neighbor advertisements are well formed, with valid
// checksums, and with the headers that RFC 9568 §5.1, RFC 3768 §5.2, RFC 5227 and RFC 4861 §4.4
// require. Wireshark reports only two kinds of checksums as wrong: that of VRRPv3 over IPv4 without
// a pseudo-header, as in RFC 9568 §5.2.8, and that of an advert over IPv4 with the trailer of
// auth.hmac, which Wireshark does not know and the checksum does not cover (over IPv6 the kernel's
// does).
func TestTsharkDecodes(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	said := make([][]kind, len(dialects()))
	heard := make([][]lan.Frame, len(dialects()))
	t.Run("said", func(t *testing.T) {
		for i, d := range dialects() {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				s := newSharedSite(t, []shared{d.shared}, "a", "b")
				heard[i] = s.spoken(d)
				said[i] = s.kinds(d)
			})
		}
	})
	// One tshark for many modes, since it takes seconds to start; another for the
	// virtual MAC, at which the same address would be a duplicate.
	for _, virtual := range []bool{false, true} {
		var all []lan.Frame
		for i, d := range dialects() {
			if (d.keys == virtualMAC) == virtual {
				all = append(all, heard[i]...)
			}
		}
		frames := decode(t, all)
		for i, d := range dialects() {
			if (d.keys == virtualMAC) == virtual {
				t.Run(d.name, func(t *testing.T) { judge(t, d, said[i], frames[:len(heard[i])]) })
				frames = frames[len(heard[i]):]
			}
		}
	}
}

// spoken runs ripcord from its start to its end, and gives what was heard.
func (s *site) spoken(d dialect) []lan.Frame {
	s.t.Helper()
	recorder := s.record()
	began := time.Now()
	a := s.startShared("a", 150, d.interval, d.shared)
	a.becomes("active", began, 4*d.interval+5*time.Second)
	time.Sleep(5*d.interval + d.interval/2)
	a.signal(syscall.SIGTERM)
	<-a.Exited
	recorder.Close()
	return recorder.Frames()
}

// kind is the frames that have these values in common: how many there are at
// least, and what all of them must have.
type kind struct {
	name  string
	pick  decoded
	least int
	want  decoded
}

// kinds lists the messages that a sends in a dialect.
func (s *site) kinds(d dialect) []kind {
	s.t.Helper()
	mac := s.Cable("a", inside.ifname).MAC().String()
	if d.keys == virtualMAC { // RFC 9568 §7.3
		mac = "00:00:5e:00:01:33"
		if d.asked().Is6() {
			mac = "00:00:5e:00:02:33"
		}
	}
	linkLocal, err := s.Cable("a", inside.ifname).LinkLocal()
	if err != nil {
		s.t.Fatal(err)
	}
	header := decoded{"ip.src": "192.0.2.11", "ip.ttl": "255", "ip.dsfield.dscp": "48", "vrrp.ip_addr": "192.0.2.1"}
	if d.asked().Is6() {
		header = decoded{"ipv6.src": linkLocal.String(), "ipv6.hlim": "255", "ipv6.tclass.dscp": "48", "vrrp.ipv6_addr": "fe80::51:1|2001:db8:51::1"}
	}
	sum := "1"
	if d.wrongSum {
		sum = "0"
	}
	advert := merged(header, d.advert, decoded{
		"eth.src": mac, "vrrp.virt_rtr_id": "51", "vrrp.addr_count": strconv.Itoa(len(d.virtual)), "vrrp.checksum.status": sum,
	})
	list := []kind{
		{"adverts", decoded{"vrrp.type": "1", "vrrp.prio": "150"}, 5, advert},
		{"resignations", decoded{"vrrp.type": "1", "vrrp.prio": "0"}, 1, advert},
	}
	for _, v := range d.virtual {
		list = append(list, announcements(netip.MustParsePrefix(v).Addr().String(), mac))
	}
	return list
}

// announcements are the gratuitous ARPs of an address, or its unsolicited
// neighbor advertisements.
func announcements(address, mac string) kind {
	if netip.MustParseAddr(address).Is4() {
		return kind{"gratuitous ARPs", decoded{"arp.isgratuitous": "1", "arp.src.proto_ipv4": address}, 5, decoded{
			"eth.src": mac, "eth.dst": "ff:ff:ff:ff:ff:ff", "arp.dst.proto_ipv4": address, "arp.src.hw_mac": mac,
		}}
	}
	return kind{"neighbor advertisements", decoded{"icmpv6.type": "136", "icmpv6.nd.na.target_address": address}, 5, decoded{
		"eth.src": mac, "eth.dst": "33:33:00:00:00:01", "ipv6.dst": "ff02::1", "ipv6.hlim": "255", "icmpv6.checksum.status": "1", "icmpv6.code": "0",
		"icmpv6.nd.na.flag.r": "1", "icmpv6.nd.na.flag.s": "0", "icmpv6.nd.na.flag.o": "1", "icmpv6.opt.linkaddr": mac,
	}}
}

// judge looks at the frames of a dialect: there are enough of each kind, all of a
// kind are as they must be, no advert is of no kind, and tshark complains of none.
func judge(t *testing.T, d dialect, kinds []kind, frames []decoded) {
	t.Helper()
	found := make(map[string]int)
	for _, f := range frames {
		if f.isICMPError() {
			continue
		}
		i := slices.IndexFunc(kinds, func(k kind) bool { return len(f.differing(k.pick)) == 0 })
		if i < 0 {
			if f["vrrp.type"] != "" {
				t.Errorf("tshark finds an advert of no kind: %v", f)
			}
			continue
		}
		k := kinds[i]
		found[k.name]++
		for _, field := range f.differing(k.want) {
			t.Errorf("tshark finds %s with %s = %s, want %s", k.name, field, f[field], k.want[field])
		}
		if c := f.complaint(); c != "" && !(d.wrongSum && strings.HasPrefix(c, "Bad checksum")) {
			t.Errorf("tshark complains of %s: %s", k.name, c)
		}
	}
	t.Logf("tshark finds %v in %d frames", found, len(frames))
	for _, k := range kinds {
		if n := found[k.name]; n < k.least {
			t.Errorf("tshark finds %d %s, want at least %d", n, k.name, k.least)
		}
	}
}
