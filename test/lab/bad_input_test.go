package lab

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/lan"
)

// badInput is a check with which something is wrong, from the start or since a change of
// what is at its path.
type badInput struct {
	check  string             // its keys; PATH is that of a file of its own
	before func(path string)  // makes that file
	change func(path string)  // nil: it is wrong from the start
	want   string             // what the log says, once; PATH likewise
	value  int                // what it adds to the priority then
	after  func(l line) error // what else is looked at; nil: nothing
}

// writes returns what writes a shell script.
func writes(mode os.FileMode, body string) func(string) {
	return func(path string) {
		_ = os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o600)
		_ = os.Chmod(path, mode)
	}
}

// holding returns what writes a text, as one does who does not want it to be read half.
func holding(text string) func(string) {
	return func(path string) {
		_ = os.WriteFile(path+".new", []byte(text), 0o600)
		_ = os.Rename(path+".new", path)
	}
}

// exchanged returns what puts something else in the place of a file at once.
func exchanged(by func(path string) error) func(string) {
	return func(path string) {
		_ = by(path + ".new")
		_ = unix.Renameat2(unix.AT_FDCWD, path+".new", unix.AT_FDCWD, path, unix.RENAME_EXCHANGE)
	}
}

// badInputs are all of them, by the name of their check; url is served with a certificate
// that nobody signed.
func badInputs(url string) map[string]badInput {
	const command, file = "command: [PATH]", "file: {path: PATH}"
	const gigabyte = 1_000_000_000
	all := map[string]badInput{
		"missing":        {check: command, want: "PATH does not exist"},
		"not-executable": {check: command, before: writes(0o644, "exit 0"), want: "PATH is not executable by user root (mode 0644): chmod +x it"},
		"another-users": {check: command, want: "PATH belongs to user nobody, who could change what user root runs: chown it to root, or run the command as user nobody",
			before: func(path string) { writes(0o777, "exit 0")(path); _ = os.Chown(path, 65534, 65534) }},
		"writable": {check: command, before: writes(0o777, "exit 0"), want: "PATH is writable by everybody (mode 0777), who could change what user root runs: chmod o-w it"},
		"no-script": {check: command, want: "PATH does not start: the interpreter that its first line names does not exist",
			before: func(path string) { _ = os.WriteFile(path, []byte("#!/no/such/shell\n"), 0o700) }},
		"prints-1GB": {check: "command: [PATH], interval: 30s", before: writes(0o755, fmt.Sprintf("yes 'no end of it' | head -c %d; exit 7", gigabyte)), want: "exit status 7",
			after: func(l line) error {
				if len(l.Output) < 4000 || len(l.Output) > 4096 || !strings.HasPrefix(l.Output, "no end of it\nno end") {
					return fmt.Errorf("%d bytes of its output are in the log, want the first 4 KiB", len(l.Output))
				}
				return nil
			}},
		"leaves-children": {check: command, want: "exit status 9",
			before: func(path string) { // whose children are known by their name
				_ = os.Symlink("/bin/sleep", path+".sleep")
				writes(0o755, `"$0.sleep" 1000 & "$0.sleep" 1000 & exit 9`)(path)
			}},
		"leaves-daemons":  {check: command + ", interval: 30s", before: writes(0o755, "setsid sleep 1000 & exit 9"), want: "exit status 9"}, // which hold the pipe of its output open
		"ignores-SIGTERM": {check: command + ", timeout: 1s", before: writes(0o755, `trap "" TERM; while :; do sleep 1000; done`), want: "timed out after 1s"},
		"untrusted":       {check: fmt.Sprintf("http: {url: '%s'}", url), want: "the certificate is not trusted: x509: certificate signed by unknown authority (insecure: true accepts any)"},
		"text":            {check: file, before: holding("-3\n"), change: holding("three\n"), want: `PATH has "three", want an integer: -3 counts until then`, value: -3},
		"huge": {check: file, before: holding("-3\n"), change: holding("1" + strings.Repeat("0", 30) + "\n"), value: -3,
			want: "PATH has 1" + strings.Repeat("0", 30) + ", which is out of range: want an integer from -2147483648 to 2147483647: -3 counts until then"},
		"removed": {check: file, before: holding("-3\n"), change: func(path string) { _ = os.Remove(path) }, want: "PATH does not exist: it counts as 0"},
		"fifo": {check: file, before: holding("-3\n"), want: "PATH is a FIFO, want a regular file: -3 counts until then", value: -3,
			change: exchanged(func(path string) error { return unix.Mkfifo(path, 0o600) })},
		"directory": {check: file, before: holding("-3\n"), want: "PATH is a directory, want a regular file: -3 counts until then", value: -3,
			change: exchanged(func(path string) error { return os.Mkdir(path, 0o700) })},
	}
	return all
}

