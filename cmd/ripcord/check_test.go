package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckAgreesWithRun checks files that this machine cannot run: check fails where run does,
// unless the file is for another machine.
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

// TestCheckNamesMissingScriptOnce checks a keepalived.conf for another machine whose script this
// one lacks.
func TestCheckNamesMissingScriptOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keepalived.conf")
	text := "vrrp_script s {\n script /does/not/exist\n}\nvrrp_instance a {\n interface eth0\n virtual_router_id 1\n" +
		" track_script { s }\n virtual_ipaddress { 192.0.2.1/24 }\n}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, said := try(t, "check", "--elsewhere", path)
	if code != exitDone || strings.Count(said, "/does/not/exist") != 1 || !strings.Contains(said, "cannot be run on this machine") {
		t.Errorf("check exits with %d:\n%s", code, said)
	}
}
