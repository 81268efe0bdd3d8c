package interop

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ripcord/pkg/lan"
)

// keepalived is Debian's keepalived.
type keepalived struct {
	*process
	config   string
	election int // its priority
}

func newKeepalived(s *scene) *keepalived {
	s.t.Helper()
	k := &keepalived{process: newProcess(s, "peer", "keepalived"), config: filepath.Join(s.Dir, "keepalived.conf"), election: s.cell.theirs()}
	version := fmt.Sprintf("version %d", s.version)
	switch s.mode {
	case password:
		k.configure(version, "authentication {\n\t\tauth_type PASS\n\t\tauth_pass "+secret+"\n\t}")
	case unicast:
		k.configure(version, fmt.Sprintf("unicast_ttl 255\n\tunicast_src_ip %v\n\tunicast_peer {\n\t\t%v\n\t}", s.own(1), s.own(0)))
	case otherGroup:
		k.configure(version, fmt.Sprintf("mcast_dst_ip %v", s.group()))
	case virtualMAC:
		k.configure(version, "use_vmac")
	case macOfAddresses:
		k.configure(version, "use_vmac", "vmac_xmit_base")
	case leftAtVersion2:
		k.configure()
	default:
		k.configure(version)
	}
	return k
}

// configure writes its file, with further lines for the instance.
func (k *keepalived) configure(more ...string) {
	k.s.t.Helper()
	conf := fmt.Sprintf(`global_defs {
	router_id peer
}
vrrp_instance inside {
	state BACKUP
	interface %s
	virtual_router_id %d
	priority %d
	advert_int %g
	%s
	virtual_ipaddress {
		%s
	}
}
`, ifname, vrid, k.priority(), k.s.interval().Seconds(), strings.Join(more, "\n\t"), strings.Join(k.s.virtual(), "\n\t\t"))
	if err := os.WriteFile(k.config, []byte(conf), 0o600); err != nil {
		k.s.t.Fatal(err)
	}
}

func (k *keepalived) name() string  { return "keepalived" }
func (k *keepalived) priority() int { return k.election }

func (k *keepalived) start() time.Time {
	k.s.t.Helper()
	pid := filepath.Join(k.s.Dir, "keepalived.pid")
	for _, left := range []string{pid, pid + ".vrrp"} { // by one that was killed, with the same PIDs
		_ = os.Remove(left)
	}
	return k.run("Entering BACKUP STATE", program(k.s.t, "keepalived"), "--vrrp", "--dont-fork", "--log-console", "--log-detail",
		"--use-file", k.config, "--pid", pid, "--vrrp_pid", pid+".vrrp")
}

func (k *keepalived) mac() lan.MAC { return k.s.macOf(k) }

func (k *keepalived) sources() []netip.Addr {
	return []netip.Addr{k.s.own(1), k.s.linkLocal(k.on)}
}

func (k *keepalived) blind() bool { return false }

func (k *keepalived) late() time.Duration { return 0 }
