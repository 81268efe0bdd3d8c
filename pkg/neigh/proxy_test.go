package neigh

import (
	"fmt"
	"strings"
	"testing"
)

// TestProxyARPIsAWarning: a link that answers ARP for other machines is a warning as long as it
// does, whether the instance is held or not, unless all addresses are IPv6.
func TestProxyARPIsAWarning(t *testing.T) {
	for _, key := range []string{"ipv4/conf/eth0/proxy_arp", "ipv4/conf/eth0/proxy_arp_pvlan", "ipv4/conf/all/proxy_arp"} {
		r := newRig(t, onLink())
		r.settings = map[string]string{key: "1"}
		r.pass(proxyEvery)
		expect(t, key, r.warned(), "proxy-arp eth0")
		if text := r.warnings.All()[0].Text; !strings.Contains(text, "sysctl -w net."+strings.ReplaceAll(key, "/", ".")+"=0") {
			t.Errorf("the warning does not say what to do: %s", text)
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

// TestProxySettingsAreReadOnceALink requires that the settings of a link are read once per check,
// however many instances are on it: a thousand instances once cost more than everything else in the
// daemon.
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
