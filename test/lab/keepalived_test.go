package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// keepalived is Debian's, on a host. Each start is one of these.
type keepalived struct {
	s       *site
	command *exec.Cmd
	logfile string
	child   string // the file with the pid of its VRRP process
	exited  chan struct{}
}

// program finds what test/setup installs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: run test/setup, which installs it", name)
	}
	return path
}

// keepalived starts it with the same addresses as ripcord. Its own default is
// VRRPv2.
func (s *site) keepalived(host string, priority int, interval time.Duration, v shared) *keepalived {
	s.t.Helper()
	base := filepath.Join(s.dir, "keepalived-"+host)
	version, authentication := "", ""
	if v.version != 2 {
		version = "vrrp_version 3"
	}
	if v.pass != "" {
		authentication = "authentication {\n\t\tauth_type PASS\n\t\tauth_pass " + v.pass + "\n\t}"
	}
	conf := fmt.Sprintf(`global_defs {
	router_id %s
	%s
}
vrrp_instance %s {
	state BACKUP
	interface %s
	virtual_router_id %d
	priority %d
	advert_int %g
	%s
	virtual_ipaddress {
		%s
	}
}
`, host, version, v.name, v.ifname, v.vrid, priority, interval.Seconds(), authentication, strings.Join(v.virtual, "\n\t\t"))
	if err := os.WriteFile(base+".conf", []byte(conf), 0o600); err != nil {
		s.t.Fatal(err)
	}
	log, err := os.OpenFile(base+".log", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	k := &keepalived{s: s, logfile: base + ".log", child: base + ".vrrp.pid", exited: make(chan struct{})}
	k.command = exec.Command(program(s.t, "keepalived"), "--vrrp", "--dont-fork", "--log-console", "--log-detail",
		"--use-file", base+".conf", "--pid", base+".pid", "--vrrp_pid", k.child)
	k.command.Stdout, k.command.Stderr = log, log
	if err := s.Host(host).Start(k.command); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = k.command.Wait()
		close(k.exited)
	}()
	s.t.Cleanup(func() {
		if s.t.Failed() {
			text, _ := os.ReadFile(k.logfile)
			s.t.Logf("the log of keepalived on %s:\n%s", host, text)
		}
		k.kill()
	})
	return k
}

// enters waits until its log tells of a state.
func (k *keepalived) enters(state string, within time.Duration) {
	k.s.t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(k.logfile)
		if err != nil {
			k.s.t.Fatal(err)
		}
		if strings.Contains(string(text), "Entering "+state+" STATE") {
			return
		}
		if time.Now().After(deadline) {
			k.s.t.Fatalf("keepalived did not enter %s within %v", state, within)
		}
	}
}

// stop asks it to end; it resigns.
func (k *keepalived) stop() time.Time {
	at := time.Now()
	_ = k.command.Process.Signal(syscall.SIGTERM)
	return at
}

// kill ends it as a power failure does. Its VRRP process resigns when the other
// one dies: so both are stopped first.
func (k *keepalived) kill() time.Time {
	select {
	case <-k.exited:
		return time.Now()
	default:
	}
	pids := []int{k.command.Process.Pid}
	if text, err := os.ReadFile(k.child); err == nil {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			pids = append(pids, pid)
		}
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
	}
	at := time.Now()
	for i := range pids {
		_ = syscall.Kill(pids[len(pids)-1-i], syscall.SIGKILL)
	}
	<-k.exited
	return at
}

// ripcord beside Debian's keepalived 2.2.7 on one LAN: whichever has the higher
// priority serves, and each takes over from the other, after a resignation
// within Skew_Time and after silence within the Active_Down_Interval. No two
// advertise at once for longer than one interval.
func TestKeepalivedIPv4(t *testing.T) { besideKeepalived(t, insideIPv4, beside) }

// As TestKeepalivedIPv4, with a link-local and a global IPv6 address.
func TestKeepalivedIPv6(t *testing.T) { besideKeepalived(t, insideIPv6, beside) }

func besideKeepalived(t *testing.T, v shared, beside time.Duration) {
	needRoot(t)
	t.Parallel()
	t.Run("ripcord above", func(t *testing.T) { t.Parallel(); ripcordAbove(t, v, beside) })
	t.Run("keepalived above", func(t *testing.T) { t.Parallel(); keepalivedAbove(t, v, beside) })
}

