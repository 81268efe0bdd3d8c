package lab

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// storyLine is a story as `ripcord events --json` prints it.
type storyLine struct {
	Trace, Cause string
	Outages      []struct {
		Subject, State string
		US             int64
	}
	Lines []line
}

// TestStory pulls a cable. Both routers then report the failover as they saw it: the cause, each
// transition, advert and address with µs, and the outage, which is that of the client. A follower
// receives the same report, and the log has it, too.
func TestStory(t *testing.T) {
	t.Parallel()
	s, a, b := pair(t, bothSegments, time.Second, "")
	followed := filepath.Join(s.Dir, "followed")
	out, err := os.Create(followed)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	follower := exec.Command(binary, "events", "--follow", "--since", "1ms", "--socket", b.socket)
	follower.Stdout, follower.Stderr = out, out
	if err := s.Host("b").Start(follower); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = follower.Process.Kill(); _ = follower.Wait() })
	time.Sleep(time.Second)

	watch := s.watch(inside, 5*time.Millisecond)
	at := s.pull("a", inside)
	served := s.servedBy("b", inside, watch, at, 5*time.Second)
	b.wait(at, patience, "its addresses", is("address.added"))
	a.wait(at, patience, "its addresses", is("address.removed"))

	left, right := s.lastStory(a), s.lastStory(b)
	if !strings.HasPrefix(left.Cause, "eth0 is not usable") || len(left.Outages) != 1 || left.Outages[0].State != "begun" || left.Outages[0].Subject != "group edge" {
		t.Errorf("a reports %+v", left)
	}
	if !strings.HasPrefix(right.Cause, "the Active resigned (outside)") || len(right.Outages) != 1 || right.Outages[0].State != "ended" {
		t.Fatalf("b reports %+v", right)
	}
	outage, seen := time.Duration(right.Outages[0].US)*time.Microsecond, served.Sub(at)
	t.Logf("b reports an outage of %v, the client saw %v", outage, seen)
	if diff := seen - outage; diff < -5*time.Millisecond || diff > 300*time.Millisecond {
		t.Errorf("b reports an outage of %v, the client saw %v", outage, seen)
	}
	logged := map[string]int{}
	for _, l := range right.Lines {
		logged[l.Event]++
		if l.ElapsedUS == nil || l.Trace != right.Trace {
			t.Errorf("%s is not of the story: %+v", l.Event, l)
		}
	}
	if logged["group.transition"] != 1 || logged["instance.transition"] != 2 || logged["advert.sent"] != 2 || logged["address.added"] != 2 {
		t.Errorf("b's story has %v", logged)
	}

	text := s.ripcord("b", "events", "--socket", b.socket)
	want := "group edge is active, was backup: peer-resigned of outside\n"
	if text.code != 0 || !strings.Contains(text.out, want) || !strings.Contains(text.out, right.Trace) {
		t.Errorf("for people: exit %d, %q, complained %q", text.code, text.out, text.err)
	}
	journal := exec.Command("/bin/sh", "-c", binary+" events - <"+b.Log)
	if out, err := journal.CombinedOutput(); err != nil || string(out) != text.out {
		t.Errorf("from the log: %v, %q, want %q", err, out, text.out)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		text, _ := os.ReadFile(followed)
		if strings.Contains(string(text), want) && !strings.Contains(string(text), "startup") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the follower received %q", text)
		}
	}
}

// lastStory returns the last story of a daemon.
func (s *site) lastStory(d *daemon) (last storyLine) {
	s.t.Helper()
	got := s.ripcord(d.name, "events", "--json", "--socket", d.socket)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		s.t.Fatalf("%v: exit %d, %q, complained %q", err, got.code, got.out, got.err)
	}
	return last
}
