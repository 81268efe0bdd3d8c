package interop

import (
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/lan"
)

// frr is FRR's vrrpd with the zebra that it needs. The virtual addresses are on a macvlan that
// exists before FRR runs, and that FRR holds down while it is Backup.
type frr struct {
	*process
	etc string // the directory of its configurations and sockets
}

// macvlan is the device that FRR finds by its MAC.
const macvlan = "vrrp-51"

// ownLinkLocal is the source address of FRR's IPv6 adverts: FRR takes the first link-local address
// of the macvlan, and the kernel lists the address added last first.
const ownLinkLocal = "fe80::b:0:0:51"

// together runs zebra and, when it can be spoken to, vrrpd; it stops both in
// the reverse order. Now and then zebra does not get vrrpd's last word, that the
// macvlan is to be down: so it is put down here. What FRR writes into /var/tmp goes
// with it. It is the first process of its PID namespace.
const together = `
mount -t tmpfs -o mode=1777 frr /var/tmp
cd "$1"
/usr/lib/frr/zebra -u frr -g frr -f zebra.conf -z zserv.api -i zebra.pid --vty_socket "$1" -P 0 --log stdout &
zebra=$!
trap 'exit 1' TERM
until [ -S zserv.api ]; do sleep 0.05; done
/usr/lib/frr/vrrpd -u frr -g frr -f vrrpd.conf -z zserv.api -i vrrpd.pid --vty_socket "$1" -P 0 --log stdout &
vrrpd=$!
trap 'kill $vrrpd; wait $vrrpd; ip link set "$2" protodown on; kill $zebra; wait $zebra; exit 0' TERM
wait $vrrpd
`

func newFRR(s *scene) *frr {
	s.t.Helper()
	f := &frr{process: newProcess(s, "peer", "frr"), etc: filepath.Join(s.Dir, "frr")}
	f.makeMacvlan()

	var b strings.Builder
	fmt.Fprintf(&b, "log stdout\ndebug vrrp protocol\ninterface %s\n", ifname)
	fmt.Fprintf(&b, " vrrp %d version %d\n vrrp %d priority %d\n vrrp %d advertisement-interval %d\n",
		vrid, s.version, vrid, f.priority(), vrid, s.interval().Milliseconds())
	family := "ip"
	if s.ipv6 {
		family = "ipv6"
	}
	for _, a := range s.virtual() {
		fmt.Fprintf(&b, " vrrp %d %s %v\n", vrid, family, netip.MustParsePrefix(a).Addr())
	}
	b.WriteString("exit\n")

	if err := os.Mkdir(f.etc, 0o755); err != nil {
		s.t.Fatal(err)
	}
	for file, text := range map[string]string{"zebra.conf": "", "vrrpd.conf": b.String()} {
		if err := os.WriteFile(filepath.Join(f.etc, file), []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	account, err := user.Lookup("frr")
	if err != nil {
		s.t.Fatalf("%v: run `test/setup packages interop/packages`, which installs FRR", err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	if err := os.Chown(f.etc, uid, gid); err != nil {
		s.t.Fatal(err)
	}
	return f
}

// makeMacvlan makes the macvlan that FRR's manual requires, down until FRR runs, and keeps the
// parent from answering for the virtual address, which FRR's documentation does not mention.
func (f *frr) makeMacvlan() {
	s := f.s
	s.t.Helper()
	s.run(f.on, "ip", "link", "add", macvlan, "link", ifname, "type", "macvlan", "mode", "bridge")
	s.run(f.on, "ip", "link", "set", macvlan, "addrgenmode", "none", "address", f.mac().String())
	if err := s.Host(f.on).SetSysctl("net/ipv4/conf/"+ifname+"/arp_ignore", "1"); err != nil {
		s.t.Fatal(err)
	}
	for _, a := range s.virtual() {
		s.run(f.on, "ip", "address", "add", a, "dev", macvlan)
	}
	if s.ipv6 {
		s.run(f.on, "ip", "address", "add", ownLinkLocal+"/64", "dev", macvlan)
	}
	s.run(f.on, "ip", "link", "set", macvlan, "protodown", "on")
	s.run(f.on, "ip", "link", "set", macvlan, "up")
}

func (f *frr) name() string  { return "frr" }
func (f *frr) priority() int { return f.s.cell.theirs() }

func (f *frr) start() time.Time {
	f.s.t.Helper()
	_ = os.Remove(filepath.Join(f.etc, "zserv.api")) // of a process that was killed
	return f.run("Initialize -> Backup", "/bin/sh", "-c", together, "frr", f.etc, macvlan)
}

func (f *frr) mac() lan.MAC { return f.s.virtualMAC() }

func (f *frr) sources() []netip.Addr {
	return []netip.Addr{f.s.own(1), netip.MustParseAddr(ownLinkLocal), netip.MustParseAddr("fe80::51:1")}
}

func (f *frr) blind() bool { return true }

// late implements router: FRR's first IPv6 advert waits for the macvlan, finds no address on it,
// and is not sent.
func (f *frr) late() time.Duration {
	if f.s.ipv6 {
		return f.s.interval()
	}
	return 0
}
