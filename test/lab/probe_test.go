package lab

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/test/netns"
)

// watching has each router watch the machine of its Active.
const watching = "routers: 2, probe: {interval: 50ms, miss: 3}"

// TestProbePowerLost cuts the power of a router: its peer finds that the machine no longer answers,
// and serves both segments long before an advert is missing.
func TestProbePowerLost(t *testing.T) {
	lossOf(t, 300*time.Millisecond, watching, func(s *site) (time.Time, func()) {
		time.Sleep(2 * time.Second) // the Backup knows its Active
		at := s.losePower("a")
		return at, func() {
			s.start("a", router{150, time.Second, watching})
			time.Sleep(time.Second) // it takes away what the killed one left
			for _, seg := range bothSegments {
				s.plug("a", seg)
			}
		}
	})
}

// losePower kills the daemon of a host and pulls its cables, and gives the instant of the last.
func (s *site) losePower(host string) (at time.Time) {
	s.daemons[host].kill()
	for _, seg := range s.segments {
		at = s.pull(host, seg)
	}
	return at
}

// TestProbePowerLostOfKeepalived is TestProbePowerLost beside keepalived with version 2, whose
// adverts come once a second at most.
func TestProbePowerLostOfKeepalived(t *testing.T) {
	netns.NeedRoot(t)
	keepalived := program(t, "keepalived")
	measuredAnew(t, func(t *testing.T, _ *machine) string {
		s := newSite(t, []segment{inside}, "a", "b")
		conf := s.configure("a-keepalived", fmt.Sprintf(`vrrp_instance inside {
	state BACKUP
	interface eth0
	virtual_router_id 51
	priority 150
	advert_int 1
	version 2
	virtual_ipaddress {
		%v/24
	}
}
`, inside.virtual()))
		pid := filepath.Join(s.Dir, "a.pid")
		began := time.Now()
		peer, err := s.Start("a", "keepalived", exec.Command(keepalived, "--vrrp", "--dont-fork", "--log-console",
			"--use-file", conf, "--pid", pid, "--vrrp_pid", pid+".vrrp"))
		if err != nil {
			t.Fatal(err)
		}
		in := s.watch(inside, 5*time.Millisecond)
		s.servedBy("a", inside, in, began, 10*time.Second)
		b := s.start("b", router{100, time.Second, "version: 2, " + watching})
		b.becomes("backup", began, 2*patience)
		b.watches("192.0.2.11")
		at := s.pull("a", inside) // first: a keepalived whose parent is killed resigns
		if _, err := peer.End(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		took := s.servedBy("b", inside, in, at, 5*time.Second).Sub(at)
		t.Logf("served after %v", took)
		if took > 300*time.Millisecond {
			return fmt.Sprintf("served after %v, want at most 300ms", took)
		}
		return ""
	})
}

// takesItsTime waits until a Backup has taken over for the adverts that are missing since an
// instant, and for nothing else.
func (d *daemon) takesItsTime(since time.Time) {
	d.t.Helper()
	if moved := d.becomes("active", since, 8*time.Second); moved.Reason != "active-timeout" || moved.TS.Sub(since) < 2*time.Second {
		d.t.Errorf("it was Active after %v for %s", moved.TS.Sub(since), moved.Reason)
	}
	d.suspects(since, 0)
}

// probed starts two routers on a segment with another station, the Backup of which watches the
// Active.
func probed(t *testing.T) (s *site, a, b *daemon) {
	t.Helper()
	s, a, b = pair(t, []segment{inside}, time.Second, watching)
	s.watch(inside, 5*time.Millisecond) // the client is a station
	b.watches("192.0.2.11")
	return s, a, b
}

// TestProbeDaemonKilled kills only the daemon of the Active: its kernel answers, so the Backup
// takes over after the time of the protocol.
func TestProbeDaemonKilled(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	_, a, b := probed(t)
	at := a.kill()
	b.takesItsTime(at)
}

// TestProbeCutOff checks that a Backup without connection, but with carrier, hears no station and
// does not take the Active for dead.
func TestProbeCutOff(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	s, _, b := probed(t)
	at := time.Now()
	s.drop("b", "drop")
	b.takesItsTime(at)
}

// TestProbeLANDropsARP checks that no Active is taken for dead on a LAN that drops ARP but no
// adverts: no other station answers either.
func TestProbeLANDropsARP(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	s, _, b := probed(t)
	at := time.Now()
	s.drop("b", "ether type arp drop")
	time.Sleep(5 * time.Second)
	b.suspects(at, 0)
	if moves := b.moves(at); len(moves) > 0 {
		t.Errorf("it became %s for %s", moves[0].To, moves[0].Reason)
	}
}

// TestProbeSuspended drops only ARP of an Active, which the Backup takes for dead once: it
// continues to advertise, the better router serves, and it is no longer watched.
func TestProbeSuspended(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	s, a, b := probed(t)
	at := time.Now()
	s.drop("a", "ether type arp drop")
	b.wait(at, patience, "probe.suspended", func(l line) bool { return l.Event == "probe.suspended" })
	time.Sleep(4 * time.Second)
	b.suspects(at, 1)
	var moved time.Time
	for _, move := range b.moves(at) {
		if move.To == "active" {
			moved = move.TS
		} else if both := move.TS.Sub(moved); both > time.Second+slack {
			t.Errorf("two were Active for %v, want one interval at most", both)
		}
	}
	probe := b.status().Instances[0].Probe
	if probe == nil || probe.InUse || probe.SuspendedUntil == nil || b.state() != "backup" || a.state() != "active" {
		t.Errorf("b is %s, a is %s, the probe is %+v", b.state(), a.state(), probe)
	}
	if said := s.ripcord("b", "status", "--socket", b.socket); !strings.Contains(said.out, "inside: probe not in use until") {
		t.Errorf("ripcord status prints %s", said.out)
	}
}

// TestProbeLoss checks that no Active is taken for dead on a LAN that loses a fifth of all frames.
func TestProbeLoss(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	isNoDeath(t, func(s *site) {
		for _, host := range []string{"a", "b", "client"} {
			s.drop(host, "numgen random mod 100 < 20 drop")
		}
	})
}

// TestProbeBusy checks that no Active is taken for dead on a machine with busy processors.
func TestProbeBusy(t *testing.T) {
	netns.NeedRoot(t)
	isNoDeath(t, func(*site) {
		end := time.Now().Add(disturbed())
		for range 2 * runtime.NumCPU() {
			go func() {
				for time.Now().Before(end) {
				}
			}()
		}
	})
}

// disturbed is for how long isNoDeath watches.
func disturbed() time.Duration { return shortOr(20*time.Second, time.Minute) }

// isNoDeath disturbs a Backup and its Active, which are both alive, and checks that the Backup does
// not take the Active for dead.
func isNoDeath(t *testing.T, disturb func(*site)) {
	t.Helper()
	s := newSite(t, []segment{inside}, "a", "b")
	began, patient := time.Now(), router{150, time.Second, watching + ", miss: 10"} // adverts alone move nobody
	s.start("a", patient).becomes("active", began, 12*time.Second+patience)
	patient.priority = 100
	b := s.start("b", patient)
	b.becomes("backup", began, 20*time.Second)
	s.watch(inside, 5*time.Millisecond)
	b.watches("192.0.2.11")
	at := time.Now()
	disturb(s)
	time.Sleep(disturbed())
	b.suspects(at, 0)
	if moves := b.moves(at); len(moves) > 0 {
		t.Errorf("it became %s for %s", moves[0].To, moves[0].Reason)
	}
}

// drop has a host drop some of what comes in on its first segment.
func (s *site) drop(host, rule string) {
	s.t.Helper()
	s.command(host, program(s.t, "nft"), "add table netdev lost; add chain netdev lost in { type filter hook ingress device eth0 priority 0; }; "+
		"add rule netdev lost in "+rule)
}

// watches waits until a router uses the answers of an Active; an empty address stands for any.
func (d *daemon) watches(active string) {
	d.t.Helper()
	for deadline := time.Now().Add(2 * patience); ; time.Sleep(50 * time.Millisecond) {
		probe := d.status().Instances[0].Probe
		if probe != nil && probe.InUse && (active == "" || probe.Active.String() == active) && probe.Answered >= 19 {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("%s does not use the answers of %s: %+v", d.name, active, probe)
		}
	}
}

// suspects checks how often a router took its Active for dead since an instant.
func (d *daemon) suspects(since time.Time, want int) {
	d.t.Helper()
	var said []string
	for _, l := range d.log(since) {
		if l.Event == "probe.dead" {
			said = append(said, l.Msg)
		}
	}
	if len(said) != want {
		d.t.Errorf("%s took its Active for dead %d times, want %d: %q", d.name, len(said), want, said)
	}
}

// TestProbeFamilies checks that the probe uses neighbor discovery over IPv6, and, with a virtual
// MAC, the address of the interface, whose own MAC answers.
func TestProbeFamilies(t *testing.T) {
	netns.NeedRoot(t)
	for name, on := range map[string]shared{
		"IPv6":              insideIPv6,
		"virtual MAC":       insideIPv4,
		"virtual MAC, IPv6": insideIPv6,
	} {
		on.keys = watching
		if strings.HasPrefix(name, "virtual MAC") {
			on.keys += ", virtual_mac: true"
		}
		t.Run(name, func(t *testing.T) {
			measuredAnew(t, func(t *testing.T, _ *machine) string {
				s := newSharedSite(t, []shared{on}, "a", "b")
				began := time.Now()
				s.startShared("a", 150, time.Second, on).becomes("active", began, 4*time.Second+patience)
				b := s.startShared("b", 100, time.Second, on)
				b.becomes("backup", began, 2*patience)
				own := netip.MustParsePrefix(fmt.Sprintf(on.hosts, 12)).Addr() // over IPv6 b hears only who asks for this one
				w, err := s.prober(inside).Watch(own, 50*time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				defer w.Stop()
				b.watches("")
				at := s.losePower("a")
				moved := b.becomes("active", at, 8*time.Second)
				if took := moved.TS.Sub(at); moved.Reason != "peer-dead" || took > 300*time.Millisecond {
					return fmt.Sprintf("b was Active after %v for %s", took, moved.Reason)
				}
				return ""
			})
		})
	}
}
