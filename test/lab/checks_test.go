package lab

import (
	encoding "encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ripcord/test/netns"
	"ripcord/test/stage"
)

// checked is a pair of routers of which each has a check of its own: a command that looks
// into a file which the test changes.
type checked struct {
	*site
	a, b *daemon
}

// checkFile is the file that the check of a host looks into.
func (s *site) checkFile(host string) string { return filepath.Join(s.Dir, host+".check") }

// setCheck makes the check of a host pass or fail from its next run on.
func (s *site) setCheck(host, state string) time.Time {
	s.t.Helper()
	fresh := s.checkFile(host) + ".new"
	if err := os.WriteFile(fresh, []byte(state+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	at := time.Now()
	if err := os.Rename(fresh, s.checkFile(host)); err != nil {
		s.t.Fatal(err)
	}
	return at
}

// withCheck is the configuration of a router with that check, 20 times a second.
func (s *site) withCheck(host string, priority int, track string) string {
	return fmt.Sprintf("script_user: root\nchecks: [{name: web, interval: 50ms, timeout: 2s, command: [/bin/grep, -qx, up, %s]}]\n", s.checkFile(host)) +
		router{priority, time.Second, "track: [" + track + "]"}.yaml(s, s.socket(host))
}

func checkedPair(t *testing.T, track string) checked {
	t.Helper()
	s := newSite(t, []segment{inside}, "a", "b")
	s.setCheck("a", "up")
	s.setCheck("b", "up")
	began := time.Now()
	a := s.startYAML("a", s.withCheck("a", 150, track))
	a.becomes("active", began, 9*time.Second)
	b := s.startYAML("b", s.withCheck("b", 100, track))
	b.becomes("backup", began, 5*time.Second)
	for deadline := time.Now().Add(patience); b.status().Instances[0].ActivePriority != 150; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("b does not hear a")
		}
	}
	return checked{s, a, b}
}

// fail lets the check of a fail, and returns when a knew and when b was Active.
func (c checked) fail() (known, active time.Time) {
	c.t.Helper()
	at := c.setCheck("a", "down")
	down := c.a.wait(at, patience, "check.changed", is("check.changed"))
	if !strings.Contains(down.Msg, "check web is down: exit status 1") {
		c.t.Errorf("the log has: %s", down.Msg)
	}
	return down.caused(), c.b.becomes("active", at, patience).caused()
}

// TestCheckWithWeight lets a check with a weight fail on the Active: it serves with the lower
// priority until the other router takes over a Skew_Time later. The client notices nothing.
func TestCheckWithWeight(t *testing.T) {
	t.Parallel()
	var ours handover
	measuredAnew(t, func(t *testing.T, m *machine) (wrong string) {
		c := checkedPair(t, "{check: web, weight: -60}")
		pings := c.ping(inside)
		time.Sleep(200 * time.Millisecond)
		known, active := c.fail()
		time.Sleep(200 * time.Millisecond)
		outage := pings.longest(known)
		ours = handover{active.Sub(known), outage}

		a, b := c.a.status(), c.b.status()
		if in := a.Instances[0]; in.State != "backup" || in.EffectivePriority != 90 || in.Priority != 150 || len(in.Faults) > 0 {
			t.Errorf("a is %s with priority %d of %d, faults %v", in.State, in.EffectivePriority, in.Priority, in.Faults)
		}
		if k := a.Checks; len(k) != 1 || k[0].Name != "web" || k[0].State != "down" || k[0].Error != "exit status 1" || k[0].Runs == 0 || k[0].Failed == 0 {
			t.Errorf("a's checks: %+v", k)
		}
		if k := b.Checks; len(k) != 1 || k[0].State != "up" || k[0].Error != "" || k[0].Failed != 0 {
			t.Errorf("b's checks: %+v", k)
		}
		priority := c.a.wait(known, patience, "instance.priority", is("instance.priority"))
		if want := "inside has priority 90, was 150: web changed"; priority.Msg != want {
			t.Errorf("the log has %q, want %q", priority.Msg, want)
		}

		late, gap := 100*time.Millisecond, 5*time.Millisecond
		if m.busy(3 * time.Millisecond) {
			late, gap = slack, 100*time.Millisecond
		}
		if took := active.Sub(known); took > skew(100, time.Second)+late {
			wrong = fmt.Sprintf("the other was Active after %v", took)
		}
		if outage > gap {
			wrong += fmt.Sprintf(" an outage of %v", outage)
		}

		back := c.setCheck("a", "up") // and the better one preempts again
		c.a.becomes("active", back, 9*time.Second)
		return wrong
	})
	besideKeepalived(t, ours, "weight -60")
}

