package vm

import (
	"strings"
	"testing"
	"time"
)

// TestDoctor checks what ripcord doctor finds about NICs and bonds, which network namespaces do not
// have. It runs in the guest before the daemon starts, and prints each finding on one line.
func TestDoctor(t *testing.T) {
	p := need(t)
	t.Parallel()
	nics := []nic{
		{name: "virtio,status=off", device: "virtio-net-pci,status=off", modules: []string{"virtio_pci", "virtio_net"}},
		{name: "bond", device: "rtl8139", modules: []string{"8139cp", "bonding"}, iface: "bond0",
			stack: "cd /sys/class/net; [ -e bond0 ] || echo +bond0 >bonding_masters; echo active-backup >bond0/bonding/mode; " +
				"echo 0 >bond0/bonding/miimon; echo +$nic >bond0/bonding/slaves; cd /"},
		{device: "e1000", modules: []string{"e1000"}, links: "monitor: netlink, confirm: 0s"},
	}
	var lans []*lanSwitch
	for range nics {
		lans = append(lans, newSwitch(t))
	}
	g := boot(t, p, host{ // the links have their carriers, and the kernel has announced them, before doctor looks
		nics: nics, number: 11, priority: 150, links: alone,
		first: "sleep 3; NO_COLOR=1 /bin/ripcord doctor --config /etc/ripcord.yaml --for 100ms\n",
	}, lans...)
	g.mu.Lock()
	said := strings.Join(g.text, "\n")
	g.mu.Unlock()
	for _, want := range []string{
		"error: nic0: nothing reports a lost carrier of nic0 (driver virtio_net): the host does not report the link to the NIC",
		"note: nic0: nic0 is a NIC of a virtual machine (driver virtio_net)",
		"error: bond0: the bond bond0 monitors its ports neither by their link (miimon 0) nor by ARP (arp_interval 0)",
		"warning: nic2: ripcord may detect a lost carrier of nic2 (driver e1000) 2s late",
		"note: bond0: it is not known yet whether the driver of bond0 (bonding) announces a lost carrier; if it does not, the transceiver shows the loss at most 1s late",
		"warning: machine: promote_secondaries of bond0, nic0, nic2 is 0",
		"looked at this machine for /etc/ripcord.yaml, and listened for 100ms on bond0, nic0, nic2",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("doctor does not say %q", want)
		}
	}
	if t.Failed() {
		t.Logf("the console: %s", said)
	}
	g.cable(0).reaches(time.Time{}, 10*time.Second, "active")
}
