package firewall

import (
	"os/exec"
	"strings"
	"testing"

	"ripcord/test/netns"
)

// advert is an IPv4 advert with the VRID 51 as rules see it; only the first 24 bits of its source
// are known: 192.0.2.
func advert(in, out string) *Packet {
	header := Certain([]byte{
		0x45, 0xc0, 0, 32, 0, 0, 0x40, 0, 255, 112, 0, 0, 192, 0, 2, 0, 224, 0, 0, 18,
	})
	header.Mask[15] = 0
	return &Packet{
		Protocol: 112, Incoming: in, Outgoing: out, Index: 7, Group: true,
		Network: header, Payload: Certain([]byte{0x31, 51, 100, 1, 0, 100, 0, 0, 192, 0, 2, 1}),
	}
}

// TestKernelRuleset makes nft load rules, and compares the result for an incoming and an outgoing
// advert with what the kernel would certainly do.
func TestKernelRuleset(t *testing.T) {
	netns.Need(t)
	nft, err := exec.LookPath("nft")
	if err != nil {
		t.Skip("needs nft: ", err)
	}
	near, _ := netns.Cable(t)
	load := func(ruleset string) {
		t.Helper()
		command := exec.Command(nft, "-f", "-")
		command.Stdin = strings.NewReader("flush ruleset\n" + strings.NewReplacer("DEV", near, "} }", "}\n}\n", "}; chain", "}\nchain").Replace(ruleset))
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	t.Cleanup(func() { load("") })
	const in, out = "table inet t { chain c { type filter hook input priority 0;", "table inet t { chain c { type filter hook output priority 0;"
	for _, c := range []struct {
		name, ruleset string
		in, out       string // where it is dropped; empty: it is not
	}{
		{"no rule", "", "", ""},
		{"by protocol", in + " meta l4proto 112 drop; } }", "rule with handle 2 of chain inet t c", ""},
		{"by header", in + " ip protocol 112 counter log drop; } }", "rule with handle 2", ""},
		{"of another protocol", in + " ip protocol { 1, 6 } drop; } }", "", ""},
		{"by a set", in + " ip protocol { 1, 112 } drop; } }", "rule", ""},
		{"by the rest of a set", in + " ip protocol != { 1, 6 } drop; } }", "rule", ""},
		{"by an interval", in + " ip protocol 100-120 drop; } }", "rule", ""},
		{"by a set of intervals", in + " ip protocol { 1-6, 100-120 } drop; } }", "rule", ""},
		{"between intervals", in + " ip protocol { 1-6, 113-120 } drop; } }", "", ""},
		{"by its destination", in + " ip daddr 224.0.0.0/4 drop; } }", "rule", ""},
		{"by its kind", in + " meta pkttype multicast drop; } }", "rule", ""},
		{"by its link", in + " iifname \"DEV\" ip ttl 255 drop; } }", "rule", ""},
		{"by a wildcard", in + " iifname \"near*\" drop; } }", "rule", ""},
		{"of another link", in + " iifname \"wan0\" drop; } }", "", ""},
		{"by the subnet", in + " ip saddr 192.0.2.0/24 drop; } }", "rule", ""},
		{"by a smaller subnet", in + " ip saddr 192.0.2.0/26 drop; } }", "", ""},
		{"of another subnet", in + " ip saddr 198.51.100.0/24 drop; } }", "", ""},
		{"by an address that may be its own", in + " ip saddr 192.0.2.12 drop; } }", "", ""},
		{"all but one subnet", in + " ip saddr != 10.0.0.0/8 drop; } }", "rule", ""},
		{"by its VRID", in + " ip protocol 112 @th,8,8 51 drop; } }", "rule", ""},
		{"of another VRID", in + " ip protocol 112 @th,8,8 52 drop; } }", "", ""},
		{"by a rate", in + " meta l4proto 112 limit rate over 1/second drop; } }", "", ""},
		{"beyond a rate", in + " meta l4proto 112 limit rate 1/second accept; meta l4proto 112 drop; } }", "", ""},
		{"by policy", in + " policy drop; ct state established,related accept; iifname lo accept; tcp dport 22 accept; } }", "the policy of chain inet t c", ""},
		{"admitted", in + " policy drop; ct state established accept; meta l4proto 112 accept; } }", "", ""},
		{"admitted if it is new", in + " policy drop; ct state new accept; } }", "", ""},
		{"admitted where nothing is tracked", "table ip raw { chain pre { type filter hook prerouting priority -300; notrack; } }\n" + in + " policy drop; ct state untracked accept; } }", "", ""},
		{"by a chain", "table inet t { chain lan { meta l4proto 112 drop; }; chain c { type filter hook input priority 0; iifname \"DEV\" jump lan; } }", "rule", ""},
		{"returned", "table inet t { chain lan { meta l4proto 112 return; drop; }; chain c { type filter hook input priority 0; jump lan; } }", "", ""},
		{"gone to", "table inet t { chain lan { tcp dport 22 accept; }; chain c { type filter hook input priority 0; policy drop; goto lan; accept; } }", "the policy", ""},
		{"by a map", in + " ip protocol vmap { 6 : accept, 112 : drop }; } }", "rule", ""},
		{"by a map of links", "table inet t { chain lan { meta l4proto 112 drop; }; chain c { type filter hook input priority 0; iifname vmap { \"lo\" : accept, \"DEV\" : jump lan }; } }", "rule", ""},
		{"by a named set", "table inet t { set s { type inet_proto; elements = { 112 } }; chain c { type filter hook input priority 0; ip protocol @s drop; } }", "rule", ""},
		{"by two fields", in + " ip protocol . ip daddr { 112 . 224.0.0.18 } drop; } }", "rule", ""},
		{"rejected", in + " meta l4proto 112 reject; } }", "rule", ""},
		{"the other family", "table ip6 t { chain c { type filter hook input priority 0; meta l4proto 112 drop; } }", "", ""},
		{"forwarded", "table inet t { chain c { type filter hook forward priority 0; policy drop; } }", "", ""},
		{"ahead of all", "table inet t { chain c { type filter hook prerouting priority -300; meta l4proto 112 drop; } }", "rule", ""},
		{"at the link", "table netdev t { chain c { type filter hook ingress device \"DEV\" priority 0; ip protocol 112 drop; } }", "rule with handle 2 of chain netdev t c", ""},
		{"at another link", "table netdev t { chain c { type filter hook ingress device \"lo\" priority 0; ip protocol 112 drop; } }", "", ""},
		{"what leaves", out + " meta l4proto 112 drop; } }", "", "rule"},
		{"what leaves, by link", out + " oifname \"DEV\" ip daddr 224.0.0.18 drop; } }", "", "rule"},
		{"accepted by one chain, dropped by the next", "table inet t { chain a { type filter hook input priority -5; accept; }; chain b { type filter hook input priority 5; ip protocol 112 drop; } }", "rule with handle 4 of chain inet t b", ""},
		{"by the time of day", in + " meta hour \"00:00\"-\"23:59\" drop; } }", "", ""},
		{"by where it is routed to", in + " fib saddr . iif oif missing drop; } }", "", ""},
	} {
		load(c.ruleset)
		rules, err := ReadRuleset()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, x := range []struct {
			packet *Packet
			want   string
		}{{advert(near, ""), c.in}, {advert("", near), c.out}} {
			if got := rules.Drops(x.packet, false); !strings.HasPrefix(got, x.want) || x.want == "" && got != "" {
				t.Errorf("%s: dropped by %q, want %q", c.name, got, x.want)
			}
		}
		if got := rules.Drops(advert("", near), true); got != "" {
			t.Errorf("%s: a frame is dropped by %q", c.name, got)
		}
	}
}

// TestMaybe requires that unknown parts of a packet neither drop nor admit it for certain.
func TestMaybe(t *testing.T) {
	known := Known{[]byte{0xf0, 0}, []byte{0xf0, 0xff}}
	for want, value := range map[answer][]byte{no: {0x10, 0}, maybe: {0xf3, 0}} {
		if got := known.equals(value); got != want {
			t.Errorf("%v equals %v: %v, want %v", known, value, got, want)
		}
	}
	var r registers
	r.load(1, 2, known)
	r.mask(Part{From: 1, To: 2, Mask: []byte{0xf0, 0xff}, Value: []byte{0, 1}})
	if got := r.get(2, 2); !got.certain() || got.Bytes[0] != 0xf0 || got.Bytes[1] != 1 {
		t.Errorf("masked: %v", got)
	}
	if got := r.get(11, 4); got.certain() {
		t.Errorf("a value that was not loaded is known: %v", got)
	}
	r.load(99, 4, Certain([]byte{1, 2, 3, 4})) // there is no such register
	if at, most := offset(23); at != 60 || most != 4 {
		t.Errorf("the last register is at %d, of %d", at, most)
	}
}
