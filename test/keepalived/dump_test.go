package keepalived

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/test/netns"
	"ripcord/test/stage"
)

// dumped is a configuration with everything that keepalived's JSON dump contains and ripcord knows.
const dumped = `global_defs {
    script_user root
    enable_script_security
    json_version 2
}
vrrp_script chk {
    script "/usr/bin/true arg"
    interval 1
    weight 2
}
vrrp_track_process none {
    process nosuch
    weight 3
}
vrrp_track_process some {
    process nosuch
    quorum 1
    quorum_max 3
    weight 4 reverse
}
vrrp_instance VI_1 {
    interface eth0
    state BACKUP
    virtual_router_id 51
    priority 100
    nopreempt
    garp_master_refresh 60
    garp_master_delay 3
    authentication {
        auth_type PASS
        auth_pass secret
    }
    virtual_ipaddress {
        192.0.2.100/24 label eth0:1
        198.51.100.3
    }
    virtual_ipaddress_excluded {
        192.0.2.101/24
    }
    virtual_routes {
        10.0.0.0/8 via 192.0.2.254 dev eth0 table 3 metric 4
        10.1.0.0/16 dev eth1
        src 192.0.2.100 to 10.2.0.0/16 via 192.0.2.254 dev eth0 mtu 1400 window 3
        blackhole 10.3.0.0/16
        10.4.0.0/16 nexthop via 192.0.2.254 dev eth0 weight 2 nexthop via 192.0.2.253 dev eth0
        2001:db8:1::/48 via 2001:db8:51::1 dev eth0 pref low
    }
    virtual_rules {
        from 192.0.2.0/24 table 3 priority 77
        from 192.0.2.0/24 to 10.0.0.0/8 fwmark 0x10/0xff iif eth0 oif eth1 table 4 priority 79 tos 0x10
        not from 10.10.0.0/16 table 6 priority 81
        blackhole from 10.9.0.0/16 priority 80
        from 10.12.0.0/16 suppress_prefixlength 0 table main priority 84
        ipproto tcp dport 80-90 table 9 priority 85
    }
    track_interface {
        eth1 weight 5
    }
    track_script {
        chk
    }
    track_process {
        none
        some
    }
    notify "/etc/keepalived/notify.sh any"
    notify_master "/etc/keepalived/notify.sh master"
    notify_backup /etc/keepalived/notify.sh
    notify_fault /etc/keepalived/notify.sh
    notify_stop /etc/keepalived/notify.sh
}
vrrp_instance VI_2 {
    interface eth1
    version 3
    virtual_router_id 6
    use_vmac
    preempt_delay 3.5
    priority 100
    virtual_ipaddress {
        198.51.100.6/24
    }
}
`

// otherwise are the keys whose values differ, with the reason.
var otherwise = map[string]string{
	"last_transition":       "a time",
	"promote_secondaries":   "ripcord always sees to it",
	"auth_data":             "keepalived 2.2.7 shows the password, later ones and ripcord do not",
	"advert_sent":           "a count",
	"garp_lower_prio_rep":   "ripcord announces as when it becomes Active",
	"garp_lower_prio_delay": "likewise",
}

// later are the keys that keepalived has since 2.4.
var later = []string{"track_process", "auth_ext_invalid_hmac", "auth_ext_malformed", "auth_ext_missing", "auth_ext_replay", "auth_ext_stale", "auth_ext_unknown_key"}

// likewise replaces differences in the words of routes and rules: the protocol of the program that
// added them, and words that keepalived 2.2.7 writes by mistake, and later ones and ripcord do not.
var likewise = strings.NewReplacer("proto 18", "proto 112", "protocol 18", "protocol 112",
	"add blackhole", "prepend blackhole", " no_track", "", " [installed ifindex 0]", "")

// TestDump compares keepalived's JSON dump with ripcord's in the same form: both must have the same
// names for the same instances, and the same values except where ripcord differs.
func TestDump(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	theirs, ours := dump(t, keepalived), dump(t, ripcord)
	if all := processesOf(t, theirs); all == nil {
		t.Log("this keepalived dumps no processes: those are not compared (KEEPALIVED= names another one)")
	} else if diff := cmp.Diff(all, processesOf(t, ours)); diff != "" {
		t.Errorf("processes: -keepalived, +ripcord:\n%s", diff)
	}
	want, got := instancesOf(t, theirs), instancesOf(t, ours)
	if len(want) != 2 || len(got) != 2 {
		t.Fatalf("keepalived has %d instances, ripcord %d", len(want), len(got))
	}
	for name, theirs := range want {
		for _, part := range []string{"data", "stats"} {
			if diff := cmp.Diff(comparable(theirs[part]), comparable(got[name][part])); diff != "" {
				t.Errorf("%s of %s: -keepalived, +ripcord:\n%s", part, name, diff)
			}
		}
	}
}

// comparable returns the names, and the values that should be equal.
func comparable(all map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range all {
		switch {
		case slices.Contains(later, key):
		case otherwise[key] != "":
			out[key] = "another value"
		case key == "vroutes" || key == "vrules":
			lines, _ := value.([]any)
			for n := range lines {
				lines[n] = likewise.Replace(fmt.Sprint(lines[n]))
			}
			out[key] = lines
		default:
			out[key] = value
		}
	}
	return out
}

// dump returns the dump of a router that has become Active.
func dump(t *testing.T, b brand) []byte {
	t.Helper()
	s := stage.New(t, ports("router", rivalHost)...)
	r := newRouter(t, s, b, "router", dumped)
	r.start(t)
	t.Cleanup(func() {
		if t.Failed() {
			s.ShowLogs(t, 40, nil)
		}
	})
	for end := time.Now().Add(6*time.Second + patience); ; time.Sleep(100 * time.Millisecond) {
		if masters := strings.Count(strings.Join(r.held(t), "\n"), "inet 198.51.100."); masters == 3 { // its own, and one of each instance
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s holds only %v", b, r.held(t))
		}
	}
	time.Sleep(time.Second)
	if b == ripcord {
		socket := fmt.Sprintf("/proc/%d/root/run/ripcord/ripcord.sock", r.runs.Command.Process.Pid)
		out, err := s.Run("router", built, "status", "--format", "keepalived-json", "--socket", socket)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(out)
	}
	const realTimeMin = 34 // of glibc
	if _, err := r.runs.Signal(syscall.Signal(realTimeMin + 2)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.dir, "tmp", "keepalived.json")
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil && json.Valid(text) {
			return text
		}
		if time.Now().After(end) {
			t.Fatalf("keepalived wrote no %s", path)
		}
	}
}

// instancesOf parses the instances of a dump: a list in version 1, part of an object in version 2.
func instancesOf(t *testing.T, text []byte) map[string]map[string]map[string]any {
	t.Helper()
	var list []map[string]map[string]any
	var document struct {
		VRRP []map[string]map[string]any `json:"vrrp"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		list = document.VRRP
	}
	all := map[string]map[string]map[string]any{}
	for _, i := range list {
		all[fmt.Sprint(i["data"]["iname"])] = i
	}
	return all
}

// processesOf returns the tracked processes of a dump, ordered by name, or nil if the dump has
// none.
func processesOf(t *testing.T, text []byte) []map[string]any {
	t.Helper()
	var document struct {
		Processes []map[string]any `json:"track_process"`
	}
	if json.Unmarshal(text, &document) != nil { // version 1
		return nil
	}
	slices.SortFunc(document.Processes, func(a, b map[string]any) int {
		return strings.Compare(fmt.Sprint(a["process"]), fmt.Sprint(b["process"]))
	})
	return document.Processes
}
