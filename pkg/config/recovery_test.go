package config

import (
	"testing"
	"time"

	"ripcord/pkg/vrrp"
)

// TestRecoveryOfTheLink checks that an instance recovers by the settings of its link, those of
// links.default, or the defaults.
func TestRecoveryOfTheLink(t *testing.T) {
	c, err := Parse("x.yaml", []byte(`
links: {eth0: {recovery: {adverts: 3}}, default: {recovery: {wait: 6s}}}
defaults: {priority: 100}
instances:
  - {name: a, interface: eth0, vrid: 1, addresses: [192.0.2.1/24]}
  - {name: b, interface: eth1, vrid: 1, addresses: [192.0.2.2/24]}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []vrrp.Recovery{{Adverts: 3, Wait: 6 * time.Second}, {Adverts: 2, Wait: 6 * time.Second}} {
		if got := c.Groups[i].Members[0].Recovery; got != want {
			t.Errorf("group %d: %+v, want %+v", i, got, want)
		}
		if got, want := c.Sets[i].Link, c.Groups[i].Members[0].Interface; got != want {
			t.Errorf("set %d: link %q, want %q", i, got, want)
		}
	}
}
