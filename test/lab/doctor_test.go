package lab

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/doctor"
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
	"ripcord/test/netns"
)

// plainInstance is the configuration of the machine that is looked at; the virtual address
// and the VRID are those of inside.
const plainInstance = "instances: [{name: inside, interface: eth0, vrid: 51, priority: 150, addresses: [192.0.2.1/24]}]\n"

// diagnosis is what ripcord doctor brought.
type diagnosis struct {
	doctor.Document
	outcome
}

// has returns the finding of a name about a subject.
func (d diagnosis) has(name string) (doctor.Finding, bool) {
	i := slices.IndexFunc(d.Findings, func(f doctor.Finding) bool { return f.Name == name })
	if i < 0 {
		return doctor.Finding{}, false
	}
	return d.Findings[i], true
}

// names are those of all findings.
func (d diagnosis) names() (all []string) {
	for _, f := range d.Findings {
		all = append(all, f.Name)
	}
	return all
}

// healthy makes the settings of a host what they should be for a router.
func (s *site) healthy(host string) {
	s.t.Helper()
	for _, set := range []string{"ipv4.conf.all.promote_secondaries=1", "ipv4.ip_forward=1", "ipv6.conf.all.forwarding=1"} {
		key, value, _ := strings.Cut(set, "=")
		if err := s.Host(host).SetSysctl("net."+key, value); err != nil {
			s.t.Fatal(err)
		}
	}
}

// examine runs ripcord doctor on host a, with the words of prefix before it.
func (s *site) examine(config string, listen time.Duration, prefix ...string) diagnosis {
	s.t.Helper()
	return s.examineOn("a", config, listen, prefix...)
}

func (s *site) examineOn(host, config string, listen time.Duration, prefix ...string) diagnosis {
	s.t.Helper()
	args := []string{"doctor", "--json", "--for", listen.String()}
	if config != "" {
		args = append(args, "--config", s.configure("doctor", config))
	}
	var d diagnosis
	if len(prefix) == 0 {
		d.outcome = s.ripcord(host, args...)
	} else {
		d.outcome = s.run(host, exec.Command(prefix[0], slices.Concat(prefix[1:], []string{binary}, args)...))
	}
	if err := json.Unmarshal([]byte(d.out), &d.Document); err != nil {
		s.t.Fatalf("doctor ended with %d: %v: %s%s", d.code, err, d.out, d.err)
	}
	if want := 1; d.Clean && d.code != 0 || !d.Clean && d.code != want {
		s.t.Errorf("clean: %v, and exit status %d", d.Clean, d.code)
	}
	return d
}

// TestDoctorClean checks that the doctor finds nothing on a LAN of correct routers, with and
// without a configuration, before the daemon runs and while it is Backup or Active, and that its
// line lists what it has checked.
func TestDoctorClean(t *testing.T) {
	t.Parallel()
	netns.NeedRoot(t)
	s := newSite(t, []segment{inside, outside}, "a", "b")
	s.healthy("a")
	config := router{150, time.Second, ""}.yaml(s, s.socket("a"))
	for _, given := range []string{config, ""} {
		if d := s.examine(given, 4*time.Second); d.code != 0 || len(d.Findings) > 0 || len(d.Links) != 2 {
			t.Errorf("with %q: exit status %d, links %v, %+v", given, d.code, d.Links, d.Findings)
		}
	}
	if got := s.ripcord("a", "doctor", "--for", "0s", "--config", s.configure("doctor", config)); got.code != 0 ||
		!strings.HasPrefix(got.out, "looked at this machine for ") || strings.Count(got.out, "\n") != 1 || got.err != "" {
		t.Errorf("%+v", got)
	}

	began := time.Now()
	a := s.startYAML("a", config)
	a.becomes("active", began, 8*time.Second)
	if d := s.examine(config, 2*time.Second); d.code != 0 || len(d.Findings) > 0 {
		t.Errorf("beside a ripcord Active: exit status %d, %+v", d.code, d.Findings)
	}
	beginning := began
	began = time.Now()
	b := s.start("b", router{100, time.Second, ""})
	b.becomes("backup", began, 8*time.Second)
	if d := s.examine(config, 2*time.Second); d.code != 0 || len(d.Findings) > 0 {
		t.Errorf("beside both: exit status %d, %+v", d.code, d.Findings)
	}
	// Beside a peer that is Active for the one that is looked at there are notes alone.
	began = time.Now()
	a.signal(syscall.SIGTERM)
	<-a.Exited
	b.becomes("active", began, 10*time.Second)
	d := s.examine(config, 3*time.Second)
	if got := d.names(); d.code != 0 || !slices.Equal(got, []string{"vrrp-peer", "vrrp-peer"}) {
		t.Errorf("beside an Active peer: exit status %d, %+v", d.code, d.Findings)
	}
	for _, host := range []*daemon{a, b} {
		for _, l := range host.log(beginning) {
			if l.Event == "address.conflict" || l.Event == "advert.rejected" || l.Event == "instance.warning" {
				t.Errorf("doctor disturbed %s: %+v", host.name, l)
			}
		}
	}
}

