package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/test/netns"
)

// TestNameOfTheVirtualMAC checks that the macvlan has its configured name, the address its
// broadcast address, and the routes their type and scope. A killed daemon leaves all of this; the
// next one, with another name in its configuration, removes the macvlan of the first and creates
// its own.
func TestNameOfTheVirtualMAC(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	start := func(name, routes string) *daemon {
		return s.startYAML("a", fmt.Sprintf(`log: {level: debug}
control: {socket: %s}
instances:
  - name: inside
    interface: eth0
    vrid: 51
    priority: 150
    interval: 100ms
    virtual_mac: %s
    addresses: [{address: 192.0.2.1/24, broadcast: 192.0.2.255}]
    routes: %s
`, s.socket("a"), name, routes))
	}
	has := func(what string, args ...string) {
		t.Helper()
		for deadline := time.Now().Add(patience); !strings.Contains(s.ip("a", args...), what); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("ip %s has no %q:\n%s", strings.Join(args, " "), what, s.ip("a", args...))
			}
		}
	}
	began := time.Now()
	a := start("shared0", "[{to: 10.1.0.0/16, type: blackhole}, {to: 10.2.0.0/16, scope: global}, {to: 'fd00::/48', type: prohibit}]")
	a.becomes("active", began, patience)
	s.awaitLink("a", "shared0", true, true)
	has(" brd 192.0.2.255 ", "address", "show", "shared0")
	has("blackhole 10.1.0.0/16 proto 112", "route")
	has("10.2.0.0/16 dev eth0 proto 112 \n", "route")
	has("prohibit fd00::/48 ", "-6", "route")
	a.kill()
	began = time.Now()
	b := start("true", "[]")
	b.becomes("active", began, patience)
	s.awaitLink("a", "vrrp.51", true, true)
	s.awaitLink("a", "shared0", false, false)
	has(" brd 192.0.2.255 ", "address", "show", "vrrp.51")
	for _, family := range []string{"-4", "-6"} {
		if text := s.ip("a", family, "route", "show", "proto", "112"); text != "" {
			t.Errorf("routes of the first are left:\n%s", text)
		}
	}
}
