package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// maker is one of the daemons that are compared, and knows how to configure and start it.
type maker interface {
	name() string
	version() string
	// command writes the configuration of a host and returns the command that starts it.
	command(dir, host string, r router) (*exec.Cmd, error)
	// backup is what it logs when it has become Backup.
	backup() string
}

// router is what one of them is configured to be: VRRPv3, unless it is old, over IPv4, multicast.
type router struct {
	priority  int
	interval  time.Duration
	instances []instance
	grouped   bool // all instances in one group
	nopreempt bool
	two       bool // ripcord's `routers: 2`; keepalived has nothing of the kind
	probe     bool // ripcord's `probe`, likewise
	old       bool // VRRPv2
	once      bool // announce at becoming Active alone, not 5 s later again
	realtime  bool // keepalived's option
}

// version is the version of VRRP.
func (r router) version() int {
	if r.old {
		return 2
	}
	return 3
}

type instance struct {
	ifname    string
	vrid      int
	addresses []string // all /32
}

func (i instance) name() string { return fmt.Sprintf("%s-%d", i.ifname, i.vrid) }

// ripcord is ours, at its defaults.
type ripcord struct{ binary, commit string }

func (ripcord) name() string { return "ripcord" }

func (m ripcord) version() string { return m.commit }

// commit is what the working tree is at, when it is built.
func commit() string {
	if out, err := exec.Command("git", "describe", "--tags", "--always", "--dirty", "--exclude", "*").Output(); err == nil {
		return strings.TrimSpace(string(out))
	}
	return "unknown"
}

func (ripcord) backup() string { return `"to":"backup"` }

func (m ripcord) command(dir, host string, r router) (*exec.Cmd, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "control: {socket: %s}\n", filepath.Join(dir, host+".sock"))
	fmt.Fprintf(&b, "defaults: {priority: %d, interval: %v, preempt: %t", r.priority, r.interval, !r.nopreempt)
	if r.once {
		b.WriteString(", announce: {again_after: 0s}")
	}
	if r.two {
		b.WriteString(", routers: 2")
	}
	if r.probe {
		b.WriteString(", probe: {}")
	}
	if r.old {
		b.WriteString(", version: 2")
	}
	b.WriteString("}\ninstances:\n")
	var names []string
	for _, i := range r.instances {
		fmt.Fprintf(&b, "  - {name: %s, interface: %s, vrid: %d, addresses: [%s/32]}\n",
			i.name(), i.ifname, i.vrid, strings.Join(i.addresses, "/32, "))
		names = append(names, i.name())
	}
	if r.grouped {
		fmt.Fprintf(&b, "groups:\n  - {name: edge, members: [%s]}\n", strings.Join(names, ", "))
	}
	config := filepath.Join(dir, host+".yaml")
	return exec.Command(m.binary, "run", "--config", config), os.WriteFile(config, []byte(b.String()), 0o600)
}

// keepalived is the peer, at its defaults but for version 3.
type keepalived struct{ path string }

func (keepalived) name() string { return "keepalived" }

func (m keepalived) version() string {
	out, _ := exec.Command(m.path, "--version").CombinedOutput()
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "v") {
			return strings.TrimPrefix(word, "v")
		}
	}
	return "unknown"
}

func (keepalived) backup() string { return "Entering BACKUP STATE" }

func (m keepalived) command(dir, host string, r router) (*exec.Cmd, error) {
	var b strings.Builder
	b.WriteString("global_defs {\n\trouter_id " + host + "\n")
	if r.realtime {
		b.WriteString("\tvrrp_rt_priority 50\n\tvrrp_rlimit_rttime 1000000\n\tvrrp_no_swap\n")
	}
	b.WriteString("}\n")
	for _, i := range r.instances {
		fmt.Fprintf(&b, "vrrp_instance %s {\n\tstate BACKUP\n\tinterface %s\n\tvirtual_router_id %d\n\tpriority %d\n\tadvert_int %g\n\tversion %d\n",
			i.name(), i.ifname, i.vrid, r.priority, r.interval.Seconds(), r.version())
		if r.nopreempt {
			b.WriteString("\tnopreempt\n")
		}
		if r.once {
			b.WriteString("\tgarp_master_delay 0\n")
		}
		fmt.Fprintf(&b, "\tvirtual_ipaddress {\n\t\t%s/32\n\t}\n}\n", strings.Join(i.addresses, "/32\n\t\t"))
	}
	if r.grouped {
		b.WriteString("vrrp_sync_group edge {\n\tgroup {\n")
		for _, i := range r.instances {
			b.WriteString("\t\t" + i.name() + "\n")
		}
		b.WriteString("\t}\n}\n")
	}
	pid := filepath.Join(dir, host+".pid")
	for _, left := range []string{pid, pid + ".vrrp"} { // by one that was killed, with the same PIDs
		_ = os.Remove(left)
	}
	config := filepath.Join(dir, host+".conf")
	return exec.Command(m.path, "--vrrp", "--dont-fork", "--log-console",
		"--use-file", config, "--pid", pid, "--vrrp_pid", pid+".vrrp"), os.WriteFile(config, []byte(b.String()), 0o600)
}