// illness is a condition that doctor finds.
type illness struct {
	finding string
	config  string // plainInstance if empty; "none": none is given
	make    func(s *site)
	says    string // a part of what it says, and of what is to be done
	remedy  string
	listen  time.Duration
	prefix  []string // runs doctor
	subject string   // the test's name, where one finding has several
	// inherent says that it is the configuration itself that is found.
	inherent bool
}

func setting(key, value string) func(*site) {
	return func(s *site) {
		if err := s.Host("a").SetSysctl(key, value); err != nil {
			s.t.Fatal(err)
		}
	}
}

func ipDoes(lines ...string) func(*site) {
	return func(s *site) {
		for _, l := range lines {
			s.ip("a", strings.Fields(l)...)
		}
	}
}

func nftDoes(ruleset string) func(*site) {
	return func(s *site) { s.command("a", program(s.t, "nft"), ruleset) }
}

// illnesses are all conditions.
func illnesses() []illness {
	return slices.Concat(linkIllnesses, kernelIllnesses, firewallIllnesses, segmentIllnesses, machineIllnesses)
}

// unmakeable are the findings whose condition cannot be made here, each with the reason and
// the place where it is tested.
var unmakeable = map[string]string{
	"loss-unseen":          "every driver here reports its carrier: a fake fact in pkg/doctor, and test/vm",
	"bond-without-monitor": "this kernel has no bonding: a fake fact in pkg/doctor, and test/vm",
	"iptables-legacy":      "this kernel has no x_tables of its own: a fake fact in pkg/doctor",
	"loss-unproven":        "no device here has a transceiver: a fake fact in pkg/doctor, and test/vm",
	"virtual-nic":          "no virtual machine runs here: a fake fact in pkg/doctor, and test/vm",
	"clock-free":           "the clock belongs to the machine: a fake fact in pkg/doctor",
	"not-looked-at":        "nothing refuses to be read here: a fake fact in pkg/doctor",
}

// TestDoctorHealthy: of the conditions of TestDoctor none is found before it is made.
func TestDoctorHealthy(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	s.healthy("a")
	// A station that answers the virtual MAC, too.
	s.ip("a", strings.Fields("neigh replace 192.0.2.13 lladdr "+s.Cable("client", "eth0").MAC().String()+" dev eth0 nud reachable")...)
	configs := make(map[string]bool)
	for _, c := range illnesses() {
		configs[c.config] = configs[c.config] || c.inherent
	}
	for config, inherent := range configs {
		if inherent || strings.Contains(config, "br0") {
			continue
		}
		for _, f := range s.examine(configOf(config), 30*time.Millisecond).Findings {
			if f.Name != "clock-free" { // as this machine's clock is
				t.Errorf("with %q: %+v", config, f)
			}
		}
	}
}

// TestDoctorBesideVirtualMAC: beside an Active with a virtual MAC nothing is found, and nothing
// is sent from that MAC that it did not send itself.
func TestDoctorBesideVirtualMAC(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	s.healthy("a")
	s.ip("b", strings.Fields("neigh replace 192.0.2.13 lladdr "+s.Cable("client", "eth0").MAC().String()+" dev eth0 nud reachable")...)
	began := time.Now()
	b := s.start("b", router{150, time.Second, "virtual_mac: true"})
	b.becomes("active", began, 8*time.Second)
	tap := s.tap("a")
	if d := s.examine(virtualMACInstance, 1500*time.Millisecond); d.code != 1 || !slices.Equal(d.names(), []string{"same-priority", "vrrp-peer"}) {
		t.Errorf("on the Backup: exit status %d, %+v", d.code, d.Findings)
	}
	for _, f := range tap.Frames() {
		if virtual(f) {
			t.Errorf("a sent from the virtual MAC: %+v", f)
		}
	}
	s.healthy("b")
	if d := s.examineOn("b", virtualMACInstance, 1500*time.Millisecond); d.code != 0 || len(d.Findings) > 0 {
		t.Errorf("on the Active: exit status %d, %+v", d.code, d.Findings)
	}
	for _, l := range b.log(began) {
		if l.Event == "address.conflict" || l.Event == "advert.rejected" || l.Event == "instance.warning" || l.Level == "error" {
			t.Errorf("doctor disturbed b: %+v", l)
		}
	}
}

