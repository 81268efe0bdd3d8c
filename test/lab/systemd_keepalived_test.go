package lab

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestUnitKeepalived: with what docs/migrating-from-keepalived.md has a reader add to the
// units, systemd runs ripcord from keepalived's own file, and the commands of that.
func TestUnitKeepalived(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/migrating-from-keepalived.md")
	if err != nil {
		t.Fatal(err)
	}
	edits := regexp.MustCompile("(?s)`systemctl edit (ripcord|ripcord-runner)`:\n\n```\n(.*?)```").FindAllSubmatch(page, -1)
	if len(edits) != 2 {
		t.Fatalf("the page edits %d units, want 2", len(edits))
	}
	mode := regexp.MustCompile(`(?m)^    (chgrp .*)$`).FindSubmatch(page)
	if mode == nil {
		t.Fatal("the page does not say who has to be able to read the file")
	}
	s := newSite(t, []segment{inside}, "a")
	m := s.systemd("a", "")
	m.file("etc/keepalived/keepalived.conf", `global_defs { script_user daemon }
vrrp_instance inside {
	interface eth0
	virtual_router_id 51
	priority 150
	advert_int 1
	virtual_ipaddress { 192.0.2.1/24 }
	notify_master "/bin/sh -c 'id -un'"
}
`, 0o666)
	for _, edit := range edits {
		m.file("units/"+string(edit[1])+".service.d/override.conf", string(edit[2]), 0o644)
	}
	// The account is not on this machine, and its /etc is another one.
	readable := strings.NewReplacer("/etc/", m.root+"/etc/", " ripcord-daemon ", fmt.Sprintf(" %d ", daemonUser)).Replace(string(mode[1]))
	if out, err := exec.Command("sh", "-c", "rm "+m.root+"/etc/ripcord/ripcord.yaml && "+readable).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", readable, err, out)
	}
	m.must("daemon-reload")
	at := time.Now()
	m.must("start", "ripcord")
	a := m.daemon()
	a.becomes("active", at, 10*time.Second)
	m.sandboxed()
	ran := a.wait(at, patience, "the notify command", func(l line) bool { return l.Event == "notify.ran" && l.State == "MASTER" })
	if ran.Output != "daemon" {
		t.Errorf("the notify command printed %q", ran.Output)
	}
}
