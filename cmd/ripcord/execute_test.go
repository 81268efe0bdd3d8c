package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/config"
	"ripcord/pkg/config/configtest"
	"ripcord/pkg/control"
	"ripcord/pkg/event"
)

// fakeDaemon serves the document of that name in testdata on a socket.
func fakeDaemon(t *testing.T, name string) (socket string) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "rc") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case control.StatusPath:
			_, _ = w.Write(body)
		case control.HandoverPath:
			_, _ = w.Write([]byte(`{"groups": ["edge"]}`))
		case control.KeepalivedPath:
			_, _ = w.Write([]byte(`{"vrrp": [{"data": {"iname": "inside"}}, {"data": {"iname": "dmz"}}]}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return socket
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ripcord.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func try(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = execute(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

// aboutMachine begins the lines that depend on the machine of the test.
const aboutMachine = "warning: on this machine "

// aboutFile returns stderr without those lines.
func aboutFile(stderr string) string {
	var b strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, aboutMachine) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestCheckCounts requires that the last line also counts the warnings about this machine.
func TestCheckCounts(t *testing.T) {
	absent := writeConfig(t, strings.ReplaceAll(configtest.Smallest, "eth1", "nosuch0"))
	_, stdout, stderr := try(t, "check", absent)
	want := absent + " is good: 2 instances, 1 group, " + event.Count(strings.Count(stderr, aboutMachine), "warning") + " on this machine\n"
	if !strings.Contains(stderr, aboutMachine) || stdout != want {
		t.Errorf("stdout %q, want %q\nstderr %q", stdout, want, stderr)
	}
}

// TestExecute tests exit codes, and which output goes to stdout and to stderr.
func TestExecute(t *testing.T) {
	socket := fakeDaemon(t, "pulled")
	fine := writeConfig(t, configtest.Smallest)
	vague := writeConfig(t, strings.Replace(configtest.Smallest, "    priority: 150\n", "", 2))
	bad := writeConfig(t, strings.Replace(configtest.Smallest, "vrid: 51", "vrid: 300", 1))
	absent := writeConfig(t, strings.ReplaceAll(configtest.Smallest, "eth1", "nosuch0"))
	missing := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string // what each must contain; empty: it must be empty
	}{
		{"--help", 0, "status", ""},
		{"help", 0, "status", ""},
		{"help status", 0, "--socket", ""},
		{"help statsu", 2, "", "ripcord: there is no command \"statsu\": did you mean status?\n"},
		{"help bogus", 2, "", "ripcord: there is no command \"bogus\": ripcord --help lists them\n"},
		{"check --config=", 2, "", "ripcord: the path of the configuration file is empty: give the path of a file\n"},
		{"run --config=", 2, "", "ripcord: the path of the configuration file is empty: give the path of a file\n"},
		{"completion bash", 0, "ripcord", ""},
		{"version", 0, "ripcord ", ""},
		{"status --socket " + socket, 0, "inside   edge   fault", ""},
		{"status edge --json --socket " + socket, 0, `"name": "edge"`, ""},
		{"check " + fine, 0, fine + " is good: 2 instances, 1 group", ""},
		{"check --config " + fine, 0, fine + " is good: 2 instances, 1 group", ""},
		{"check " + absent, 0, "is good", aboutMachine + "there is no interface nosuch0: outside waits in Fault until there is one\n"},
		{"check " + vague, 0, "warning", "warning: " + vague + ":"},

		{"convert " + filepath.Join("..", "..", "pkg", "keepalived", "testdata", "basic-smallest.conf"), 0, "    addresses: [192.0.2.100/32]\n", ""},
		{"convert " + filepath.Join("..", "..", "pkg", "keepalived", "testdata", "broken-no-vrid.conf"), 1, "", "cannot be used: 1 problem\n"},
		{"convert " + missing, 1, "", "no such file or directory; name the keepalived.conf to convert\n"},
		{"convert " + fine, 1, "", "ripcord: " + fine + " is a ripcord.yaml already: convert takes a keepalived.conf\n"},
		{"convert", 2, "", "ripcord: ripcord convert: name a keepalived.conf\n"},
		{"release", 2, "", "ripcord: ripcord release: name an instance or a group, which ripcord status lists\n"},
		{"simulate", 2, "", "ripcord: ripcord simulate: name the configuration files of the routers\n"},
		{"reload x", 2, "", "ripcord: ripcord reload takes no argument: leave out \"x\"\n"},
		{"events --socket " + missing, 1, "", "ripcord: there is no socket " + missing + ": is ripcord running?"},
		{"events log.txt", 2, "", "ripcord: events log.txt: give - to read a log from standard input, or nothing to ask the daemon\n"},
		{"events - --follow", 2, "", "ripcord: with - the log comes from standard input: leave out --follow, --since and --socket\n"},
		{"doctor --for -1s", 2, "", "ripcord: --for -1s: give a time from 0s to 1h\n"},
		{"doctor eth0", 2, "", "ripcord: ripcord doctor takes no argument: leave out \"eth0\"\n"},
		{"doctor --config " + missing, 1, "", "ripcord: no configuration: "},
		{"doctor --config " + bad, 1, "", ": 300 is not between 1 and 255"},
		{"events --since 0s", 2, "", "ripcord: --since 0s: give a time greater than 0, as 10m, or an instant in the past\n"},
		{"events --since bogus", 2, "", "ripcord: --since \"bogus\" is neither a duration, as 10m, nor a time, as 2026-03-01T12:00:00Z\n"},
		{"events --since 2026-03-01T12:00:00Z --socket /none/s", 1, "", "ripcord: there is no socket /none/s: is ripcord running? If its control.socket is elsewhere, give --socket PATH\n"},
		{"check " + bad, 1, "", ": 300 is not between 1 and 255"},
		{"check " + bad, 1, "", "\nripcord: " + bad + " cannot be used: 1 problem\n"},
		{"check " + missing, 1, "", "or name another file with --config\n"},
		{"simulate " + missing + " " + fine, 1, "", missing + ": no such file or directory\n"},
		{"status --socket " + missing, 1, "", "ripcord: there is no socket " + missing + ": is ripcord running?"},
		{"status lan --socket " + socket, 1, "", "ripcord: there is no instance or group \"lan\": there are the instances inside, outside, dmz and the groups edge\n"},

		{"status --format xml --socket " + socket, 2, "", "ripcord: there is no format \"xml\": choose one of text, json, keepalived-json\n"},
		{"status --json --format text --socket " + socket, 2, "", "ripcord: --json is --format json: leave one out\n"},
		{"status dmz --format keepalived-json --socket " + socket, 0, `"iname": "dmz"`, ""},
		{"status lan --format keepalived-json --socket " + socket, 1, "", "ripcord: there is no instance \"lan\": ripcord status lists them\n"},

		{"", 2, "", "ripcord: no command was given: ripcord --help lists them\n"},
		{"statsu", 2, "", "ripcord: there is no command \"statsu\": did you mean status?\n"},
		{"frobnicate", 2, "", "ripcord: there is no command \"frobnicate\": ripcord --help lists them\n"},
		{"--frob", 2, "", "ripcord: unknown flag: --frob: ripcord --help says how it is used\n"},
		{"status --frob", 2, "", "ripcord: unknown flag: --frob: ripcord status --help says how it is used\n"},
		{"link lo --json", 0, `"mii": {`, ""},
		{"link lo", 0, "  ethtool    ", ""},
		{"link nosuch0", 1, "", "ripcord: there is no interface nosuch0: ripcord link without a name shows all\n"},
		{"link --frob", 2, "", "ripcord: unknown flag: --frob: ripcord link --help says how it is used\n"},
		{"status a b", 2, "", "ripcord: ripcord status takes one argument, an instance or a group, which ripcord status lists: leave out \"b\"\n"},
		{"status --json=maybe", 2, "", "--json"},
		{"check a b", 2, "", "ripcord check takes one argument, a configuration file: leave out \"b\"\n"},
		{"check a --config b", 2, "", "ripcord: the file is named twice"},
		{"completion", 2, "", "ripcord: for which shell?"},
		{"completion tcsh", 2, "", "ripcord: unknown command \"tcsh\" for \"ripcord completion\""},
		{"--version", 0, versionLine() + "\n", ""},
		{"version now", 2, "", "ripcord version takes no argument"},
	} {
		code, stdout, stderr := try(t, strings.Fields(c.args)...)
		if c.stderr == "" {
			stderr = aboutFile(stderr)
		}
		if code != c.code {
			t.Errorf("ripcord %s: exit code %d, want %d", c.args, code, c.code)
		}
		for name, s := range map[string]struct{ got, want string }{"stdout": {stdout, c.stdout}, "stderr": {stderr, c.stderr}} {
			if !strings.Contains(s.got, s.want) || (s.want == "" && s.got != "") {
				t.Errorf("ripcord %s: %s is %q, want %q", c.args, name, s.got, s.want)
			}
		}
	}
}

// TestErrorsAreOneLine: only the problems of a file, with their carets, take more than one line.
func TestErrorsAreOneLine(t *testing.T) {
	for _, args := range []string{"", "statsu", "status --frob", "status --socket /nowhere/s", "check /nowhere/f"} {
		if _, _, stderr := try(t, strings.Fields(args)...); strings.Count(stderr, "\n") != 1 || !strings.HasSuffix(stderr, "\n") {
			t.Errorf("ripcord %s: %q", args, stderr)
		}
	}
}

// TestStatusInPipe requires one line per row, for grep and awk.
func TestStatusInPipe(t *testing.T) {
	_, stdout, _ := try(t, "status", "--socket", fakeDaemon(t, "healthy"))
	for line := range strings.Lines(stdout) {
		if strings.HasPrefix(line, " ") {
			t.Errorf("a row goes on in the line %q", line)
		}
	}
}

// TestStatusJSON requires that the whole document is the daemon's own, and that NAME leaves the
// parts that concern it.
func TestStatusJSON(t *testing.T) {
	socket := fakeDaemon(t, "pulled")
	for name, want := range map[string][]string{
		"":       {"inside", "outside", "dmz", "edge", "eth0", "eth1", "eth2"},
		"edge":   {"inside", "outside", "edge", "eth0", "eth1", "eth2"},
		"inside": {"inside", "edge", "eth0", "eth2"},
		"dmz":    {"dmz", "eth2"},
	} {
		_, stdout, _ := try(t, append([]string{"status", "--json", "--socket", socket}, strings.Fields(name)...)...)
		var s control.Status
		if err := json.Unmarshal([]byte(stdout), &s); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, stdout)
		}
		var got []string
		for _, i := range s.Instances {
			got = append(got, i.Name)
		}
		for _, g := range s.Groups {
			got = append(got, g.Name)
		}
		for _, l := range s.Links {
			got = append(got, l.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
		if strings.Contains(stdout, "null,\n  \"links\"") || s.Groups == nil {
			t.Errorf("%q: a list is null", name)
		}
		if name == "" {
			original, err := os.ReadFile("testdata/pulled.json")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(original), stdout); diff != "" {
				t.Errorf("the document was changed (-daemon +printed):\n%s", diff)
			}
		}
	}
}

// TestDefaultSocket requires that the command connects to the socket on which the daemon listens.
func TestDefaultSocket(t *testing.T) {
	cfg, err := config.Parse("ripcord.yaml", []byte(configtest.Smallest))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Control.Socket != control.DefaultSocket {
		t.Errorf("the daemon listens on %s, ripcord status asks %s", cfg.Control.Socket, control.DefaultSocket)
	}
}

func TestRecordedVersion(t *testing.T) {
	built := func(module string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: module}, Settings: settings}
	}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "09aa0e3c0ffee0123456789"}
	for _, c := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, newest},
		{built("(devel)"), newest},
		{built("v1.2.3"), "1.2.3"},
		{built("(devel)", commit), newest + "+09aa0e3c0ffe"},
		{built("v0.0.0-20260301120000-09aa0e3c0ffe", commit, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), newest + "+09aa0e3c0ffe.modified"},
	} {
		if got := recorded(c.info); got != c.want {
			t.Errorf("%+v: %s, want %s", c.info, got, c.want)
		}
	}
	version = "9.9.9"
	defer func() { version = "" }()
	if got := versionString(); got != "9.9.9" {
		t.Errorf("the version that the build set is not used: %s", got)
	}
}

// TestVersionOfTheTree requires that a build without a version, and a package, take the version of
// the newest section of CHANGELOG.md.
func TestVersionOfTheTree(t *testing.T) {
	changelog, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile(`(?m)^## \[([0-9.]+)\] - (.*)$`).FindStringSubmatch(string(changelog))
	if heading == nil {
		t.Fatal("the newest section of CHANGELOG.md has no version")
	}
	want := heading[1]
	if heading[2] == "Unreleased" {
		want += "-dev"
	}
	if newest != want {
		t.Errorf("newest is %s, the newest section %s", newest, want)
	}
	out, err := exec.Command("../../deploy/package/version").CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != want && !strings.HasPrefix(got, want+".") && !strings.HasPrefix(got, want+"+") {
		t.Errorf("deploy/package/version says %q, %v", got, err)
	}
}
