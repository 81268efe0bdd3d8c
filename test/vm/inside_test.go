package vm

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// initScript starts the guest up to its daemon, whose log is all that it prints. It names the NICs
// by their MACs, because the kernel numbers them in any order. %s is replaced by the commands for
// each NIC.
const initScript = `#!/bin/busybox sh
b=/bin/busybox
PATH=/bin
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
while read -r module parameters; do $b insmod /lib/$module.ko $parameters; done </lib/modules
for address in /sys/class/net/eth*/address; do
	read -r mac <$address
	place=${mac#52:54:00:00:0}
	was=${address%%/address}
	$b ip link set ${was##*/} name nic${place%%%%:*}
done
$b ip link set lo up
%s
/bin/ripcord run --config /etc/ripcord.yaml
echo "ripcord ended: $?"
$b poweroff -f
`

// nicScript sets up a NIC: the devices on it, its address, and the interface to use.
const nicScript = `nic=nic%d
%s
$b ip addr add %s dev %[4]s
$b ip link set $nic up
$b ip link set %[4]s up
`

// uses returns the interface of the instance of the NIC in a place.
func (n nic) uses(place int) string { return cmp.Or(n.iface, fmt.Sprintf("nic%d", place)) }

// address returns the address of a host on the segment of the NIC in a place.
func address(place int, number byte) string { return fmt.Sprintf("10.0.%d.%d/24", place, number) }

func (h host) name() string {
	var devices []string
	for _, n := range h.nics {
		devices = append(devices, n.String())
	}
	return fmt.Sprintf("%s (%d)", strings.Join(devices, ", "), h.number)
}

// script returns the guest's init.
func (h host) script() string {
	var nics strings.Builder
	for place, n := range h.nics {
		fmt.Fprintf(&nics, nicScript, place, n.stack, address(place, h.number), n.uses(place))
	}
	nics.WriteString(h.first)
	return fmt.Sprintf(initScript, nics.String())
}

// config returns a configuration with an instance on each NIC, each in a group of the same name.
func (h host) config() string {
	var links, instances, groups strings.Builder
	for place, n := range h.nics {
		keys := strings.Trim(h.links+", "+n.links, ", ")
		fmt.Fprintf(&links, "  %s: {%s}\n", n.uses(place), keys)
		fmt.Fprintf(&instances, "  - {name: %s, interface: %[1]s, vrid: 51, addresses: [%s], preempt: false%s}\n", n.uses(place), address(place, 1), n.keys)
		fmt.Fprintf(&groups, "  - {name: %s, members: [%[1]s]}\n", n.uses(place))
	}
	return fmt.Sprintf("control: {socket: /run/ripcord.sock}\ndefaults: {priority: %d, interval: %v}\nlinks:\n%sinstances:\n%sgroups:\n%s",
		h.priority, interval, links.String(), instances.String(), groups.String())
}

// initramfs writes the initramfs of the guest.
func (h host) initramfs(t *testing.T, p platform) (file string) {
	t.Helper()
	var names []string
	for _, n := range h.nics {
		names = append(names, n.modules...)
	}
	modules, err := p.kernel.load(names...)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "initramfs")
	if err := os.WriteFile(file, p.initramfs(modules, h.files, h.script(), h.config()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
