package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/test/stage"
)

// script writes a shell script and returns its path.
func (s *site) script(name, body string) string {
	s.t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// recorder is a script that appends its arguments, each in brackets, to a file.
func (s *site) recorder(name string) (script, record string) {
	record = filepath.Join(s.Dir, name+".record")
	return s.script(name, fmt.Sprintf(`l=; for a; do l="$l[$a]"; done; echo "$l" >> %s`, record)), record
}

// linesOf returns the lines of a file; none if there is no such file.
func linesOf(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// matching returns the lines that contain a text.
func matching(lines []string, text string) (found []string) {
	for _, l := range lines {
		if strings.Contains(l, text) {
			found = append(found, l)
		}
	}
	return found
}

// transitions is a FIFO and what was read of it.
type transitions struct {
	t    *testing.T
	path string
	file *os.File
	text []byte
}

func (s *site) transitions(name string) *transitions {
	s.t.Helper()
	f := &transitions{t: s.t, path: filepath.Join(s.Dir, name)}
	if err := unix.Mkfifo(f.path, 0o640); err != nil {
		s.t.Fatal(err)
	}
	fd, err := unix.Open(f.path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	f.file = os.NewFile(uintptr(fd), f.path)
	s.t.Cleanup(func() { f.file.Close() })
	return f
}

// lines returns all lines so far.
func (f *transitions) lines() []string {
	f.t.Helper()
	var buffer [4096]byte
	for {
		_ = f.file.SetReadDeadline(time.Now().Add(time.Millisecond))
		n, err := f.file.Read(buffer[:])
		f.text = append(f.text, buffer[:n]...)
		if err != nil {
			break
		}
	}
	whole := f.text[:bytes.LastIndexByte(f.text, '\n')+1]
	if len(whole) == 0 {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(string(whole), "\n"), "\n")
	return slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, "MASTER_RX_LOWER_PRI") }) // keepalived's alone
}

// sorted returns lines with those of the members of a group sorted where chance decides
// which of them takes over, or gives up, before the other.
func sorted(lines []string) []string {
	lines = slices.Clone(lines)
	for i := 3; i+1 < len(lines); i++ {
		a, b := lines[i], lines[i+1]
		if strings.HasPrefix(a, "INSTANCE") && strings.HasPrefix(b, "INSTANCE") && !strings.Contains(a, "FAULT") && !strings.Contains(a, "STOP") {
			lines[i], lines[i+1] = min(a, b), max(a, b)
			i++
		}
	}
	return lines
}

// wait waits until the last line is this one, and then for scripts that still run.
func (f *transitions) wait(line string, within time.Duration) {
	f.t.Helper()
	for deadline := time.Now().Add(within); ; {
		lines := f.lines()
		if len(lines) > 0 && lines[len(lines)-1] == line {
			time.Sleep(500 * time.Millisecond)
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("no line %q within %v after\n\t%s", line, within, strings.Join(lines, "\n\t"))
		}
	}
}

// notified is a router with a recorder for every notify command, and a FIFO.
type notified interface {
	start()
	stop()
}

// states are those for which there is a command of its own, in both languages.
var states = []struct{ ripcord, keepalived string }{{"active", "master"}, {"backup", "backup"}, {"fault", "fault"}, {"stop", "stop"}}

const notifyInterval = 200 * time.Millisecond

type notifiedRipcord struct {
	s    *site
	yaml string
	*daemon
}

func newNotifiedRipcord(s *site, recorder, fifo string) notified {
	section := func(name string) string {
		var b strings.Builder
		for _, st := range states {
			fmt.Fprintf(&b, "%s: [%s, %s, %s], ", st.ripcord, recorder, name, st.keepalived)
		}
		return fmt.Sprintf("{%sany: [%s, %s, any, two words]}", b.String(), recorder, name)
	}
	yaml := fmt.Sprintf("fifo: %s\nscript_user: root\n", fifo) + router{150, notifyInterval, ""}.yaml(s, s.socket("a"))
	for _, name := range []string{"inside", "outside", "edge"} {
		head, rest, _ := strings.Cut(yaml, "{name: "+name+",")
		yaml = head + "{name: " + name + ", notify: " + section(name) + "," + rest
	}
	return &notifiedRipcord{s: s, yaml: yaml}
}