// TestDoctorKeepalived: keepalived's own language is read, as everywhere.
func TestDoctorKeepalived(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	s.healthy("a")
	path := filepath.Join(s.Dir, "keepalived.conf")
	text := "vrrp_instance inside { interface eth0\n virtual_router_id 51\n priority 150\n advert_int 1\n virtual_ipaddress { 192.0.2.1/24 } }\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	speak(wire.Advert{VRID: 51, Priority: 100})(s)
	got := s.ripcord("a", "doctor", "--for", listening.String(), "--config", path)
	if got.code != 1 || !strings.Contains(got.out, "error: eth0: 192.0.2.12 uses VRRPv3 for VRID 51 on eth0, but inside uses VRRPv2") ||
		!strings.HasSuffix(got.out, "on eth0\n") || !strings.HasPrefix(got.err, "ripcord: found 1 error") {
		t.Errorf("%+v", got)
	}
}

// configOf returns the configuration that a condition names.
func configOf(config string) string {
	switch config {
	case "":
		return plainInstance
	case "none":
		return ""
	}
	return config
}

// TestDoctor makes each condition on a router that is well without it, and sees its line.
func TestDoctor(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	made := make(map[string]bool)
	for _, c := range illnesses() {
		made[c.finding] = true
	}
	for _, name := range doctor.Names() {
		if why := unmakeable[name]; (why == "") != made[name] {
			t.Errorf("%s: made here: %v; %q", name, made[name], why)
		} else if why != "" {
			t.Logf("%s: %s", name, why)
		}
	}
	for _, c := range illnesses() {
		t.Run(strings.Trim(c.finding+" "+c.subject, " "), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, []segment{inside}, "a", "b")
			s.healthy("a")
			if c.listen == 0 {
				c.listen = 30 * time.Millisecond
			}
			c.make(s)
			d := s.examine(configOf(c.config), c.listen, c.prefix...)
			f, ill := d.has(c.finding)
			if !ill {
				t.Fatalf("not found; but %v", d.Findings)
			}
			if !strings.Contains(f.What, c.says) || !strings.Contains(f.Remedy, c.remedy) || f.Why == "" || strings.ContainsAny(f.Line(), "{}\n") {
				t.Errorf("it reports %q, want %q and %q", f.Line(), c.says, c.remedy)
			}
			t.Log(f.Line())
		})
	}
}

