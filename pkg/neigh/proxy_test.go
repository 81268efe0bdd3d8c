package neigh

import (
	"strings"
	"testing"
)

// A link that answers ARP for others is a warning until it does not, whether the
// instance is held or not; where all addresses are IPv6 it is none.
func TestProxyARPIsAWarning(t *testing.T) {
	for _, key := range []string{"ipv4/conf/eth0/proxy_arp", "ipv4/conf/eth0/proxy_arp_pvlan", "ipv4/conf/all/proxy_arp"} {
		r := newRig(t, onLink())
		r.settings = map[string]string{key: "1"}
		r.pass(proxyEvery)
		expect(t, key, r.warned(), "proxy-arp eth0")
		if text := r.warnings.All()[0].Text; !strings.Contains(text, "sysctl -w net."+strings.ReplaceAll(key, "/", ".")+"=0") {
			t.Errorf("it does not say what to do: %s", text)
		}
		r.settings[key] = "0"
		r.pass(proxyEvery)
		expect(t, key+" is 0", r.warned(), "")
	}
	r := newRig(t, Set{Instance: "a", Link: "eth0", Addresses: []Address{{Addr: vip6, Link: "eth0"}}})
	r.settings = map[string]string{"ipv4/conf/eth0/proxy_arp": "1"}
	r.pass(2 * proxyEvery)
	expect(t, "IPv6 alone", r.warned(), "")
}
