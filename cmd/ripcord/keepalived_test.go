package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const inKeepalived = `global_defs {
    notification_email { root@example.net }
    smtp_server 127.0.0.1
    script_user root
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    nopreemt
    use_ipvlan
    virtual_ipaddress { 192.0.2.100 }
    @other garp_master_delay x
    @here  garp_master_delay 7
}
`

const balanced = `virtual_server 192.0.2.100 80 {
    real_server 192.0.2.80 80 { weight 1 }
}
`

// TestKeepalived checks and runs a keepalived.conf like any other file, with the flags that it
// needs in addition.
func TestKeepalived(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("keepalived.conf", inKeepalived)
	other := write("other.txt", inKeepalived)
	named := write("named.conf", inKeepalived)
	misnamed := write("misnamed.conf", "# of left\ninstances: []\n")
	lvs := write("lvs/keepalived.conf", inKeepalived+balanced)
	broken := write("broken/keepalived.conf", strings.Replace(inKeepalived, "virtual_router_id 51", "virtual_router_id 510", 1))
	including := write("including/keepalived.conf", "includer none.conf\n"+inKeepalived)
	lines := "warning: " + plain + `:11:5: vrrp_instance VI_1: nopreemt is not a keyword of vrrp_instance: the line is left out; did you mean nopreempt?
differs: ` + plain + ":12:5: vrrp_instance VI_1: use_ipvlan: "
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"check " + plain, 0, plain + " is good: 1 instance, 0 groups, 1 warning, 1 differs, 1 not done", lines},
		{"check " + plain, 0, "", "not done: " + plain + ":2:5: notification_email, and 1 more line about it: ripcord sends no mail: "},
		{"check --format keepalived " + other, 0, other + " is good", "warning: " + other + ":11:5: "},
		{"check " + other, 1, "", other + ":1:1: this is in keepalived's language, and the path does not end in .conf; give --format keepalived\n"},
		{"check " + named, 0, named + " is good", ""},
		{"check " + misnamed, 1, "", misnamed + ":2:1: this is in ripcord's own language, and the path ends in .conf; give --format yaml\n"},
		{"check --format yaml " + misnamed, 1, "", misnamed + ":2:1: instances: needs at least one entry\n"},
		{"run --check --config " + other, 78, "", "give --format keepalived"},
		{"check --format yaml " + other, 1, "", "other.txt cannot be used"},
		{"check --format yaml " + plain, 1, "", "keepalived.conf cannot be used"},
		{"check --format toml " + plain, 2, "", "ripcord: --format toml: write yaml or keepalived\n"},
		{"check --id here " + plain, 0, "is good", ""},
		{"check --id other " + plain, 0, "2 warnings", plain + ":14:30: vrrp_instance VI_1: x is not a number of seconds"},
		{"check " + lvs, 1, "", lvs + ":17:1: this virtual server is not served by ripcord"},
		{"check --without-lvs " + lvs, 0, "2 not done", "not done: " + lvs + ":17:1: virtual_server 192.0.2.100: ripcord does no load balancing"},
		{"check " + broken, 1, "", lines[:strings.Index(lines, "/keepalived.conf")] + "/broken/keepalived.conf:11:5: "},
		{"check " + broken, 1, "", "not done: " + broken + ":2:5: notification_email"},
		{"check " + broken, 1, "", "ripcord: " + broken + " cannot be used: 1 problem, 1 warning, 1 differs, 1 not done\n"},
		{"check --format keepalived " + dir, 1, "", "is a directory"},
		{"run --check --format keepalived --config " + dir, 78, "", "is a directory"},
		{"check " + dir + "/none/keepalived.conf", 1, "", "no such file or directory"},
		{"run --check --config " + dir + "/none/keepalived.conf", 78, "", "no such file or directory"},
		{"check " + including, 1, "", "no file matches"},
		{"run --check --config " + including, 78, "", "no file matches"},
		{"convert " + lvs, 1, "", lvs + ":17:1: this virtual server is not served by ripcord"},
		{"convert --without-lvs " + lvs, 0, "instances:\n", ""},
		{"run --check --config " + lvs, 78, "", "start ripcord run with --without-lvs"},
		{"run --check --without-lvs --config " + lvs, 0, "is good", ""},
		{"run --check --config " + broken, 78, "", broken + ":9:23: vrrp_instance VI_1: virtual_router_id: 510 is not between 1 and 255"},
	} {
		code, stdout, stderr := try(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("ripcord %s: exit code %d, want %d\nstdout %q, want %q\nstderr %q\n  want %q", c.args, code, c.code, stdout, c.stdout, stderr, c.stderr)
		}
	}
}

// TestKeepalivedCorpus checks every file of the corpus: check exits with 0 where run would start
// and with 1 where it would not, and prints one line about each problem.
func TestKeepalivedCorpus(t *testing.T) {
	files, err := filepath.Glob("../../pkg/keepalived/testdata/*.conf")
	if err != nil || len(files) < 300 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	place := regexp.MustCompile(`^(?:(?:warning|differs|not done): )?(\S+:\d+:\d+): `)
	good := 0
	for _, file := range files {
		code, _, said := try(t, "check", "--format", "keepalived", "--id", "alpha", file)
		starts, _, _ := try(t, "run", "--check", "--format", "keepalived", "--id", "alpha", "--config", file)
		if code == exitDone != (starts == exitDone) || code != exitDone && (code != exitFailed || starts != exitConfig) {
			t.Errorf("%s: check exits with %d, run with %d", file, code, starts)
		}
		if code == exitDone {
			good++
		}
		at := map[string]string{}
		for line := range strings.Lines(said) {
			m := place.FindStringSubmatch(line)
			switch {
			case m == nil, strings.Contains(line, "is not UTF-8 text"): // this line is about encoding, and another may report the same place
			case at[m[1]] != "":
				t.Errorf("two lines about one place:\n%s%s", at[m[1]], line)
			default:
				at[m[1]] = line
			}
		}
	}
	if good < 250 || good == len(files) {
		t.Errorf("%d of %d files are good: the test reads the corpus wrongly", good, len(files))
	}
}
