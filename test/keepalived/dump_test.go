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

// dumped has all that keepalived's JSON dump can say and ripcord knows.
const dumped = `global_defs {
    script_user root
    enable_script_security
}
vrrp_script chk {
    script "/usr/bin/true arg"
    interval 1
    weight 2
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
    }
    virtual_rules {
        from 192.0.2.0/24 table 3 priority 77
    }
    track_interface {
        eth1 weight 5
    }
    track_script {
        chk
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
	"vroutes":               "keepalived adds its protocol and more words than ip route takes",
	"vrules":                "likewise",
	"advert_sent":           "a count",
	"master_priority":       "ripcord says its own while it is Active",
	"garp_lower_prio_rep":   "ripcord announces as when it becomes Active",
	"garp_lower_prio_delay": "likewise",
}

// later are the keys that keepalived has since 2.4.
var later = []string{"auth_ext_invalid_hmac", "auth_ext_malformed", "auth_ext_missing", "auth_ext_replay", "auth_ext_stale", "auth_ext_unknown_key"}

// TestDump compares keepalived's JSON dump with what ripcord prints in its form: the same
// names for the same instances, and the same values but where ripcord differs.
func TestDump(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	want := instancesOf(t, dump(t, keepalived))
	got := instancesOf(t, dump(t, ripcord))
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

// comparable are the names, and the values that should be the same.
func comparable(all map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range all {
		switch {
		case slices.Contains(later, key):
		case otherwise[key] != "":
			out[key] = "another value"
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

// instancesOf takes a dump apart: a list of instances in version 1, more in version 2.
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