func (r *notifiedRipcord) start() { r.daemon = r.s.startYAML("a", r.yaml) }
func (r *notifiedRipcord) stop() {
	if _, err := r.End(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
}

type notifiedKeepalived struct {
	s      *site
	config string
	runs   *stage.Daemon
}

func newNotifiedKeepalived(s *site, recorder, fifo string) notified {
	s.t.Helper()
	section := func(name string) string {
		var b strings.Builder
		for _, st := range states {
			fmt.Fprintf(&b, "\tnotify_%s \"%s %s %[1]s\"\n", st.keepalived, recorder, name)
		}
		return b.String() + fmt.Sprintf("\tnotify \"%s %s any 'two words'\"\n", recorder, name)
	}
	conf := fmt.Sprintf("global_defs {\n\tscript_user root\n\tnotify_fifo %s\n\tvrrp_version 3\n}\n", fifo)
	conf += "vrrp_sync_group edge {\n\tgroup {\n\t\tinside\n\t\toutside\n\t}\n" + section("edge") + "}\n"
	for _, seg := range s.segments {
		conf += fmt.Sprintf("vrrp_instance %s {\n\tstate BACKUP\n\tinterface %s\n\tvirtual_router_id %d\n\tpriority 150\n\tadvert_int %g\n\tvirtual_ipaddress {\n\t\t%v/24\n\t}\n%s}\n",
			seg.name, seg.ifname, seg.vrid, notifyInterval.Seconds(), seg.virtual(), section(seg.name))
	}
	k := &notifiedKeepalived{s: s, config: filepath.Join(s.Dir, "keepalived.conf")}
	if err := os.WriteFile(k.config, []byte(conf), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return k
}

func (k *notifiedKeepalived) start() {
	k.s.t.Helper()
	pid := filepath.Join(k.s.Dir, "keepalived.pid")
	command := exec.Command(program(k.s.t, "keepalived"), "--vrrp", "--dont-fork", "--log-console", "--log-detail",
		"--use-file", k.config, "--pid", pid, "--vrrp_pid", pid+".vrrp")
	stage.Contain(command)
	started, err := k.s.Start("a", "keepalived", command)
	if err != nil {
		k.s.t.Fatal(err)
	}
	k.runs = started
}

func (k *notifiedKeepalived) stop() {
	if _, err := k.runs.End(syscall.SIGTERM); err != nil {
		k.s.t.Fatal(err)
	}
}

// TestNotifyIsThatOfKeepalived leads ripcord and keepalived through the same failovers: the FIFO
// has the same lines in the same order, and the commands get the same arguments, in the same order
// for each name.
func TestNotifyIsThatOfKeepalived(t *testing.T) {
	t.Parallel()
	type outcome struct{ fifo, commands []string }
	var got [2]outcome
	for i, build := range []func(*site, string, string) notified{newNotifiedRipcord, newNotifiedKeepalived} {
		s := newSite(t, bothSegments, "a", "b", "c")
		recorder, record := s.recorder("notify")
		fifo := s.transitions("fifo")
		began := time.Now()
		b := s.start("b", router{100, notifyInterval, ""})
		b.becomes("active", began, 10*time.Second)

		a := build(s, recorder, fifo.path)
		a.start()
		fifo.wait(`GROUP "edge" MASTER 0`, 10*time.Second)
		for _, seg := range bothSegments {
			s.pull("a", seg)
			fifo.wait(`GROUP "edge" FAULT 0`, 5*time.Second)
			s.plug("a", seg)
			fifo.wait(`GROUP "edge" MASTER 0`, 10*time.Second)
		}
		c := s.start("c", router{200, notifyInterval, ""})
		fifo.wait(`GROUP "edge" BACKUP 0`, 10*time.Second)
		if _, err := c.End(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		fifo.wait(`GROUP "edge" MASTER 0`, 5*time.Second)
		a.stop()
		fifo.wait(`GROUP "edge" STOP 0`, 5*time.Second)
		got[i].fifo = sorted(fifo.lines())
		got[i].commands = linesOf(t, record)
	}
	ours, theirs := got[0], got[1]
	if !slices.Equal(ours.fifo, theirs.fifo) {
		t.Errorf("the FIFO of ripcord\n\t%s\nthat of keepalived\n\t%s", strings.Join(ours.fifo, "\n\t"), strings.Join(theirs.fifo, "\n\t"))
	}
	for _, name := range []string{"inside", "outside", "edge"} {
		// keepalived starts notify_master and notify at the same time: which of the two
		// writes first is left to chance.
		for _, kind := range []string{"any", "not any"} {
			a, k := ofKind(ours.commands, name, kind), ofKind(theirs.commands, name, kind)
			if len(a) < 6 || !slices.Equal(a, k) {
				t.Errorf("the commands (%s) of %s, ripcord\n\t%s\nkeepalived\n\t%s", kind, name, strings.Join(a, "\n\t"), strings.Join(k, "\n\t"))
			}
		}
		// ripcord runs one after the other.
		both := matching(ours.commands, "["+name+"]")
		for i := 0; i+1 < len(both); i += 2 {
			state := strings.ToUpper(strings.Trim(strings.TrimPrefix(both[i], "["+name+"]"), "[]"))
			if !strings.Contains(both[i+1], "[any][two words]") || !strings.Contains(both[i+1], "["+state+"]") {
				t.Errorf("%s is followed by %s", both[i], both[i+1])
			}
		}
	}
}

// ofKind returns the records of a name by its command for any transition, or by the others.
func ofKind(records []string, name, kind string) (found []string) {
	for _, l := range matching(records, "["+name+"]") {
		if strings.Contains(l, "[any]") == (kind == "any") {
			found = append(found, l)
		}
	}
	return found
}

// TestNotifySlowAndHanging checks that a command that does not end is killed at its timeout, with
// its children, and that a command that is slower than the transitions skips some, but not the
// last. Neither disturbs an advert.
func TestNotifySlowAndHanging(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	slow := s.script("slow", fmt.Sprintf(`sleep 3; echo "$RIPCORD_STATE" >> %s/slow.record`, s.Dir))
	hanging := s.script("hanging", `trap "" TERM; while :; do sleep 1; done`)
	yaml := fmt.Sprintf("script_user: root\nnotify: {any: [%s], timeout: 1s}\n", hanging) +
		router{150, notifyInterval, "notify: {any: [" + slow + "]}"}.yaml(s, s.socket("a"))
	began := time.Now()
	a := s.startYAML("a", yaml)
	a.becomes("active", began, 10*time.Second)

	sniffer := s.sniff(inside)
	for range 8 {
		at := time.Now()
		for _, order := range []string{"release", "resume"} {
			if done := s.ripcord("a", order, "inside", "--socket", a.socket); done.code != 0 {
				t.Fatalf("%s: %+v", order, done)
			}
		}
		a.becomes("active", at, 10*time.Second)
	}
	quiet := time.Now()
	time.Sleep(2 * time.Second)
	adverts := sniffer.Adverts()
	last := quiet
	for _, adv := range adverts {
		if adv.At.Before(quiet) {
			continue
		}
		if gap := adv.At.Sub(last); gap > notifyInterval+100*time.Millisecond {
			t.Errorf("an advert came after %v", gap)
		}
		last = adv.At
	}
	if gap := time.Since(last); gap > 2*notifyInterval {
		t.Errorf("no advert for %v", gap)
	}

	moves := a.moves(began)
	merged, killed := 0, 0
	for deadline := time.Now().Add(60 * time.Second); merged+killed < len(moves) && time.Now().Before(deadline); time.Sleep(often) {
		merged, killed = 0, 0
		for _, l := range a.log(began) {
			if l.Event != "notify.ran" {
				continue
			}
			merged += l.Merged
			if l.Command == hanging {
				killed++
				if l.Result != "killed" || l.TookUS < 1e6 || l.TookUS > 3e6 {
					t.Fatalf("the command that hangs: %+v", l)
				}
			}
		}
	}
	record := linesOf(t, filepath.Join(s.Dir, "slow.record"))
	if merged == 0 || merged+killed != len(moves) || killed != len(record) || record[len(record)-1] != "MASTER" {
		t.Errorf("%d transitions, %d killed, %d left out, recorded %q", len(moves), killed, merged, record)
	}
	time.Sleep(2 * time.Second)
	if left, err := exec.Command("pgrep", "-f", hanging).Output(); err == nil {
		t.Errorf("processes are left: %s", left)
	}
}

// TestCommandsAsAShellRunsThem: a check whose script names no interpreter, and asks for a variable of the
// environment that ripcord was started with, passes; so does a notify command. Under keepalived
// both do.
func TestCommandsAsAShellRunsThem(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	record := filepath.Join(s.Dir, "plain.record")
	plain := func(name, body string) string {
		path := filepath.Join(s.Dir, name)
		if err := os.WriteFile(path, []byte(body), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	check := plain("check", `test "$APP_PORT" = 8080 && test "$PATH" = /opt/app:/usr/bin:/bin`)
	active := plain("active", fmt.Sprintf(`echo "$RIPCORD_STATE $APP_PORT" >> %s`, record))
	config := s.configure("a", fmt.Sprintf("script_user: root\nchecks: [{name: app, command: [%s], interval: 100ms}]\n", check)+
		router{150, notifyInterval, "track: [{check: app}], notify: {active: [" + active + "]}"}.yaml(s, s.socket("a")))
	command := exec.Command(binary, "run", "--config", config)
	command.Env = []string{"APP_PORT=8080", "PATH=/opt/app:/usr/bin:/bin"}
	began := time.Now()
	s.startCommand("a", command).becomes("active", began, 5*time.Second)
	until(t, 5*time.Second, "the notify command has run", func() bool { return slices.Equal(linesOf(t, record), []string{"MASTER 8080"}) })
}

// TestReloadNotify changes the commands by a reload: the next transition runs the new one. A
// running old one is not killed, and the new one waits for it. (keepalived #1850: the changed
// script is not run.)
func TestReloadNotify(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	record := filepath.Join(s.Dir, "reload.record")
	command := func(name string, sleep int) string {
		return s.script(name, fmt.Sprintf(`echo "%s begins $RIPCORD_STATE" >> %s; sleep %d; echo "%[1]s ends $RIPCORD_STATE" >> %[2]s`, name, record, sleep))
	}
	before, after := command("before", 3), command("after", 0)
	file := func(more string) string {
		return "script_user: root\n" + router{150, notifyInterval, more}.yaml(s, s.socket("a"))
	}
	began := time.Now()
	a := s.startYAML("a", file("notify: {active: ["+before+"]}"))
	a.becomes("active", began, 5*time.Second)
	recorded := func(want ...string) {
		t.Helper()
		until(t, 10*time.Second, strings.Join(want, ", "), func() bool { return slices.Equal(linesOf(t, record), want) })
	}
	recorded("before begins MASTER")

	at := time.Now()
	s.rewrite("a", file("notify: {active: ["+after+"], fault: ["+after+"]}"))
	a.signal(syscall.SIGHUP)
	a.wait(at, 5*time.Second, "config.reloaded", is("config.reloaded"))
	if done := s.ripcord("a", "release", "inside", "--socket", a.socket); done.code != 0 {
		t.Fatalf("release: %+v", done)
	}
	a.becomes("fault", at, 5*time.Second)
	recorded("before begins MASTER", "before ends MASTER", "after begins FAULT", "after ends FAULT")
	for _, l := range a.log(began) {
		if l.Event == "notify.ran" && l.Result != "done" {
			t.Errorf("%+v", l)
		}
	}

	// Without commands none is run; and the last ones may end.
	at = time.Now()
	s.rewrite("a", file(""))
	if done := s.reload(a); done.out != "changed inside\ninside: notify changed\n" {
		t.Errorf("reload: %+v", done)
	}
	s.ripcord("a", "resume", "inside", "--socket", a.socket)
	a.becomes("active", at, 10*time.Second)
	time.Sleep(200 * time.Millisecond)
	recorded("before begins MASTER", "before ends MASTER", "after begins FAULT", "after ends FAULT")
}

// TestNotifyStop checks that the stop command runs after the address is removed, and that the
// daemon waits for it: for 4 s, and for 5 s if it ignores SIGTERM.
func TestNotifyStop(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	file := filepath.Join(s.Dir, "stop.record")
	stop := s.script("stop", fmt.Sprintf(`[ "$1" = hang ] && exec sleep 1000
[ "$1" = ignore ] && trap '' TERM && sleep 1000
sleep 1
{ echo "$RIPCORD_NAME $RIPCORD_STATE $RIPCORD_PREVIOUS $RIPCORD_REASON $RIPCORD_PRIORITY $RIPCORD_INTERFACE $RIPCORD_VRID"; ip -o address show dev eth0; } > %s`, file))
	active := s.script("active", fmt.Sprintf("ip -o address show dev eth0 > %s/active.record", s.Dir))
	for _, how := range []string{"wait", "hang", "ignore"} {
		began := time.Now()
		a := s.startYAML("a", "script_user: root\n"+router{150, notifyInterval, fmt.Sprintf("notify: {active: [%s], stop: [%s, %s]}", active, stop, how)}.yaml(s, s.socket("a")))
		a.wait(began, 10*time.Second, "the command for Active", is("notify.ran"))
		if !strings.Contains(strings.Join(linesOf(t, filepath.Join(s.Dir, "active.record")), "\n"), inside.virtual().String()+"/24") {
			t.Error("the command for Active ran before the address was there")
		}
		at, err := a.End(syscall.SIGTERM)
		took := time.Since(at)
		if err != nil {
			t.Fatal(err)
		}
		if a.Err != nil {
			t.Errorf("%s: it ended with %v", how, a.Err)
		}
		unfinished := slices.ContainsFunc(a.log(at), is("notify.unfinished"))
		if least := map[string]time.Duration{"hang": 4 * time.Second, "ignore": 5 * time.Second}[how]; least > 0 {
			if took < least || took > least+800*time.Millisecond || !unfinished {
				t.Errorf("%s: it ended after %v, with notify.unfinished %t; want %v", how, took, unfinished, least)
			}
			continue
		}
		record := strings.Join(linesOf(t, file), "\n")
		if took < time.Second || unfinished || !strings.HasPrefix(record, "inside STOP MASTER shutdown 150 eth0 51\n") || strings.Contains(record, inside.virtual().String()+"/24") {
			t.Errorf("it ended after %v, with notify.unfinished %t; the command recorded %q", took, unfinished, record)
		}
	}
}

// TestNotifyRefused checks that without the script user the daemon exits with 78 if a command needs
// it, and that `check` warns of this and of commands that will not run.
func TestNotifyRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	open := s.script("open", "true")
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	yaml := router{150, notifyInterval, "notify: {any: [" + open + "], fault: [/nonexistent]}"}.yaml(s, s.socket("a"))
	nobody := s.configure("nobody", "script_user: ripcord-nobody\n"+yaml)
	if got := s.ripcord("a", "run", "--config", nobody); got.code != 78 || !strings.Contains(got.err, "there is no user ripcord-nobody") {
		t.Errorf("run without the user: %+v", got)
	}
	if got := s.ripcord("a", "check", nobody); got.code != 1 || !strings.Contains(got.err, "there is no user ripcord-nobody") {
		t.Errorf("check without the user: %+v", got)
	}
	yaml = "script_user: root\n" + yaml
	if got := s.ripcord("a", "check", s.configure("open", yaml)); got.code != 0 ||
		!strings.Contains(got.err, open+" is writable by everybody") || !strings.Contains(got.err, "/nonexistent does not exist") {
		t.Errorf("check: %+v", got)
	}
	began := time.Now()
	a := s.startYAML("a", yaml)
	for _, path := range []string{open, "/nonexistent"} {
		a.wait(began, 10*time.Second, "that "+path+" is refused", func(l line) bool { return l.Event == "notify.refused" && l.Command == path })
	}
	l := a.wait(began, 10*time.Second, "that it did not run", is("notify.ran"))
	if l.Level != "error" || l.Result != "unrun" || !strings.Contains(l.Msg, "writable by everybody") {
		t.Errorf("%+v", l)
	}
	a.becomes("active", began, 10*time.Second)
}
