package lab

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRelease releases the group of the Active: the other router takes over within Skew_Time, the
// release survives a restart of the daemon, and after resume the better router serves again.
func TestRelease(t *testing.T) {
	t.Parallel()
	s, a, b := pair(t, bothSegments, time.Second, "")
	in := s.watch(inside, 5*time.Millisecond)

	refused := s.ripcord("a", "release", "inside", "--socket", a.socket)
	if refused.code != 1 || !strings.Contains(refused.err, "name the group edge") {
		t.Errorf("release of a member: %+v", refused)
	}
	at := time.Now()
	if done := s.ripcord("a", "release", "edge", "--socket", a.socket); done.code != 0 || !strings.Contains(done.out, "edge is released until") {
		t.Fatalf("release: %+v", done)
	}
	served := s.servedBy("b", inside, in, at, 5*time.Second)
	if took := served.Sub(at); took > time.Second {
		t.Errorf("the other served after %v, want Skew_Time (609ms) and little more", took)
	}
	if l := a.becomes("fault", at, time.Second); l.Reason != "released" && l.Reason != "group" {
		t.Errorf("the reason is %s", l.Reason)
	}
	if st := a.status().Instances[0]; len(st.Faults) != 1 || st.Faults[0].Reason != "released" {
		t.Errorf("status: %+v", st.Faults)
	}

	at = time.Now()
	if _, err := a.End(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	a = s.start("a", router{150, time.Second, ""})
	a.becomes("fault", at, 5*time.Second)
	time.Sleep(2 * time.Second)
	if got := a.state(); got != "fault" || b.state() != "active" {
		t.Errorf("after a restart a is %s, b %s", got, b.state())
	}
	for _, l := range a.moves(at) {
		if l.To == "backup" {
			t.Errorf("after a restart it took part for a moment: %+v", l)
		}
	}

	// A reload that makes another virtual router of it keeps it released; one that is over
	// by then is not begun again.
	s.rewrite("a", strings.ReplaceAll(strings.ReplaceAll(router{150, time.Second, ""}.yaml(s, a.socket), "vrid: 51", "vrid: 61"), "vrid: 52", "vrid: 62"))
	if done := s.reload(a); done.code != 0 {
		t.Fatalf("reload: %+v", done)
	}
	time.Sleep(time.Second)
	if got := a.state(); got != "fault" {
		t.Errorf("after a reload it is %s", got)
	}
	s.rewrite("a", router{150, time.Second, ""}.yaml(s, a.socket))
	if done := s.reload(a); done.code != 0 {
		t.Fatalf("reload: %+v", done)
	}

	at = time.Now()
	if done := s.ripcord("a", "resume", "edge", "--socket", a.socket); done.code != 0 {
		t.Fatalf("resume: %+v", done)
	}
	a.becomes("active", at, 8*time.Second)

	at = time.Now()
	if done := s.ripcord("a", "release", "edge", "--for", "1s", "--socket", a.socket); done.code != 0 {
		t.Fatalf("release for a second: %+v", done)
	}
	if l := a.becomes("backup", at, 5*time.Second); l.TS.Sub(at) < time.Second {
		t.Errorf("it was over after %v", l.TS.Sub(at))
	}
}

// A person releases the groups of both routers: each logs at error that no router serves, until one
// of them is resumed.
func TestReleaseOfBoth(t *testing.T) {
	t.Parallel()
	s, a, b := pair(t, []segment{inside}, often, "")
	at := time.Now()
	for _, d := range []*daemon{b, a} {
		if done := s.ripcord(d.name, "release", "inside", "--socket", d.socket); done.code != 0 {
			t.Fatalf("release: %+v", done)
		}
	}
	for _, d := range []*daemon{a, b} {
		text := d.warned("unserved", true, patience)
		if !strings.Contains(text, "no router seems to serve 192.0.2.1") || !strings.Contains(text, "`ripcord resume inside`") {
			t.Errorf("%s does not say what is unserved, and what to do: %s", d.name, text)
		}
		if l := d.wait(at, patience, "the warning", is("instance.warning")); l.Level != "error" {
			t.Errorf("%s logs at level %s", d.name, l.Level)
		}
		if n := d.scrape()[`ripcord_instance_warning{family="ipv4",instance="inside",interface="eth0",vrid="51",reason="unserved",subject=""}`]; n != 1 {
			t.Errorf("the metric of %s is %v", d.name, n)
		}
		if st := d.status().Instances[0]; st.ActiveAddress != nil {
			t.Errorf("%s still shows %v as Active", d.name, st.ActiveAddress)
		}
	}
	if done := s.ripcord("b", "resume", "inside", "--socket", b.socket); done.code != 0 {
		t.Fatalf("resume: %+v", done)
	}
	b.becomes("active", at, patience)
	a.warned("unserved", false, patience)
	b.warned("unserved", false, patience)
}
