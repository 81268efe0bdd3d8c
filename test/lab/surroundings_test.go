package lab

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// warned waits until a daemon has a warning of this reason in its status, or has none.
func (d *daemon) warned(reason string, want bool, within time.Duration) string {
	d.t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		text, has := "", false
		for _, i := range d.status().Instances {
			for _, w := range i.Warnings {
				if w.Reason == reason {
					text, has = w.Text, true
				}
			}
		}
		if has == want {
			return text
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("warning %s: %t, want %t", reason, has, want)
		}
	}
}

// TestProxyARPIsTold checks that an interface that answers ARP for others is logged, with a remedy.
func TestProxyARPIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	s.command("a", "sysctl", "-qw", "net.ipv4.conf.eth0.proxy_arp_pvlan=1")
	a := s.start("a", router{150, often, ""})
	a.becomes("active", began, patience)
	if text := a.warned("proxy-arp", true, patience); !strings.Contains(text, "sysctl -w net.ipv4.conf.eth0.proxy_arp_pvlan=0") {
		t.Errorf("it does not say what to do: %s", text)
	}
	if l := a.wait(began, patience, "the warning", is("instance.warning")); l.Level != "error" {
		t.Errorf("logged at level %s", l.Level)
	}
	s.command("a", "sysctl", "-qw", "net.ipv4.conf.eth0.proxy_arp_pvlan=0")
	a.warned("proxy-arp", false, 15*time.Second)
}

// TestReadOnlySettingsAreTold checks that the daemon reports a read-only /proc/sys, on which a
// virtual MAC cannot have its settings.
func TestReadOnlySettingsAreTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	began := time.Now()
	file := s.configure("a.yaml", router{150, often, "virtual_mac: true"}.yaml(s, s.socket("a")))
	a := s.startCommand("a", exec.Command("unshare", "-m", "sh", "-c",
		`mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"`, "sh", binary, "run", "--config", file))
	a.wait(began, patience, "the warning", is("instance.warning"))
	if text := a.warned("settings", true, patience); !strings.Contains(text, "read-only") {
		t.Errorf("it does not say why: %s", text)
	}
}

// TestFilteredVirtualMACIsTold lets a switch drop the virtual MAC, as port security does: the
// Active logs that no host reaches it, and logs the end when the port forwards again.
func TestFilteredVirtualMACIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	s.command("a", program(t, "nft"), "add table netdev filter; add chain netdev filter out { type filter hook egress device eth0 priority 0; }; "+
		"add rule netdev filter out ether saddr 00:00:5e:00:01:33 drop")
	began := time.Now()
	a := s.start("a", router{150, often, "virtual_mac: true"})
	a.becomes("active", began, patience)
	s.command("client", "ip", "neigh", "flush", "all")
	s.reaches("client", "192.0.2.11") // so that it is heard
	if text := a.warned("unreached", true, 60*time.Second); !strings.Contains(text, "allow 00:00:5e:00:01:33 there") {
		t.Errorf("it does not say what to do: %s", text)
	}
	s.command("a", "nft", "delete table netdev filter")
	a.warned("unreached", false, 40*time.Second)
}
