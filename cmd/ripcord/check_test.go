package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckAgreesWithRun checks files that this machine cannot run: check fails exactly where run
// does, unless the file is for another machine.
func TestCheckAgreesWithRun(t *testing.T) {
	const instance = "instances: [{name: a, interface: eth0, vrid: 51, priority: 150, addresses: [192.0.2.1/24]"
	for text, want := range map[string]string{
		instance + "}]": "",
		instance + "}]\nscript_user: nobody_here":                                                                             "", // who runs nothing
		instance + ", notify: {any: [/bin/true]}}]\nscript_user: nobody_here":                                                 "there is no user nobody_here",
		instance + "}]\nscript_user: root\nfifo: /run/x\nfifo_user: nobody_here":                                              "there is no user nobody_here",
		instance + "}]\nscript_user: root\nstartup: {command: [/bin/true], group: nobody_here}":                               "there is no group nobody_here",
		instance + ", track: [{check: c}]}]\nscript_user: root\nchecks: [{name: c, command: [/bin/true], user: nobody_here}]": "there is no user nobody_here",
		instance + ", track: [{check: c}]}]\nscript_user: root\nchecks: [{name: c, command: [/does/not/exist]}]":              "",
	} {
		path := writeConfig(t, text)
		started, _, _ := try(t, "run", "--check", "--config", path)
		code, _, said := try(t, "check", path)
		if (code == exitDone) != (started == exitDone) {
			t.Errorf("%s\ncheck exits with %d, run with %d:\n%s", text, code, started, said)
		}
		if want == "" {
			continue
		}
		if code != exitFailed || started != exitConfig || !strings.Contains(said, want) {
			t.Errorf("%s\ncheck exits with %d, run with %d:\n%s", text, code, started, said)
		}
		if code, _, said := try(t, "check", "--elsewhere", path); code != exitDone || !strings.Contains(said, want) {
			t.Errorf("%s\nfor another machine check exits with %d:\n%s", text, code, said)
		}
	}
}

// TestCheckNamesWhatIsMissingOnce checks files that name programs and users missing on this
// machine.
func TestCheckNamesWhatIsMissingOnce(t *testing.T) {
	const instance = "vrrp_instance a {\n interface eth0\n virtual_router_id 1\n priority 150\n virtual_ipaddress { 192.0.2.1/24 }\n"
	const section = "instances: [{name: a, interface: eth0, vrid: 51, priority: 150, addresses: [192.0.2.1/24]"
	for _, c := range []struct{ file, text, missing, want string }{
		{"keepalived.conf", "vrrp_script s {\n script /not/here\n}\n" + instance + " track_script { s }\n}\n", "/not/here", "/not/here cannot be run on this machine"},
		{"keepalived.conf", "vrrp_script s {\n script /bin/true\n user stranger\n}\n" + instance + " track_script { s }\n}\n", "stranger", "this machine has no user stranger"},
		{"keepalived.conf", instance + " notify_master /bin/true stranger\n}\n", "stranger", "this machine has no user stranger"},
		{"keepalived.conf", "global_defs {\n script_user stranger\n}\n" + instance + " notify_master /bin/true\n}\n", "stranger", "this machine has no user stranger"},
		{"ripcord.yaml", section + ", notify: {any: [/bin/true], user: stranger}}]\nscript_user: root\n", "user stranger", "notify of a: there is no user stranger"},
	} {
		path := filepath.Join(t.TempDir(), c.file)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, said := try(t, "check", "--elsewhere", path)
		if code != exitDone || strings.Count(said, c.missing) != 1 || !strings.Contains(said, c.want) {
			t.Errorf("%s\ncheck exits with %d:\n%s", c.text, code, said)
		}
	}
}