// handover is how long after a failure is known the other router serves, and the longest
// time in which a client is not answered.
type handover struct{ took, outage time.Duration }

func (h handover) String() string {
	return fmt.Sprintf("the other serves %v after the failure is known; the client's longest outage is %v", h.took, h.outage)
}

// besideKeepalived logs what a failure of the check costs, and what the same costs at keepalived,
// of which nothing is demanded.
func besideKeepalived(t *testing.T, ours handover, weight string) {
	t.Helper()
	theirs := "it is not installed"
	if program, err := exec.LookPath("keepalived"); err == nil {
		theirs = checkAtKeepalived(t, program, weight).String()
	}
	t.Logf("Skew_Time is %v\n\tripcord:    %v\n\tkeepalived: %s", skew(100, time.Second), ours, theirs)
}

// TestCheckWithoutWeight lets a check without a weight fail on the Active: it resigns, and the
// other router serves a Skew_Time later.
func TestCheckWithoutWeight(t *testing.T) {
	t.Parallel()
	var ours handover
	measuredAnew(t, func(t *testing.T, m *machine) (wrong string) {
		c := checkedPair(t, "{check: web}")
		w, pings := c.watch(inside, 2*time.Millisecond), c.ping(inside)
		time.Sleep(200 * time.Millisecond)
		known, _ := c.fail()
		served := c.servedBy("b", inside, w, known, patience)
		time.Sleep(200 * time.Millisecond)
		ours = handover{served.Sub(known), pings.longest(known)}
		in := c.a.status().Instances[0]
		if in.State != "fault" || len(in.Faults) != 1 || in.Faults[0].Reason != "check-failed" || in.Faults[0].Source != "web" || in.Faults[0].Error != "exit status 1" {
			t.Errorf("a is %s, faults %+v", in.State, in.Faults)
		}
		if said := c.ripcord("a", "status", "--socket", c.a.socket); !strings.Contains(said.out, "inside: its check web fails: exit status 1") {
			t.Errorf("status prints:\n%s", said.out)
		}
		late := 50 * time.Millisecond
		if m.busy(3 * time.Millisecond) {
			late = slack
		}
		if took := served.Sub(known); took > skew(100, time.Second)+late {
			wrong = fmt.Sprintf("the other served after %v", took)
		}
		back := c.setCheck("a", "up")
		c.a.becomes("active", back, 9*time.Second)
		return wrong
	})
	besideKeepalived(t, ours, "")
}

// checkAtKeepalived lets the check of one of two keepalived fail.
func checkAtKeepalived(t *testing.T, program, weight string) handover {
	t.Helper()
	s := newSite(t, []segment{inside}, "a", "b")
	for host, priority := range map[string]int{"a": 150, "b": 100} {
		s.setCheck(host, "up")
		s.startKeepalived(program, host, priority, weight)
	}
	w := s.watch(inside, 2*time.Millisecond)
	s.servedBy("a", inside, w, time.Now(), 9*time.Second)
	pings := s.ping(inside)
	time.Sleep(1200 * time.Millisecond)
	at := s.setCheck("a", "down")
	served := s.servedBy("b", inside, w, at, 9*time.Second)
	time.Sleep(200 * time.Millisecond)
	known, err := os.Stat(s.checkFile("a") + ".failed") // which the script makes as it fails
	if err != nil {
		t.Fatal(err)
	}
	return handover{served.Round(0).Sub(known.ModTime()), pings.longest(at)}
}

