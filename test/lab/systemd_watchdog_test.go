package lab

import (
	"fmt"
	"testing"
	"time"
)

// TestUnitFenceAndWatchdog: under systemd the fence of a takeover is run by the runner, as its
// user; a runner and a daemon that stand still are ended and started again by the watchdog of
// their units, the runner without anything that moves. The daemon does without hints.
func TestUnitFenceAndWatchdog(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a", "b")
	began := time.Now()
	b := s.start("b", router{150, 200 * time.Millisecond, ""})
	b.becomes("active", began, 10*time.Second)

	m := s.systemd("a", fmt.Sprintf(`log: {level: debug}
script_user: daemon
instances:
  - name: inside
    interface: eth0
    vrid: 51
    priority: 100
    interval: 200ms
    addresses: [%v/24]
    fence: {command: [/bin/sh, -c, 'echo "$(id -un) has fenced $RIPCORD_ACTIVE"']}
`, inside.virtual()))
	for _, unit := range []string{"ripcord", "ripcord-runner"} {
		m.file("units/"+unit+".service.d/watchdog.conf", "[Service]\nWatchdogSec=2s\n", 0o644)
	}
	m.file("units/ripcord.service.d/without-hints.conf", withoutHints(t), 0o644)
	m.must("daemon-reload")
	at := time.Now()
	m.must("start", "ripcord")
	a := m.daemon()
	a.becomes("backup", at, 10*time.Second)
	confined(t, m.proc("status"), unitAmbient, unitAmbient) // nothing for eBPF
	soon(t, "a hears b", func() bool { return a.status().Instances[0].ActiveAddress != nil })

	at = b.kill()
	ran := a.wait(at, 10*time.Second, "the fence", is("fence.ran"))
	if want := "daemon has fenced " + inside.network + ".12"; ran.Output != want {
		t.Errorf("the fence printed %q, want %q", ran.Output, want)
	}
	a.becomes("active", at, 10*time.Second)

	runs := m.propertyOf("ripcord-runner", "MainPID")
	at = time.Now()
	m.must("kill", "--signal=SIGSTOP", "--kill-who=main", "ripcord-runner")
	a.wait(at, 15*time.Second, "runner.lost", is("runner.lost"))
	a.wait(at, 15*time.Second, "the next runner", is("runner.ready"))
	if now := m.propertyOf("ripcord-runner", "MainPID"); now == runs || len(a.moves(at)) > 0 || a.state() != "active" {
		t.Errorf("the runner is process %s, was %s; a is %s, and moved: %+v", now, runs, a.state(), a.moves(at))
	}

	runs = m.property("MainPID")
	at = time.Now()
	m.must("kill", "--signal=SIGSTOP", "--kill-who=main", "ripcord")
	a.becomes("active", at, 20*time.Second) // the next one
	if m.property("MainPID") == runs {
		t.Errorf("the daemon is still process %s", runs)
	}
	if m.property("NRestarts") != "1" {
		t.Errorf("there were %s restarts", m.property("NRestarts"))
	}
}
