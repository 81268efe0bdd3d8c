package lab

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFence kills the Active without a priority 0: the Backup runs its command, and takes over when
// the command has succeeded; after a handover it takes over without. If the command fails, it stays
// Backup.
func TestFence(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	began := time.Now()
	a := s.start("a", router{150, 100 * time.Millisecond, ""})
	a.becomes("active", began, 6*time.Second)
	record := filepath.Join(s.Dir, "fenced")
	fence := s.script("fence", "test -e "+record+".broken && exit 3; sleep 1; echo $RIPCORD_NAME $RIPCORD_INTERFACE $RIPCORD_ACTIVE >> "+record)
	b := s.startYAML("b", "script_user: root\n"+router{100, 100 * time.Millisecond, "fence: {command: [" + fence + "]}"}.yaml(s, s.socket("b")))
	b.becomes("backup", began, 6*time.Second)
	in := s.watch(inside, 5*time.Millisecond)
	s.servedBy("a", inside, in, time.Now(), 5*time.Second)
	for deadline := time.Now().Add(patience); b.status().Instances[0].ActiveAddress == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("b does not hear a")
		}
	}

	plan := s.ripcord("b", "fence", "inside", "--dry-run", "--socket", b.socket)
	for _, want := range []string{fence, "yes  the program can be run", "yes  an Active was heard", "no   no Active is heard now", "yes  a station answers on eth0", "not all conditions hold"} {
		if plan.code != 0 || !strings.Contains(plan.out, want) {
			t.Errorf("the dry run reports %+v, want %q", plan, want)
		}
	}
	if refused := s.ripcord("b", "fence", "inside", "--socket", b.socket); refused.code != 2 {
		t.Errorf("without --dry-run: %+v", refused)
	}

	at := a.kill()
	moved := b.becomes("active", at, 8*time.Second)
	ran := b.wait(at, time.Second, "fence.ran", func(l line) bool { return l.Event == "fence.ran" })
	if ran.TS.After(moved.TS) || moved.TS.Sub(at) < time.Second || moved.Reason != "active-timeout" {
		t.Errorf("it was Active after %v for %s, and the fence had ended %v before that", moved.TS.Sub(at), moved.Reason, moved.TS.Sub(ran.TS))
	}
	if text, err := os.ReadFile(record); err != nil || !strings.HasPrefix(string(text), "inside eth0 ") {
		t.Errorf("the command wrote %q, %v", text, err)
	}

	// A hand-over needs no fence.
	at = time.Now()
	a = s.start("a", router{150, 100 * time.Millisecond, ""})
	a.becomes("active", at, 6*time.Second)
	b.becomes("backup", at, 6*time.Second)
	if err := os.WriteFile(record+".broken", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	at = time.Now()
	if done := s.ripcord("a", "release", "inside", "--socket", a.socket); done.code != 0 {
		t.Fatalf("release: %+v", done)
	}
	if moved := b.becomes("active", at, 2*time.Second); moved.Reason != "peer-resigned" {
		t.Errorf("after a resignation it moved for %s", moved.Reason)
	}
	at = time.Now()
	if done := s.ripcord("a", "resume", "inside", "--socket", a.socket); done.code != 0 {
		t.Fatalf("resume: %+v", done)
	}
	b.becomes("backup", at, 6*time.Second)

	// The command fails: nobody takes over, and status says why.
	at = a.kill()
	b.wait(at, 6*time.Second, "fence-failed", func(l line) bool {
		return l.Event == "instance.holding" && l.Reason == "fence-failed" && l.Level == "error"
	})
	time.Sleep(500 * time.Millisecond)
	if st := b.status().Instances[0]; st.State != "backup" || !strings.Contains(st.Holding, "fence") {
		t.Errorf("after the failure it is %s, holding %q", st.State, st.Holding)
	}
}

// TestFenceAfterRestart ends the daemon of a Backup, loses the power of the Active while no daemon
// runs on the Backup, and starts the Backup again: it runs the fence before it takes over, however its
// daemon ended.
func TestFenceAfterRestart(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]syscall.Signal{"it was killed": syscall.SIGKILL, "it was stopped": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, []segment{inside}, "a", "b")
			began := time.Now()
			a := s.start("a", router{150, 100 * time.Millisecond, ""})
			a.becomes("active", began, patience)
			record := filepath.Join(s.Dir, "fenced")
			fence := s.script("fence", "echo $RIPCORD_NAME $RIPCORD_ACTIVE >> "+record)
			b := s.startYAML("b", "script_user: root\n"+router{100, 100 * time.Millisecond, "fence: {command: [" + fence + "]}"}.yaml(s, s.socket("b")))
			b.becomes("backup", began, patience)
			in := s.watch(inside, 5*time.Millisecond)
			s.servedBy("a", inside, in, time.Now(), patience) // its station answers to the fence later
			soon(t, "that b hears a", func() bool { return b.status().Instances[0].ActiveAddress != nil })
			active := b.status().Instances[0].ActiveAddress.String()

			at, err := b.End(end)
			if err != nil {
				t.Fatal(err)
			}
			a.kill()
			b = s.again("b")
			recalled := b.wait(at, patience, "the Active of its previous daemon", is("fence.recalled"))
			if recalled.Level != "info" || !strings.Contains(recalled.Msg, active) {
				t.Errorf("%s: %s", recalled.Level, recalled.Msg)
			}
			moved := b.becomes("active", at, patience)
			ran := b.wait(at, patience, "fence.ran", is("fence.ran"))
			if ran.TS.After(moved.TS) || moved.Reason != "active-timeout" {
				t.Errorf("it was Active for %s, and the fence ended %v before that", moved.Reason, moved.TS.Sub(ran.TS))
			}
			if text, err := os.ReadFile(record); err != nil || string(text) != "inside "+active+"\n" {
				t.Errorf("the command wrote %q, %v; want that %s was fenced once", text, err, active)
			}
		})
	}
}
