package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPeersAreOthers checks that a peer that is this router itself is left out with a warning,
// unless it is the only one. If the file is only checked, the machine's addresses give advice
// alone.
func TestPeersAreOthers(t *testing.T) {
	here := Machine{
		"eth0": {netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("fe80::11")},
		"eth1": {netip.MustParseAddr("198.51.100.11"), netip.MustParseAddr("fe80::12")},
	}
	for _, c := range []struct{ name, keys, shared, want, left string }{
		{"another router", "unicast: {peers: [192.0.2.12]}", "192.0.2.1/24", "", "[192.0.2.12]"},
		{"ourselves only", "unicast: {peers: [192.0.2.11]}", "192.0.2.1/24", "192.0.2.11 is an address of this machine, and the instance has no other peer", "[192.0.2.11]"},
		{"ourselves among others", "unicast: {peers: [192.0.2.12, 198.51.100.11]}", "192.0.2.1/24", "198.51.100.11 is an address of this machine", "[192.0.2.12]"},
		{"ourselves over IPv6", "unicast: {peers: ['fe80::11']}", "'fe80::1/64'", "fe80::11 is an address of this machine", "[fe80::11]"},
		{"another's that we have elsewhere", "unicast: {peers: ['fe80::12']}", "'fe80::1/64'", "", "[fe80::12]"},
		{"a file for another machine", "source: 192.0.2.12, unicast: {peers: [192.0.2.11]}", "192.0.2.1/24", "", "[192.0.2.11]"},
		{"the source of another instance, which is not here", "unicast: {peers: [192.0.2.99]}", "192.0.2.1/24", "", "[192.0.2.99]"},
	} {
		file := filepath.Join(t.TempDir(), "ripcord.yaml")
		text := "instances:\n  - {name: a, interface: eth0, vrid: 1, priority: 100, addresses: [" + c.shared + "], " + c.keys + "}\n" +
			"  - {name: b, interface: eth0, vrid: 2, priority: 100, addresses: [192.0.2.2/24], source: 192.0.2.99}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := Load(file, Options{})
		if err != nil {
			t.Errorf("%s: a file that is only checked is refused: %v", c.name, err)
		} else if got := strings.Join(cfg.OwnPeers(here), ""); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: check says %q, want %q", c.name, got, c.want)
		}
		cfg, err = Load(file, Options{Here: here})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		warnings := ""
		for _, w := range cfg.Warnings {
			warnings += w.Message
		}
		if c.want != "" && !strings.Contains(warnings, c.want) {
			t.Errorf("%s: warnings %q, want %q", c.name, warnings, c.want)
		}
		if left := fmt.Sprint(cfg.Groups[0].Members[0].Unicast.Peers); left != c.left {
			t.Errorf("%s: peers %s, want %s", c.name, left, c.left)
		}
	}
}

// TestSourceOfAnother checks that a peer that is the source of another instance is a warning. If
// the source is not on the machine, the other instance is the one that cannot serve.
func TestSourceOfAnother(t *testing.T) {
	cfg, err := Parse("ripcord.yaml", []byte(`instances:
  - {name: a, interface: eth0, vrid: 1, priority: 100, addresses: [192.0.2.1/24], source: 192.0.2.11, unicast: {peers: [192.0.2.12]}}
  - {name: b, interface: eth0, vrid: 2, priority: 100, addresses: [192.0.2.2/24], source: 192.0.2.12}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0].Message, "192.0.2.12 is the source of instances[1], too") {
		t.Errorf("warnings %v", cfg.Warnings)
	}
	if peers := cfg.Groups[0].Members[0].Unicast.Peers; len(peers) != 1 {
		t.Errorf("peers %v, want the one of the file", peers)
	}
}
