package keepalived

import (
	"fmt"
	"strings"
	"testing"
)

// The words that keepalived 2.4.3 knows in a line of an address, a route or a rule, with a value
// where they have one.
const (
	wordsOfAddresses = "autojoin, brd +, broadcast -, dev eth1, home, label eth0:1, mngtmpaddr, no_track, noprefixroute, -nodad, peer 192.0.2.2, preferred_lft 0, scope link, use_vmac"
	wordsOfRoutes    = "advmss 1400, as to 192.0.2.5, congctl reno, congctl lock reno, cwnd 10, dev eth0, encap ip id 1, expires 10, fastopen_no_cookie 1, features ecn, from 2001:db8::/32, hoplimit 64, initcwnd 10, initrwnd 10, " +
		"metric 5, mtu 1400, mtu lock 1400, nexthop via 192.0.2.9, no_track, oif eth0, onlink, pref high, preference 5, priority 5, protocol static, quickack 1, realms 1, reordering 3, " +
		"rto_min 10, rtt 10, rttvar 10, scope link, src 192.0.2.11, ssthresh 10, table 100, tos 16, ttl-propagate enabled, via 192.0.2.9, gw 192.0.2.9, or 192.0.2.10, nexthop via 192.0.2.9 weight 1"
	wordsOfRules = "dev eth0, dport 80, dsfield 16, from 10.0.0.0/8, fwmark 1, goto 9, iif eth0, ipproto tcp, l3mdev, lookup 100, no_track, nop, not, oif eth1, order 5, preference 5, priority 5, protocol static, realms 1, " +
		"sport 80, suppress_ifgroup 1, sup_group 1, suppress_prefixlength 0, sup_pl 0, table 100, to 10.0.0.0/8, tos 16, tunnel-id 5, type blackhole, uidrange 0-9"
)

// TestKnowsAllWords checks that no note treats one of these words as misspelt.
func TestKnowsAllWords(t *testing.T) {
	for _, c := range []struct{ block, line, words string }{
		{"virtual_ipaddress", "192.0.2.1/24 %s", wordsOfAddresses},
		{"virtual_routes", "10.1.0.0/16 %s", wordsOfRoutes},
		{"virtual_rules", "from 10.2.0.0/16 %s table 100", wordsOfRules},
	} {
		for word := range strings.SplitSeq(c.words, ", ") {
			text := fmt.Sprintf("vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\n%s {\n"+c.line+"\n}\n}\n", c.block, word)
			for _, n := range Translate("x.conf", []byte(text), Options{System: testSystem{}}).Notes {
				if n.Line == 5 && (strings.Contains(n.Message, "is not an option") || strings.Contains(n.Message, "a keyword of a")) {
					t.Errorf("%s %s: %s", c.block, word, n.Message)
				}
			}
		}
	}
}