// startKeepalived runs keepalived with the check of a host, as often as it can: once a second.
func (s *site) startKeepalived(program, host string, priority int, weight string) *stage.Daemon {
	s.t.Helper()
	conf := fmt.Sprintf(`global_defs {
	router_id %s
	script_user root
}
vrrp_script web {
	script "%s"
	interval 1
	fall 1
	rise 1
	%s
}
vrrp_instance inside {
	state BACKUP
	version 3
	interface %s
	virtual_router_id %d
	priority %d
	advert_int 1
	virtual_ipaddress {
		%v/24
	}
	track_script {
		web
	}
}
`, host, s.script(host+"-check", fmt.Sprintf("grep -qx up %[1]s && exit 0; [ -e %[1]s.failed ] || : > %[1]s.failed; exit 1", s.checkFile(host))), weight, inside.ifname, inside.vrid, priority, inside.virtual())
	config, pid := s.configure(host+"-keepalived", conf), filepath.Join(s.Dir, host+".pid")
	d, err := s.Start(host, host, exec.Command(program, "--vrrp", "--dont-fork", "--log-console", "--use-file", config, "--pid", pid, "--vrrp_pid", pid+".vrrp"))
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// TestTrackLinks checks that with track_link: false a router serves without carrier, for example on
// a veth to a container that does not run yet, and that another tracked link is a fault.
func TestTrackLinks(t *testing.T) {
	t.Parallel()
	s := newSite(t, bothSegments, "a")
	s.pull("a", inside)
	began := time.Now()
	yaml := fmt.Sprintf("control: {socket: %s}\nlinks: {default: {recovery: {wait: 0s}}}\ninstances:\n", s.socket("a")) +
		fmt.Sprintf("  - {name: inside, interface: %s, vrid: %d, priority: 150, interval: 200ms, addresses: [%v/24], track_link: false, track: [{interface: %s}]}\n",
			inside.ifname, inside.vrid, inside.virtual(), outside.ifname)
	a := s.startYAML("a", yaml)
	a.becomes("active", began, patience)

	at := s.pull("a", outside)
	if l := a.becomes("fault", at, patience); l.Reason != "interface-down" {
		t.Errorf("the reason is %s", l.Reason)
	}
	st := a.status()
	if f := st.Instances[0].Faults; len(f) != 1 || f[0].Source != outside.ifname {
		t.Errorf("faults %+v, want one of %s", f, outside.ifname)
	}
	if len(st.Links) != 2 {
		t.Errorf("%d links in status, want the tracked one, too", len(st.Links))
	}
	at = s.plug("a", outside)
	a.becomes("active", at, patience)
	s.plug("a", inside)
	w := s.watch(inside, 10*time.Millisecond)
	s.servedBy("a", inside, w, time.Now(), patience)
}

// TestTrackedLinkLoss checks that the loss of a tracked link is found as fast as that of the
// instance's own link: the confirmer asks both, since the kernel may announce a loss a second late.
func TestTrackedLinkLoss(t *testing.T) {
	netns.NeedRoot(t)
	const limit = 50 * time.Millisecond
	measuredAnew(t, func(t *testing.T, m *machine) (wrong string) {
		s := newSite(t, bothSegments, "a")
		began := time.Now()
		yaml := fmt.Sprintf("control: {socket: %s}\nlinks: {default: {recovery: {wait: 0s}}}\ninstances:\n", s.socket("a")) +
			fmt.Sprintf("  - {name: inside, interface: %s, vrid: %d, priority: 150, interval: 50ms, addresses: [%v/24], track: [{interface: %s}]}\n",
				inside.ifname, inside.vrid, inside.virtual(), outside.ifname)
		a := s.startYAML("a", yaml)
		a.becomes("active", began, patience)
		for _, seg := range []segment{inside, outside} {
			var took []time.Duration
			for range 9 {
				time.Sleep(150 * time.Millisecond)
				at := s.pull("a", seg)
				took = append(took, a.becomes("fault", at, patience).TS.Sub(at.Round(0)))
				back := s.plug("a", seg)
				a.becomes("active", back, patience)
			}
			t.Logf("cable of %s pulled → fault: median %v of %v", seg.ifname, median(took), took)
			percent := 50
			if m.busy(limit / 4) {
				percent = 25
			}
			if q := quantile(took, percent); q > limit {
				wrong += fmt.Sprintf(" %s: p%d is %v, want at most %v", seg.ifname, percent, q, limit)
			}
		}
		return wrong
	})
}

// TestHangingChecks runs twenty checks that hang, tracked by a hundred instances: no advert is
// missed, and each check fails at its timeout.
func TestHangingChecks(t *testing.T) {
	t.Parallel()
	const routers, interval, lasts = 100, 100 * time.Millisecond, 5 * time.Second
	measuredAnew(t, func(t *testing.T, m *machine) (wrong string) {
		s := newSite(t, []segment{inside}, "a")
		var yaml strings.Builder
		fmt.Fprintf(&yaml, "log: {level: info}\ncontrol: {socket: %s}\nscript_user: root\nchecks:\n", s.socket("a"))
		for i := range 20 {
			fmt.Fprintf(&yaml, "  - {name: hangs%d, command: [/bin/sleep, '1000'], interval: 500ms, timeout: 300ms, initial: pass, weight: -1}\n", i)
		}
		fmt.Fprintf(&yaml, "instances:\n")
		for i := range routers {
			fmt.Fprintf(&yaml, "  - {name: i%d, interface: %s, vrid: %d, priority: 150, interval: %v, addresses: [%s.%d/24], track: [{check: hangs%d}]}\n",
				i, inside.ifname, i+1, interval, inside.network, 101+i, i%20)
		}
		began := time.Now()
		a := s.startYAML("a", yaml.String())
		a.becomes("active", began, 10*time.Second)
		time.Sleep(2 * time.Second)
		sniffer := s.sniff(inside)
		start := time.Now()
		time.Sleep(lasts)
		last := map[uint8]time.Time{}
		var longest time.Duration
		for _, x := range sniffer.Adverts() {
			if at, known := last[x.VRID]; known {
				longest = max(longest, x.At.Sub(at))
			}
			last[x.VRID] = x.At
			if x.Priority != 149 {
				t.Fatalf("VRID %d advertises priority %d, want 149", x.VRID, x.Priority)
			}
		}
		t.Logf("%d adverts; the longest time between two of one router is %v", len(sniffer.Adverts()), longest)
		if len(last) != routers {
			t.Errorf("%d of %d routers advertise", len(last), routers)
		}
		most := interval + interval/2
		if m.busy(3 * time.Millisecond) {
			most = 3 * interval // which is when a Backup misses them
		}
		if longest > most {
			wrong = fmt.Sprintf("%v without an advert", longest)
		}
		for _, l := range a.moves(start) {
			t.Errorf("it moved: %s", l.Msg)
		}
		for _, k := range a.status().Checks {
			if k.State != "down" || k.Error != "timed out after 300ms" || k.Failed < 5 {
				t.Errorf("check %+v", k)
			}
		}
		return wrong
	})
}

// TestChecksRunOnce: every check is run once by check --run, and a command of somebody who does not exist
// ends the daemon with 78.
func TestChecksRunOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	const checks = `script_user: %s
checks:
  - {name: good, command: [/bin/echo, all is well]}
  - {name: bad, command: [/bin/sh, -c, 'echo "no, it is not"; exit 3']}
  - {name: gateway, ping: {address: 192.0.2.12, interface: eth0, method: arp}}
`
	path := s.configure("a", fmt.Sprintf(checks, "root")+router{150, time.Second, "track: [{check: good}, {check: bad}, {check: gateway}]"}.yaml(s, s.socket("a")))
	got := s.ripcord("a", "check", "--run", path)
	if got.code != 1 || !strings.Contains(got.err, "1 of 3 checks failed") {
		t.Errorf("check --run: %+v", got)
	}
	for _, want := range []string{"all is well", "exit status 3: no, it is not"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("check --run does not say %q:\n%s", want, got.out)
		}
	}
	path = s.configure("a", fmt.Sprintf(checks, "nobody-here")+router{150, time.Second, "track: [{check: good}, {check: bad}, {check: gateway}]"}.yaml(s, s.socket("a")))
	for _, args := range [][]string{{"run", "--config", path}, {"run", "--check", "--config", path}} {
		if got := s.ripcord("a", args...); got.code != 78 || !strings.Contains(got.err, "check good runs a command as script_user nobody-here: there is no user nobody-here") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

// pings asks a virtual address for an ICMP echo each millisecond, as a client that knows
// its MAC already does.
type pings struct {
	mu       sync.Mutex
	sent     []time.Time
	answered map[uint16]bool
}

// ping begins to ask from the client, until the test ends.
func (s *site) ping(seg segment) *pings {
	s.t.Helper()
	var conn net.PacketConn
	if err := s.Host("client").Do(func() (err error) {
		conn, err = net.ListenPacket("ip4:icmp", "0.0.0.0")
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	p := &pings{answered: make(map[uint16]bool)}
	to := &net.IPAddr{IP: seg.virtual().AsSlice()}
	quit := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { p.ask(conn, to, quit) })
	running.Go(func() { p.listen(conn) })
	s.t.Cleanup(func() {
		close(quit)
		conn.Close()
		running.Wait()
	})
	return p
}

const pingID = 0x7263

func (p *pings) ask(conn net.PacketConn, to net.Addr, quit <-chan struct{}) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-quit:
			return
		}
		p.mu.Lock()
		n := len(p.sent)
		p.sent = append(p.sent, time.Now())
		p.mu.Unlock()
		echo := encoding.BigEndian.AppendUint16([]byte{8, 0, 0, 0, pingID >> 8, pingID & 0xff}, uint16(n))
		encoding.BigEndian.PutUint16(echo[2:], ^uint16(sum16(0x0800, pingID, uint32(uint16(n)))))
		_, _ = conn.WriteTo(echo, to) // what does not get out is not answered
	}
}