var linkIllnesses = []illness{
	{finding: "interface-missing", make: ipDoes("link set eth0 down", "link set eth0 name lan0"), says: "names the interface eth0, which does not exist", remedy: "ripcord link"},
	{finding: "link-down", make: ipDoes("link set eth0 down"), says: "eth0 is not usable: administratively down", remedy: "ip link set eth0 up"},
	{finding: "link-down", subject: "no carrier", make: func(s *site) {
		s.pull("a", inside)
		if _, err := s.Host("a").WaitCarrier("eth0", false, patience); err != nil {
			s.t.Fatal(err)
		}
	}, says: "eth0 is not usable: no carrier", remedy: "plug"},
	{finding: "link-is-port", make: ipDoes("link add br0 type bridge", "link set eth0 master br0"), says: "eth0 is a port of br0 (bridge)", remedy: "nomaster"},
	{finding: "ipv6-off", config: ipv6Instance, make: setting("net.ipv6.conf.eth0.disable_ipv6", "1"),
		says: "net.ipv6.conf.eth0.disable_ipv6 is 1, and inside is an IPv6 instance", remedy: "sysctl -w net.ipv6.conf.eth0.disable_ipv6=0"},
	{finding: "no-source-address", make: ipDoes("address flush dev eth0"), says: "eth0 has no IPv4 address of its own", remedy: "ip address add"},
	{finding: "no-source-address", subject: "IPv6", config: ipv6Instance, make: ipDoes("-6 address flush dev eth0"),
		says: "eth0 has no link-local IPv6 address", remedy: "ip address add fe80::"},
	{finding: "source-missing", config: strings.Replace(plainInstance, "vrid", "source: 192.0.2.11, vrid", 1), make: ipDoes("address del 192.0.2.11/24 dev eth0"),
		says: "192.0.2.11, the source of inside", remedy: "add the address"},
	{finding: "duplicate-address", config: ipv6Instance, make: duplicateLinkLocal, says: "duplicate address detection found fe80::66 on another station on eth0", remedy: "ip address del fe80::66"},
	{finding: "source-elsewhere", make: ipDoes("address flush dev eth0", "address add 203.0.113.11/24 dev eth0"),
		says: "sends adverts on eth0 from 203.0.113.11, which is not in the subnet of 192.0.2.1", remedy: "ip address add"},
	{finding: "mtu-too-small", config: strings.Replace(plainInstance, "192.0.2.1/24", manyAddresses(20), 1), make: ipDoes("link set eth0 mtu 100"),
		says: "the MTU of eth0 is 100, but an advert of inside has 108 bytes", remedy: "mtu 1500"},
	{finding: "loss-late", config: "links: {eth0: {confirm: 0s}}\n" + plainInstance, make: func(*site) {}, inherent: true, says: "1s late", remedy: "links.eth0.confirm"},
	{finding: "loss-late", subject: "polled", config: "none", make: func(s *site) { s.addTap("a", "tap0") }, says: "ripcord may detect a lost carrier of tap0 (driver tun) 1s late", remedy: "links.tap0.poll"},
	{finding: "early-filter", make: func(s *site) { s.command("a", "tc", "qdisc", "add", "dev", "eth0", "clsact") }, says: "tc (clsact) processes all packets that arrive on eth0", remedy: "tc filter show dev eth0 ingress"},
	{finding: "managed-by-networkd", make: func(*site) {}, prefix: pretend("mkdir -p /run/systemd/netif/links && mount -t tmpfs none /run/systemd/netif/links && " +
		"printf 'ADMIN_STATE=configured\\nNETWORK_FILE=/etc/systemd/network/10-lan.network\\n' > /run/systemd/netif/links/$(cat /sys/class/net/eth0/ifindex)"),
		says: "systemd-networkd manages eth0", remedy: "KeepConfiguration=yes in the section [Network] of /etc/systemd/network/10-lan.network"},
	{finding: "managed-by-networkmanager", make: func(*site) {}, prefix: pretend("mkdir -p /run/NetworkManager && mount -t tmpfs none /run/NetworkManager && mkdir /run/NetworkManager/devices && " +
		"printf '[device]\\nmanaged=true\\n' > /run/NetworkManager/devices/$(cat /sys/class/net/eth0/ifindex)"),
		says: "NetworkManager manages eth0", remedy: "nmcli device set eth0 managed no"},
}

// addTap makes a tap, whose driver reports no carrier, on a host.
func (s *site) addTap(host, name string) {
	s.t.Helper()
	err := s.Host(host).Do(func() error {
		tap, err := netns.NewTap(name)
		if err == nil {
			s.t.Cleanup(func() { _ = tap.Close() })
		}
		return err
	})
	if err != nil {
		s.t.Skip("no tap can be made here: ", err)
	}
	s.ip(host, "link", "set", name, "up")
}

const ipv6Instance = "instances: [{name: inside, interface: eth0, vrid: 51, priority: 150, addresses: ['fe80::51/64']}]\n"

// manyAddresses lists addresses of the inside segment.
func manyAddresses(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("192.0.2.%d/24", 100+i))
	}
	return strings.Join(all, ", ")
}

// pretend runs doctor in mount and PID namespaces of its own, in which it and what is started
// there are the machine: the first process has the network namespace of the host.
func pretend(prepare string) []string {
	return []string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
		"mount -t sysfs none /sys && " + prepare + ` && exec "$@"`, "sh"}
}