// TestBadInput checks that the log reports an invalid command, URL or file of a check once, and
// that no advert is late because of it.
func TestBadInput(t *testing.T) {
	t.Parallel()
	measuredAnew(t, func(t *testing.T, m *machine) (wrong string) {
		s := newSite(t, []segment{inside}, "a")
		inputs := badInputs(s.untrusted())
		path := func(name string) string { return filepath.Join(s.Dir, "input-"+name) }
		var checks, tracked strings.Builder
		for name, in := range inputs {
			if in.before != nil {
				in.before(path(name))
			}
			keys, weight := strings.ReplaceAll(in.check, "PATH", path(name)), ""
			for key, usual := range map[string]string{"interval": "200ms", "timeout": "15s"} {
				if !strings.Contains(keys, key) {
					keys += fmt.Sprintf(", %s: %s", key, usual)
				}
			}
			if !strings.Contains(keys, "file:") {
				weight = ", weight: -1"
			}
			fmt.Fprintf(&checks, "  - {name: %s, %s, initial: pass%s}\n", name, keys, weight)
			fmt.Fprintf(&tracked, "{check: %s}, ", name)
		}
		began := time.Now()
		a := s.startYAML("a", "script_user: root\nchecks:\n"+checks.String()+router{150, often, "track: [" + tracked.String() + "]"}.yaml(s, s.socket("a")))
		a.becomes("active", began, 10*time.Second)
		before := a.usage()
		sniffer, watched := s.sniff(inside), time.Now()
		for name, in := range inputs {
			at := began
			if in.change != nil {
				a.wait(began, patience, "the content of "+name, func(l line) bool { return l.Event == "check.changed" && l.Name == name })
				at = time.Now()
				in.change(path(name))
			}
			want := strings.ReplaceAll(in.want, "PATH", path(name))
			l := a.wait(at, 20*time.Second, name+": "+want, func(l line) bool {
				return l.Event == "check.changed" && l.Name == name && strings.Contains(l.Msg+": ", ": "+want+": ")
			})
			if l.Level != "warn" {
				t.Errorf("%s: %s is logged at %s", name, l.Msg, l.Level)
			}
			if in.after != nil {
				if err := in.after(l); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		time.Sleep(time.Second)
		wrong = s.undisturbed(m, sniffer.Adverts(), watched)
		for _, l := range a.moves(watched) {
			t.Errorf("it moved: %s", l.Msg)
		}
		s.saidOnce(a, inputs)
		if after := a.usage(); after.kib > before.kib+16<<10 {
			t.Errorf("it has %d KiB, and had %d", after.kib, before.kib)
		}
		if left, err := exec.Command("pgrep", "-af", path("leaves-children.sleep")).Output(); err == nil {
			t.Errorf("children of a check are left:\n%s", left)
		}
		return wrong
	})
}

// TestBadNotifyCommand: the same commands at a transition are each in the log with the same
// words, and no advert is late for them.
func TestBadNotifyCommand(t *testing.T) {
	t.Parallel()
	measuredAnew(t, func(t *testing.T, m *machine) (wrong string) {
		s := newSite(t, []segment{inside}, "a")
		path := func(name string) string { return filepath.Join(s.Dir, "input-"+name) }
		commands := badInputs("")
		maps.DeleteFunc(commands, func(_ string, in badInput) bool { return !strings.HasPrefix(in.check, "command:") })
		yaml := "script_user: root\n" + router{150, often, ""}.yaml(s, s.socket("a"))
		vrid := inside.vrid
		for name, in := range commands {
			if in.before != nil {
				in.before(path(name))
			}
			timeout := "15s"
			if strings.Contains(in.want, "1s") {
				timeout = "1s"
			}
			vrid++
			yaml += fmt.Sprintf("  - {name: %s, interface: eth0, vrid: %d, addresses: [%s.%d/24], notify: {active: [%s], timeout: %s}}\n", name, vrid, inside.network, vrid, path(name), timeout)
		}
		began := time.Now()
		a := s.startYAML("a", yaml)
		a.becomes("active", began, 10*time.Second)
		sniffer, watched := s.sniff(inside), time.Now()
		for name, in := range commands {
			want := strings.ReplaceAll(in.want, "PATH", path(name))
			l := a.wait(began, 20*time.Second, name+": "+want, func(l line) bool {
				return l.Event == "notify.ran" && l.Name == name && strings.HasSuffix(l.Msg, ": "+want)
			})
			if in.after != nil {
				if err := in.after(l); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		time.Sleep(time.Second)
		return s.undisturbed(m, sniffer.Adverts(), watched)
	})
}

// saidOnce checks that each check is in the state that follows, and that the log reports each
// mistake at most once, however often it was found.
func (s *site) saidOnce(d *daemon, inputs map[string]badInput) {
	s.t.Helper()
	for _, k := range d.status().Checks {
		in, state := inputs[k.Name], "down"
		if strings.HasPrefix(in.check, "file:") {
			state = "up"
		}
		if k.State != state || k.Value != in.value || k.Error == "" || k.Runs == 0 {
			s.t.Errorf("%+v, want it to be %s and to add %d", k, state, in.value)
		}
	}
	said := make(map[string]int)
	for _, l := range d.log(time.Time{}) {
		if l.Event == "check.changed" && l.Level == "warn" {
			said[l.Name]++
		}
	}
	for name := range inputs {
		if said[name] != 1 {
			s.t.Errorf("the log reports the mistake of %[2]s %[1]d times, want once", said[name], name)
		}
	}
}

// undisturbed returns how long there was no advert of the instance inside, if that was too long.
func (s *site) undisturbed(m *machine, adverts []lan.Advert, since time.Time) (wrong string) {
	s.t.Helper()
	longest, last := time.Duration(0), since
	for _, x := range adverts {
		if int(x.VRID) == inside.vrid {
			longest, last = max(longest, x.At.Sub(last)), x.At
		}
	}
	longest = max(longest, time.Since(last))
	s.t.Logf("%d adverts; the longest time without one is %v", len(adverts), longest)
	most := often + often/2
	if m.busy(3 * time.Millisecond) {
		most = 3 * often // which is when a Backup misses them
	}
	if longest > most {
		return fmt.Sprintf("%v without an advert", longest)
	}
	return ""
}

// untrusted serves a page with a certificate that nobody signed, at the URL that it returns.
func (s *site) untrusted() (url string) {
	s.t.Helper()
	var l net.Listener
	if err := s.Host("a").Do(func() (err error) {
		l, err = net.Listen("tcp", "127.0.0.1:0") // for which the certificate is valid
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "well\n") }),
		ErrorLog: log.New(io.Discard, "", 0), // of the handshakes
	}}
	server.StartTLS()
	s.t.Cleanup(server.Close)
	return server.URL
}
