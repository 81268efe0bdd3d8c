package keepalived

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ripcord/test/golden"
)

// TestConversions compares what ripcord convert prints of some files with golden files.
// pkg/config shows for all files that a conversion means the same.
func TestConversions(t *testing.T) {
	for _, name := range []string{
		"basic-two-instances", "check-curl", "check-missing-on-this-machine", "check-nc", "check-pgrep", "election-nopreempt-with-master", "misspelt-in-an-instance", "notify-users",
		"product-haproxy-pair", "script-killall-as-another-user", "product-mail-and-lvs-director", "product-many-vlans", "product-vyos", "syntax-include", "track-process-quorum", "unicast-without-interface",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name+".conf")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tr := Translate(file, text, Options{ID: "alpha", WithoutLVS: true, Elsewhere: true, System: testSystem{}})
			if tr.Root == nil {
				t.Fatalf("%+v", tr.Notes)
			}
			before := tr.Root.YAML()
			golden.Check(t, filepath.Join("testdata", "converted", name+".yaml"), tr.YAML())
			if tr.Root.YAML() != before {
				t.Error("the translation itself has changed")
			}
		})
	}
}

// TestReplacements: a command is replaced by a check of ripcord's own only where both do the
// same.
func TestReplacements(t *testing.T) {
	for _, c := range []struct{ command, want string }{
		{"killall -0 haproxy", "process: {name: haproxy}"},
		{"/usr/bin/killall -q -0 haproxy", "process: {name: haproxy}"},
		{"killall -0 haproxy nginx", ""},
		{"killall haproxy", ""},
		{"killall -9 haproxy", ""},
		{"killall -0 a-name-that-is-cut-by-the-kernel", ""},
		{"pidof named", "process: {name: named}"},
		{"pidof -x check.sh", ""},
		{"pidof /usr/sbin/named", "process: {name: /usr/sbin/named}"},
		{"pgrep nginx", "process: {name: nginx, match: part}"}, {"pgrep g++", ""},
		{"pgrep -x nginx", "process: {name: nginx}"},
		{"pgrep -f nginx", ""},
		{"pgrep ^nginx$", ""},
		{"pgrep nginx.*worker", ""},
		{"nc -z 192.0.2.1 80", "tcp: {address: 192.0.2.1:80}"},
		{"nc -zw 1 192.0.2.1 80", ""},
		{"nc -z -w 3 192.0.2.1 80", "tcp: {address: 192.0.2.1:80} 3s"},
		{"nc 192.0.2.1 80", ""},
		{"nc -zu 192.0.2.1 53", ""},
		{"nc -z 192.0.2.1 80 443", ""},
		{"nc -z localhost 80", ""},
		{"nc -z 192.0.2.1 80-90", ""},
		{"curl -f http://127.0.0.1/", "http: {url: http://127.0.0.1/}"},
		{"curl http://127.0.0.1/", "http: {url: http://127.0.0.1/, status: 100-599}"},
		{"curl -sfk -m 2 https://127.0.0.1:6443/livez", "http: {url: https://127.0.0.1:6443/livez, insecure: true} 2s"},
		{"curl -s -o /dev/null -f http://127.0.0.1/", "http: {url: http://127.0.0.1/}"},
		{"curl -s -o /tmp/answer -f http://127.0.0.1/", ""},
		{"curl -fL http://127.0.0.1/", ""},
		{"curl -f -X POST http://127.0.0.1/", ""},
		{"curl -f -H Host:example.org http://127.0.0.1/", ""},
		{"curl -f ftp://127.0.0.1/", ""},
		{"curl -f http://user:secret@127.0.0.1/", ""},
		{"curl -f http://127.0.0.1/ | grep ok", ""},
		{"systemctl is-active nginx", ""},
		{"killall", ""},
	} {
		key, value, timeout := replacement(strings.Fields(c.command))
		got := ""
		if value != nil {
			var fields []string
			for _, e := range value.Entries {
				fields = append(fields, e.Key+": "+e.Value.Text)
			}
			got = key + ": {" + strings.Join(fields, ", ") + "}"
			if timeout > 0 {
				got += " " + timeout.String()
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.command, got, c.want)
		}
	}
}

// TestShorten: a check gets the timeout of its command where that is shorter than its own.
func TestShorten(t *testing.T) {
	for _, c := range []struct {
		interval, timeout, of, want string
	}{
		{"3s", "", "2s", "2s"},
		{"3s", "", "5s", ""},
		{"", "", "500ms", "500ms"},
		{"3s", "1s", "2s", "1s"},
		{"3s", "3s", "2s", "2s"},
	} {
		check := newMap(at(1, 1), "")
		for _, e := range []struct{ key, value string }{{"interval", c.interval}, {"timeout", c.timeout}} {
			if e.value != "" {
				check.text(e.key, at(1, 1), e.value)
			}
		}
		of, err := time.ParseDuration(c.of)
		if err != nil {
			t.Fatal(err)
		}
		shorten(check.Node, of)
		got := ""
		if e := check.Find("timeout"); e != nil {
			got = e.Value.Text
		}
		if got != c.want {
			t.Errorf("%+v: timeout %q", c, got)
		}
	}
}