// duplicateLinkLocal has b answer for the link-local address that a gets.
func duplicateLinkLocal(s *site) {
	s.ip("b", strings.Fields("address add fe80::66/64 dev eth0 nodad")...)
	for _, set := range []string{"accept_dad", "dad_transmits"} {
		setting("net.ipv6.conf.eth0."+set, "1")(s)
	}
	s.ip("a", strings.Fields("-6 address flush dev eth0")...)
	s.ip("a", strings.Fields("address add fe80::66/64 dev eth0")...)
	for end := time.Now().Add(patience); !strings.Contains(s.ip("a", "-6", "address", "show", "dev", "eth0"), "dadfailed"); {
		if time.Now().After(end) {
			s.t.Fatal("the duplicate was not detected")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

var kernelIllnesses = []illness{
	{finding: "rp-filter", make: setting("net.ipv4.conf.eth0.rp_filter", "1"), says: "net.ipv4.conf.eth0.rp_filter is 1", remedy: "sysctl -w net.ipv4.conf.eth0.rp_filter=2"},
	{finding: "rp-filter", subject: "of all", make: setting("net.ipv4.conf.all.rp_filter", "1"), says: "net.ipv4.conf.all.rp_filter is 1", remedy: "sysctl -w net.ipv4.conf.eth0.rp_filter=2"},
	{finding: "arp-ignore", make: setting("net.ipv4.conf.eth0.arp_ignore", "8"), says: "net.ipv4.conf.eth0.arp_ignore is 8", remedy: "arp_ignore=1"},
	{finding: "arp-ignore", subject: "lone", config: strings.Replace(plainInstance, "192.0.2.1/24", "192.0.2.1/32", 1),
		make: setting("net.ipv4.conf.all.arp_ignore", "2"), says: "does not answer for 192.0.2.1/32", remedy: "sysctl -w net.ipv4.conf.all.arp_ignore=1"},
	{finding: "arp-ignore", subject: "elsewhere", config: strings.Replace(plainInstance, "192.0.2.1/24", "{address: 192.0.2.1/32, interface: lo}", 1),
		make: setting("net.ipv4.conf.eth0.arp_ignore", "1"), says: "192.0.2.1/32, which is put on lo", remedy: "arp_ignore=0"},
	{finding: "arp-filter", config: strings.Replace(plainInstance, "vrid", "virtual_mac: true, vrid", 1),
		make: setting("net.ipv4.conf.eth0.arp_filter", "1"), says: "net.ipv4.conf.eth0.arp_filter is 1", remedy: "=0"},
	{finding: "proxy-arp", make: setting("net.ipv4.conf.eth0.proxy_arp", "1"), says: "net.ipv4.conf.eth0.proxy_arp is 1", remedy: "=0"},
	{finding: "promote-secondaries", make: setting("net.ipv4.conf.all.promote_secondaries", "0"),
		says: "promote_secondaries of eth0 is 0", remedy: "sysctl -w net.ipv4.conf.eth0.promote_secondaries=1"},
	{finding: "forwarding", make: func(s *site) {
		ipDoes("link add wan0 type veth peer name wan1", "address add 198.51.100.9/24 dev wan0")(s)
		setting("net.ipv4.ip_forward", "0")(s)
	}, says: "does not forward IPv4 on eth0 (net.ipv4.conf.eth0.forwarding is 0)", remedy: "sysctl -w net.ipv4.ip_forward=1"},
	{finding: "same-subnet-twice", config: "none", make: ipDoes("link add wan0 type veth peer name wan1", "link set wan0 up", "link set wan1 up", "address add 192.0.2.99/24 dev wan0"),
		says: "eth0 and wan0 are both in 192.0.2.0/24", remedy: "arp_ignore=1"},
	{finding: "dad-disables-ipv6", make: setting("net.ipv6.conf.eth0.accept_dad", "2"), says: "accept_dad is 2", remedy: "accept_dad=1"},
	{finding: "conntrack-strict", make: func(s *site) {
		if _, err := s.Host("a").Sysctl("net.netfilter.nf_conntrack_tcp_loose"); err != nil {
			s.t.Skip("this kernel has no connection tracking: the condition is a fake fact in pkg/doctor")
		}
		setting("net.netfilter.nf_conntrack_tcp_loose", "0")(s)
	}, says: "nf_conntrack_tcp_loose is 0", remedy: "=1"},
	{finding: "settings-read-only", make: setting("net.ipv4.conf.all.promote_secondaries", "0"),
		prefix: pretend("mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys"), says: "/proc/sys is read-only here", remedy: "container"},
}

var firewallIllnesses = []illness{
	{finding: "adverts-dropped", make: nftDoes("add table inet t; add chain inet t in { type filter hook input priority 0; }; add rule inet t in meta l4proto 112 drop"),
		says: "drops adverts that arrive on eth0 over IPv4: rule", remedy: "nft insert rule inet t in meta l4proto 112 accept"},
	{finding: "adverts-dropped", subject: "policy", make: nftDoes("add table ip t; add chain ip t in { type filter hook input priority 0; policy drop; }; " +
		"add rule ip t in ct state established,related accept; add rule ip t in tcp dport 22 accept; add rule ip t in iifname lo accept"),
		says: "the policy of chain ip t in", remedy: "nft insert rule ip t in"},
	{finding: "adverts-dropped", subject: "ip6", config: ipv6Instance,
		make: nftDoes("add table ip6 t; add chain ip6 t pre { type filter hook prerouting priority -300; }; add rule ip6 t pre ip6 nexthdr 112 drop"), says: "over IPv6: rule"},
	{finding: "adverts-dropped", subject: "netdev", make: nftDoes("add table netdev t; add chain netdev t in { type filter hook ingress device eth0 priority 0; }; add rule netdev t in ip protocol 112 drop"),
		says: "chain netdev t in"},
	{finding: "adverts-dropped", subject: "iptables-nft", make: nftDoes("add table ip filter; add chain ip filter INPUT { type filter hook input priority 0; policy accept; }; " +
		"add chain ip filter LAN; add rule ip filter INPUT iifname eth0 counter jump LAN; add rule ip filter LAN ip daddr 224.0.0.0/8 counter drop"),
		says: "chain ip filter LAN"},
	{finding: "adverts-dropped", subject: "map", make: nftDoes("add table inet t; add chain inet t in { type filter hook input priority 0; }; add rule inet t in ip protocol vmap { icmp : accept, 112 : drop }"),
		says: "rule"},
	{finding: "adverts-not-sent", make: nftDoes("add table inet t; add chain inet t out { type filter hook output priority 0; policy drop; }; add rule inet t out ip saddr { 10.0.0.0/8, 172.16.0.0/12 } accept"),
		says: "drops adverts that leave eth0 over IPv4: the policy of chain inet t out", remedy: "nft insert rule inet t out"},
	{finding: "neighbor-discovery-dropped", config: ipv6Instance,
		make: nftDoes("add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }; add rule inet t in meta l4proto 112 accept"),
		says: "drops neighbor solicitations that arrive on eth0", remedy: "nd-neighbor-solicit"},
	{finding: "firewall-manager", make: nftDoes("add table inet firewalld; add chain inet firewalld filter_INPUT"), says: "firewalld manages the firewall", remedy: "firewall-cmd"},
	{finding: "firewall-manager", subject: "ufw", make: nftDoes("add table ip filter; add chain ip filter ufw-before-input"), says: "ufw manages the firewall", remedy: "ufw allow"},
}

// speak has b send an advert again and again, from a source and MAC that may be another's.
func speak(ad wire.Advert, change ...func(frame []byte) []byte) func(*site) {
	return func(s *site) {
		if len(ad.Addresses) == 0 {
			ad.Addresses = []netip.Addr{inside.virtual()}
		}
		if ad.Interval == 0 {
			ad.Interval = time.Second
		}
		source := netip.MustParseAddr("192.0.2.12")
		message := ad.Append(nil, source, wire.Group4)
		frame := append(wire.AppendHeaders(nil, [6]byte(s.Cable("b", "eth0").MAC()), source, wire.Group4, len(message)), message...)
		for _, c := range change {
			frame = c(frame)
		}
		s.flood("b", frame)
	}
}

// flood has a host send a frame 500 times a second until the test ends.
func (s *site) flood(host string, frame []byte) {
	s.t.Helper()
	f, err := s.Host(host).Flood("eth0", 500, frame)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = f.Stop() })
}

const listening = 300 * time.Millisecond

func addresses(all ...string) (ips []netip.Addr) {
	for _, a := range all {
		ips = append(ips, netip.MustParseAddr(a))
	}
	return ips
}

var segmentIllnesses = []illness{
	{finding: "vrrp-peer", listen: listening, make: speak(wire.Advert{VRID: 51, Priority: 100}), says: "is Active for VRID 51 of inside on eth0: VRRPv3, priority 100, every 1s"},
	{finding: "vrrp-other", listen: listening, config: "none", make: speak(wire.Advert{VRID: 7, Priority: 200, Version: wire.V2}), says: "192.0.2.12", remedy: "another vrid"},
	{finding: "vrid-differs", listen: listening, make: speak(wire.Advert{VRID: 61, Priority: 100}), says: "with VRID 61 on eth0, but inside uses VRID 51", remedy: "same vrid"},
	{finding: "vrid-taken", listen: listening, make: speak(wire.Advert{VRID: 51, Priority: 100, Addresses: addresses("192.0.2.200")}), says: "with other addresses: 192.0.2.200", remedy: "vrid"},
	{finding: "addresses-differ", listen: listening, make: speak(wire.Advert{VRID: 51, Priority: 100, Addresses: addresses("192.0.2.1", "192.0.2.2")}), says: "192.0.2.1 and 192.0.2.2", remedy: "addresses"},
	{finding: "version-differs", listen: listening, make: speak(wire.Advert{VRID: 51, Priority: 100, Version: wire.V2}), says: "uses VRRPv2", remedy: "version: 2"},
	{finding: "auth-differs", listen: listening, config: strings.Replace(plainInstance, "vrid", "version: 2, vrid", 1),
		make: speak(wire.Advert{VRID: 51, Priority: 100, Version: wire.V2, Auth: wire.Password("secret")}), says: "they bear a password, and it has none", remedy: "auth"},
	{finding: "auth-differs", subject: "signed", listen: listening, config: signedInstance, make: speak(wire.Advert{VRID: 51, Priority: 100}), says: "they are not signed", remedy: "auth"},
	{finding: "auth-differs", subject: "key", listen: listening, config: signedInstance, make: func(s *site) { s.speakSigned("another key of thirty-two bytes.", 0) }, says: "not that of key 1"},
	{finding: "interval-differs", listen: listening, make: speak(wire.Advert{VRID: 51, Priority: 100, Interval: 2 * time.Second}), says: "every 2s", remedy: "interval: 2s"},
	{finding: "same-priority", listen: listening, make: speak(wire.Advert{VRID: 51, Priority: 150}), says: "has priority 150 for VRID 51 on eth0, and so has inside", remedy: "priority"},
	{finding: "own-address", listen: listening, make: speakAs("192.0.2.11"), says: "from 192.0.2.11, which is an address of this machine", remedy: "its own address"},
	{finding: "carp", listen: listening, make: speak(wire.Advert{VRID: 51, Priority: 100}, asCARP), says: "uses CARP with id 51 on eth0", remedy: "vrid"},
	{finding: "invalid-adverts", listen: listening, make: speak(wire.Advert{VRID: 51, Priority: 100}, func(frame []byte) []byte {
		frame[len(frame)-1] ^= 1
		return frame
	}), says: "are not valid: checksum-error", remedy: "192.0.2.12"},
	{finding: "virtual-mac-differs", listen: listening, make: speak(wire.Advert{VRID: 51, Priority: 100}, func(frame []byte) []byte {
		mac := wire.VirtualMAC(event.IPv4, 51)
		copy(frame[6:], mac[:])
		return frame
	}), says: "from 00:00:5e:00:01:33", remedy: "virtual_mac: true"},
	{finding: "two-actives", listen: 3 * listening, config: "none", make: func(s *site) {
		speak(wire.Advert{VRID: 51, Priority: 100, Interval: 100 * time.Millisecond})(s)
		ad := wire.Advert{VRID: 51, Priority: 150, Interval: 100 * time.Millisecond, Addresses: []netip.Addr{inside.virtual()}}
		source := netip.MustParseAddr("192.0.2.13")
		message := ad.Append(nil, source, wire.Group4)
		s.flood("client", append(wire.AppendHeaders(nil, [6]byte(s.Cable("client", "eth0").MAC()), source, wire.Group4, len(message)), message...))
	}, says: "both Active for VRID 51 on eth0", remedy: "tcpdump"},
	{finding: "clock-skew", listen: listening, config: signedInstance, make: func(s *site) { s.speakSigned(signingKey, 4*time.Second) }, says: "from this machine's, and auth.hmac.window of inside is 5s", remedy: "timedatectl"},
	{finding: "snooping-without-querier", config: "instances: [{name: inside, interface: br0, vrid: 51, priority: 150, addresses: [192.0.2.1/24]}]\n", make: ipDoes(
		"link add br0 type bridge", "link set eth0 master br0", "link set br0 up", "address flush dev eth0", "address add 192.0.2.11/24 dev br0"),
		says: "br0 is a bridge with multicast snooping, but there is no querier", remedy: "mcast_querier 1"},
	{finding: "virtual-mac-filtered", config: virtualMACInstance, make: func(s *site) {
		s.command("client", program(s.t, "nft"), "add table netdev port; add chain netdev port in { type filter hook ingress device eth0 priority 0; }; "+
			"add rule netdev port in ether saddr 00:00:5e:00:01:33 drop")
		s.ip("a", strings.Fields("neigh replace 192.0.2.13 lladdr "+s.Cable("client", "eth0").MAC().String()+" dev eth0 nud reachable")...)
	}, says: "192.0.2.13 answers eth0, but not the virtual MAC 00:00:5e:00:01:33", remedy: "port security"},
	{finding: "address-in-use", listen: listening, make: func(s *site) { s.ip("client", strings.Fields("address add 192.0.2.1/24 dev eth0")...) },
		says: "on eth0 answers for 192.0.2.1 of inside", remedy: "ip neigh show 192.0.2.1"},
	{finding: "address-in-use", subject: "IPv6", listen: listening, config: ipv6Instance, make: func(s *site) {
		s.ip("client", strings.Fields("address add fe80::51/64 dev eth0 nodad")...)
	}, says: "answers for fe80::51 of inside"},
	{finding: "address-stays", make: ipDoes("address add 192.0.2.1/24 dev eth0"), says: "192.0.2.1 of inside is on eth0, and ripcord did not add it", remedy: "ip address del 192.0.2.1/24 dev eth0"},
	{finding: "address-left", make: func(s *site) {
		began := time.Now()
		a := s.start("a", router{150, often, ""})
		a.becomes("active", began, 8*time.Second)
		a.wait(began, patience, "its address", is("address.added"))
		a.kill()
	}, says: "192.0.2.1 is on eth0 with the mark of ripcord", remedy: "ripcord clean"},
}

const (
	signingKey         = "thirty-two bytes that both have."
	virtualMACInstance = "instances: [{name: inside, interface: eth0, vrid: 51, priority: 150, virtual_mac: true, addresses: [192.0.2.1/24]}]\n"
)

var signedInstance = fmt.Sprintf("instances: [{name: inside, interface: eth0, vrid: 51, priority: 150, addresses: [192.0.2.1/24], "+
	"auth: {hmac: {keys: {1: {hex: '%x'}}, active: 1, replay: time, window: 5s}}}]\n", signingKey)

// speakSigned has b send signed adverts with a key, its clock ahead by that much.
func (s *site) speakSigned(key string, ahead time.Duration) {
	ad := wire.Advert{VRID: 51, Priority: 100, Interval: time.Second, Addresses: []netip.Addr{inside.virtual()}}
	source := netip.MustParseAddr("192.0.2.12")
	message := append(ad.Append(nil, source, wire.Group4), make([]byte, wire.TrailerLen)...)
	wire.NewKey(1, wire.NewSecret([]byte(key))).Sign(message, source, wire.SequenceAt(time.Now().Add(ahead)))
	s.flood("b", append(wire.AppendHeaders(nil, [6]byte(s.Cable("b", "eth0").MAC()), source, wire.Group4, len(message)), message...))
}

// speakAs has b send adverts from another source.
func speakAs(source string) func(*site) {
	return func(s *site) {
		from := netip.MustParseAddr(source)
		ad := wire.Advert{VRID: 51, Priority: 100, Interval: time.Second, Addresses: []netip.Addr{inside.virtual()}}
		message := ad.Append(nil, from, wire.Group4)
		s.flood("b", append(wire.AppendHeaders(nil, [6]byte(s.Cable("b", "eth0").MAC()), from, wire.Group4, len(message)), message...))
	}
}

// asCARP makes an advert one of CARP, of 36 bytes.
func asCARP(frame []byte) []byte {
	const headers = 14 + 20
	source := netip.AddrFrom4([4]byte(frame[26:30]))
	message := make([]byte, 36)
	message[0], message[1], message[3] = 0x21, frame[headers+1], 7
	return append(wire.AppendHeaders(nil, [6]byte(frame[6:12]), source, wire.Group4, len(message)), message...)
}

var machineIllnesses = []illness{
	{finding: "other-daemon", make: func(s *site) {
		config := filepath.Join(s.Dir, "keepalived.conf")
		if err := os.WriteFile(config, []byte("vrrp_instance V { interface eth0\n virtual_router_id 9\n priority 10\n virtual_ipaddress { 192.0.2.77/24 } }\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
		command := exec.Command(program(s.t, "keepalived"), "-n", "-l", "-P", "-D", "-f", config, "-p", filepath.Join(s.Dir, "k.pid"), "-r", filepath.Join(s.Dir, "v.pid"))
		if _, err := s.Start("a", "keepalived", command); err != nil {
			s.t.Fatal(err)
		}
		for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			if raw := s.command("a", "cat", "/proc/net/raw"); strings.Contains(raw, ":0070") {
				return
			}
			if time.Now().After(end) {
				s.t.Fatal("keepalived has opened no socket")
			}
		}
	}, says: "keepalived (pid ", remedy: "systemctl disable --now keepalived"},
	{finding: "no-real-time", make: func(*site) {}, prefix: without("sys_nice"), says: "no thread can get real-time scheduling: sched_setattr: operation not permitted", remedy: "LimitRTPRIO"},
	{finding: "no-memory-lock", make: func(*site) {}, prefix: without("ipc_lock"), says: "memory cannot be locked", remedy: "LimitMEMLOCK"},
}

// without runs doctor without a right, and without limits that would replace it.
func without(right string) []string {
	return []string{"prlimit", "--rtprio=0", "--memlock=65536", "setpriv", "--bounding-set=-" + right, "--inh-caps=-" + right}
}
