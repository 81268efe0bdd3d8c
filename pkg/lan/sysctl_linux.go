package lan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// settings make namespaces equal on every machine. Some settings are inherited from the machine,
// and duplicate address detection would keep an address unusable for a second.
var settings = []struct{ key, value string }{
	{"net/ipv4/conf/*/rp_filter", "0"},
	{"net/ipv4/conf/*/arp_ignore", "0"},
	{"net/ipv4/conf/*/arp_announce", "0"},
	{"net/ipv4/conf/*/arp_filter", "0"},
	{"net/ipv4/conf/*/arp_notify", "0"},
	{"net/ipv4/conf/*/promote_secondaries", "0"},
	{"net/ipv6/conf/*/accept_dad", "0"},
	{"net/ipv6/conf/*/dad_transmits", "0"},
	{"net/ipv6/conf/*/router_solicitations", "0"},
	{"net/ipv6/conf/*/addr_gen_mode", "0"},
	{"net/ipv6/conf/*/disable_ipv6", "0"},
}

// defaults writes the settings of the calling thread's namespace.
func defaults() error {
	for _, s := range settings {
		for _, scope := range []string{"all", "default"} {
			err := writeSysctl(strings.Replace(s.key, "*", scope, 1), s.value)
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
				return err
			}
		}
	}
	return nil
}

// switchSettings are the settings of a namespace whose bridges act as plain switches: no bridge has
// a link-local address, from which it would send packets of its own, and the kernel does not pass
// what they forward through its firewall, as it does by default where br_netfilter is loaded.
var switchSettings = []struct{ key, value string }{
	{"net.ipv6.conf.all.disable_ipv6", "1"},
	{"net.ipv6.conf.default.disable_ipv6", "1"},
	{"net.bridge.bridge-nf-call-iptables", "0"},
	{"net.bridge.bridge-nf-call-ip6tables", "0"},
	{"net.bridge.bridge-nf-call-arptables", "0"},
}

// actAsSwitch applies switchSettings, which interfaces that are made later inherit.
func (n *Namespace) actAsSwitch() error {
	for _, s := range switchSettings {
		if err := n.SetSysctl(s.key, s.value); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// SetSysctl writes a setting of the namespace, such as "net.ipv4.conf.all.rp_filter". For an
// interface whose name contains a dot, write "net/ipv4/conf/eth0.10/rp_filter".
func (n *Namespace) SetSysctl(key, value string) error {
	return n.Do(func() error { return writeSysctl(sysctlPath(key), value) })
}

// Sysctl reads a setting of the namespace; see SetSysctl.
func (n *Namespace) Sysctl(key string) (string, error) {
	var value string
	err := n.Do(func() error {
		b, err := os.ReadFile("/proc/sys/" + sysctlPath(key))
		value = strings.TrimSpace(string(b))
		return err
	})
	return value, err
}

func sysctlPath(key string) string {
	if strings.Contains(key, "/") {
		return key
	}
	return strings.ReplaceAll(key, ".", "/")
}

func writeSysctl(path, value string) error {
	// The file is opened on the namespace's thread, which is when the kernel picks the namespace.
	if err := os.WriteFile("/proc/sys/"+path, []byte(value), 0); err != nil {
		return fmt.Errorf("set %s to %s: %w", strings.ReplaceAll(path, "/", "."), value, err)
	}
	return nil
}