const beside = 200 * time.Millisecond // the interval

func ripcordAbove(t *testing.T, v shared, beside time.Duration) {
	s := newSharedSite(t, []shared{v}, "a", "b")
	sniffer, watch := s.sniff(inside), s.watchShared(v)
	began := time.Now()
	a := s.startShared("a", 150, beside, v)
	a.becomes("active", began, 5*time.Second)
	k := s.keepalived("b", 100, beside, v)
	k.enters("BACKUP", 5*time.Second)
	time.Sleep(2 * downInterval(100, beside))
	if n := s.heardFrom(sniffer, "b", began); n > 0 {
		t.Errorf("keepalived of lower priority sent %d adverts", n)
	}

	at := a.signal(syscall.SIGTERM)
	served := s.servedBy("b", inside, watch, at, 5*time.Second)
	s.within("ripcord resigns → keepalived serves", at, served, 0, skew(100, beside)+slack)
	<-a.exited

	began = time.Now()
	a = s.startShared("a", 150, beside, v)
	a.becomes("active", began, 5*time.Second)
	served = s.servedBy("a", inside, watch, began, 2*time.Second)
	s.within("ripcord starts → serves", began, served, 0, downInterval(150, beside)+slack)
	time.Sleep(4 * beside)
	s.onlyOne(watch, served.Add(beside))

	at = a.kill()
	served = s.servedBy("b", inside, watch, at, 5*time.Second)
	down := downInterval(100, beside)
	s.within("ripcord is killed → keepalived serves", at, served, down-beside-10*time.Millisecond, down+slack)
	s.noRivals(sniffer)
}

func keepalivedAbove(t *testing.T, v shared, beside time.Duration) {
	s := newSharedSite(t, []shared{v}, "a", "b")
	sniffer, watch := s.sniff(inside), s.watchShared(v)
	began := time.Now()
	k := s.keepalived("a", 150, beside, v)
	k.enters("MASTER", 10*time.Second)
	b := s.startShared("b", 100, beside, v)
	b.becomes("backup", began, 5*time.Second)
	time.Sleep(2 * downInterval(100, beside))
	if n := s.heardFrom(sniffer, "b", began); n > 0 {
		t.Errorf("ripcord of lower priority sent %d adverts", n)
	}

	at := k.stop()
	served := s.servedBy("b", inside, watch, at, 5*time.Second)
	s.within("keepalived resigns → ripcord serves", at, served, 0, skew(100, beside)+slack)
	<-k.exited

	began = time.Now()
	k = s.keepalived("a", 150, beside, v)
	if moved := b.becomes("backup", began, 10*time.Second); moved.Reason != "higher-priority-backup" {
		t.Errorf("ripcord went to Backup for %q", moved.Reason)
	}
	served = s.servedBy("a", inside, watch, began, 2*time.Second)
	time.Sleep(4 * beside)
	s.onlyOne(watch, served.Add(beside))

	at = k.kill()
	if moved := b.becomes("active", at, 5*time.Second); moved.Reason != "active-timeout" {
		t.Errorf("ripcord went Active for %q", moved.Reason)
	}
	served = s.servedBy("b", inside, watch, at, 5*time.Second)
	down := downInterval(100, beside)
	s.within("keepalived is killed → ripcord serves", at, served, down-beside-10*time.Millisecond, down+slack)
	s.noRivals(sniffer)
	for _, l := range b.log(time.Time{}) {
		if l.Event == "advert.rejected" || l.Event == "advert.mismatch" {
			t.Errorf("ripcord complains of keepalived: %s", l.Msg)
		}
	}
}

// heardFrom counts a host's adverts since an instant.
func (s *site) heardFrom(sniffer *lan.Sniffer, host string, since time.Time) (n int) {
	for _, x := range sniffer.Adverts() {
		if x.Host == host && x.At.After(since) {
			n++
		}
	}
	return n
}

// onlyOne fails the test if two routers answered one question since an instant.
func (s *site) onlyOne(w *lan.Watch, since time.Time) {
	s.t.Helper()
	for _, at := range w.Timeline().Both() {
		if at.After(since) {
			s.t.Errorf("both routers answered %v after there should have been one", at.Sub(since))
			return
		}
	}
}