// sum16 is the one's complement sum of 16-bit words.
func sum16(words ...uint32) (sum uint32) {
	for _, w := range words {
		sum += w
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}

func (p *pings) listen(conn net.PacketConn) {
	data := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(data)
		if err != nil {
			return
		}
		if n >= 8 && data[0] == 0 && encoding.BigEndian.Uint16(data[4:]) == pingID {
			p.mu.Lock()
			p.answered[encoding.BigEndian.Uint16(data[6:])] = true
			p.mu.Unlock()
		}
	}
}

// longest is the longest time after since in which no ping was answered: from the first
// unanswered to the next that was.
func (p *pings) longest(since time.Time) (outage time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lost time.Time
	for n, at := range p.sent {
		switch {
		case at.Before(since):
		case !p.answered[uint16(n)]:
			if lost.IsZero() {
				lost = at
			}
			if n == len(p.sent)-1 && at.Sub(lost) > 50*time.Millisecond { // still out; the last ones may be under way
				outage = max(outage, at.Sub(lost))
			}
		case !lost.IsZero():
			outage = max(outage, at.Sub(lost))
			lost = time.Time{}
		}
	}
	return outage
}

// TestTrackedSinceReload: an instance that tracks a check since a reload is in Fault at
// once where the check, which another instance tracked before, fails.
func TestTrackedSinceReload(t *testing.T) {
	t.Parallel()
	s := newSite(t, bothSegments, "a")
	s.setCheck("a", "down")
	yaml := func(track string) string {
		return fmt.Sprintf("control: {socket: %s}\nscript_user: root\nchecks: [{name: web, interval: 50ms, timeout: 2s, command: [/bin/grep, -qx, up, %s]}]\ninstances:\n", s.socket("a"), s.checkFile("a")) +
			fmt.Sprintf("  - {name: inside, interface: eth0, vrid: 51, priority: 150, interval: 200ms, addresses: [%v/24], track: [{check: web}]}\n", inside.virtual()) +
			fmt.Sprintf("  - {name: outside, interface: eth1, vrid: 52, priority: 150, interval: 200ms, addresses: [%v/24]%s}\n", outside.virtual(), track)
	}
	began := time.Now()
	a := s.startYAML("a", yaml(""))
	outsideIs := func(state string, since time.Time) line {
		return a.wait(since, patience, "a move of outside to "+state, func(l line) bool {
			return l.Event == "instance.transition" && l.Instance == "outside" && l.To == state
		})
	}
	a.becomes("fault", began, patience)
	outsideIs("active", began)
	s.rewrite("a", yaml(", track: [{check: web}]"))
	at := time.Now()
	if done := s.reload(a); done.code != 0 {
		t.Fatalf("reload: %+v", done)
	}
	if l := outsideIs("fault", at); l.Reason != "check-failed" {
		t.Errorf("the reason is %s", l.Reason)
	}
	for _, l := range a.log(at) {
		if l.Event == "check.changed" {
			t.Errorf("the check did not change: %s", l.Msg)
		}
	}
}
