package neigh

import (
	"fmt"
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

// The settings of a link are read once a check, however many instances there are on it: a
// thousand instances once cost more than all else that the daemon did.
func TestProxySettingsAreReadOnceALink(t *testing.T) {
	readings := func(instances int) int {
		var sets []Set
		for n := range instances {
			set := onLink()
			set.Instance = fmt.Sprint(n)
			sets = append(sets, set)
		}
		r := newRig(t, sets...)
		r.settings = map[string]string{"ipv4/conf/eth0/proxy_arp": "0"}
		r.readings = 0
		r.pass(proxyEvery)
		return r.readings
	}
	if one, many := readings(1), readings(100); one == 0 || many != one {
		t.Errorf("%d readings with one instance, %d with 100 on the same link", one, many)
	}
}
