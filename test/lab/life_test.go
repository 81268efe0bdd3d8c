package lab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// leaves is a configuration of a router that holds one of everything.
func (s *site) leaves(socket string) string {
	return fmt.Sprintf(`
control: {socket: %s}
defaults: {interval: 200ms, priority: 150}
instances:
  - {name: mac, interface: eth0, vrid: 51, addresses: [192.0.2.1/24], virtual_mac: true,
     routes: [{to: 10.0.0.0/8, via: 192.0.2.254}], rules: [{from: 10.0.0.0/8, table: 100, priority: 500}]}
  - {name: plain, interface: eth0, vrid: 52, addresses: ['fe80::51/64', '2001:db8:51::1/64'], accept: false}
`, socket)
}

// left is what a daemon left on a host, as others see it: empty if nothing.
func (s *site) left(host string) (found []string) {
	s.t.Helper()
	for what, in := range map[string]string{
		"192.0.2.1": s.ip(host, "-o", "address"), "fe80::51": s.ip(host, "-o", "address"), "2001:db8:51::1/": s.ip(host, "-o", "address"),
		"vrrp.51": s.ip(host, "-o", "link"), "proto 112": s.ip(host, "route") + s.ip(host, "rule"),
		"arp_ignore = 1": s.command(host, "sysctl", "net.ipv4.conf.eth0.arp_ignore"), "table inet ripcord": s.command(host, program(s.t, "nft"), "list tables"),
	} {
		if strings.Contains(strings.ReplaceAll(in, "192.0.2.11", ""), what) {
			found = append(found, what)
		}
	}
	return found
}

// TestLeftoversAreRemoved checks that the addresses of a killed daemon are removed by ripcord
// clean, which refuses while a daemon runs, and by every start that fails. Otherwise the kernel
// would answer for the addresses forever.
func TestLeftoversAreRemoved(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	s.ip("a", "address", "add", "192.0.2.111/24", "dev", "eth0") // somebody else's, secondary
	socket := s.socket("a")
	good := s.leaves(socket)
	file := filepath.Join(s.Dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		code int
		args []string
	}{
		{"clean", 0, []string{"clean"}},
		{"a mistake in the file", 78, []string{"run", "--config", s.configure("bad", strings.Replace(good, "vrid: 51", "vrid: 300", 1))}},
		{"no file", 78, []string{"run", "--config", filepath.Join(s.Dir, "none.yaml")}},
		{"a file without end", 78, []string{"run", "--config", "/dev/zero"}},
		{"a busy socket", 1, []string{"run", "--config", s.configure("busy", s.leaves(file))}},
		{"no such level", 2, []string{"run", "--log-level", "loud", "--config", s.configure("good", good)}},
	} {
		began := time.Now()
		a := s.startYAML("a", good)
		for _, name := range []string{"mac", "plain"} {
			a.wait(began, 10*time.Second, "the addresses of "+name, func(l line) bool { return l.Event == "address.added" && l.Instance == name })
		}
		a.wait(began, patience, "its route", is("route.added"))
		if got := s.ripcord("a", "clean"); got.code != 1 || !strings.Contains(got.err, "another ripcord runs") || got.out != "" {
			t.Errorf("clean beside a daemon: exit %d, stdout %q, stderr %q", got.code, got.out, got.err)
		}
		if found := s.left("a"); len(found) != 7 {
			t.Fatalf("%s: the daemon holds only %q", c.name, found)
		}
		a.kill()
		got := s.ripcord("a", c.args...)
		if got.code != c.code || !strings.Contains(got.out+got.err, "removed 192.0.2.1/24 on vrrp.51") {
			t.Errorf("%s: exit %d, want %d, stdout %q, stderr %q", c.name, got.code, c.code, got.out, got.err)
		}
		if found := s.left("a"); len(found) > 0 {
			t.Errorf("%s: %q is left", c.name, found)
		}
		if addresses := s.ip("a", "-o", "address"); !strings.Contains(addresses, "192.0.2.11/24") || !strings.Contains(addresses, "192.0.2.111/24") {
			t.Errorf("%s: somebody else's address is gone:\n%s", c.name, addresses)
		}
	}
	if got := s.ripcord("a", "clean"); got.code != 0 || got.out != "nothing of ripcord was left here\n" {
		t.Errorf("clean with nothing left: exit %d, stdout %q", got.code, got.out)
	}
}

// TestSignals checks that only SIGTERM and SIGINT end a daemon, however many signals arrive, and
// only when its address is removed. The second signal once killed it.
func TestSignals(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		began := time.Now()
		a := s.start("a", router{150, 200 * time.Millisecond, ""})
		a.becomes("active", began, 5*time.Second)
		a.wait(began, patience, "its address", is("address.added"))
		at := time.Now()
		for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM} {
			a.signal(sig)
		}
		a.wait(at, patience, "its status", is("daemon.status"))
		if st := a.state(); st != "active" || len(a.moves(at)) > 0 {
			t.Errorf("it is %s after %d moves", st, len(a.moves(at)))
		}
		sniffer := s.sniff(inside)
		for range 100 {
			for _, sig := range []syscall.Signal{end, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
				if _, err := a.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
			}
		}
		<-a.Exited
		if a.Err != nil {
			t.Errorf("it ended with %v, want exit 0", a.Err)
		}
		if s.holds("a", inside) {
			t.Errorf("it left its address")
		}
		resigned := 0
		for _, adv := range sniffer.Adverts() {
			if adv.Priority == 0 {
				resigned++
			}
		}
		if resigned != 1 {
			t.Errorf("it resigned %d times", resigned)
		}
	}
}

// TestUnreadLog checks that a log that no process reads, with a full or a closed pipe, neither
// disturbs the daemon nor keeps it from ending.
func TestUnreadLog(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	config := s.configure("a", router{150, 200 * time.Millisecond, ""}.yaml(s, s.socket("a")))
	for _, closed := range []bool{false, true} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if !closed {
			fill(t, write)
		}
		command := exec.Command(binary, "run", "--config", config)
		command.Stdout, command.Stderr = write, write
		if err := s.Host("a").Start(command); err != nil {
			t.Fatal(err)
		}
		write.Close()
		if closed {
			read.Close()
		}
		ended := make(chan error, 1)
		go func() { ended <- command.Wait() }()
		for deadline := time.Now().Add(5 * time.Second); !s.holds("a", inside); time.Sleep(often) {
			if time.Now().After(deadline) {
				t.Fatalf("closed %t: it does not become Active", closed)
			}
		}
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("closed %t: it ended with %v, want exit 0", closed, err)
			}
		case <-time.After(8 * time.Second):
			t.Errorf("closed %t: it does not end", closed)
			_ = command.Process.Kill()
			<-ended
		}
		if s.holds("a", inside) {
			t.Errorf("closed %t: it left its address", closed)
		}
		read.Close()
	}
}

// fill writes into a pipe until nothing fits. It stays full as long as nobody reads.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	_ = pipe.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	for {
		if _, err := pipe.Write(make([]byte, 4096)); err != nil {
			break
		}
	}
	_ = pipe.SetWriteDeadline(time.Time{})
}

// TestSignalsAtTheStart sends signals while the file is read, which may take forever: SIGHUP has no
// effect, and the first SIGTERM ends the daemon.
func TestSignalsAtTheStart(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	pipe := filepath.Join(s.Dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(pipe, os.O_RDWR, 0) // that writes nothing: the reading waits
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for _, c := range []struct {
		args []string
		code int
	}{{[]string{"run", "--config", pipe}, 0}, {[]string{"check", pipe}, 1}} {
		command := exec.Command(binary, c.args...)
		if err := s.Host("a").Start(command); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = command.Wait(); close(ended) }()
		if c.args[0] == "run" {
			catchesHangup(t, command.Process.Pid)
		}
		time.Sleep(200 * time.Millisecond) // it reads by now
		if c.args[0] == "run" {
			_ = command.Process.Signal(syscall.SIGHUP)
			select {
			case <-ended:
				t.Fatalf("%v: SIGHUP ended it", c.args)
			case <-time.After(100 * time.Millisecond):
			}
		}
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			if got := command.ProcessState.ExitCode(); got != c.code {
				t.Errorf("%v: exit %d, want %d", c.args, got, c.code)
			}
		case <-time.After(3 * time.Second):
			t.Errorf("%v: SIGTERM does not end it", c.args)
			_ = command.Process.Kill()
			<-ended
		}
	}
}

// stranger, in the environment, makes this test binary a user without rights who has
// bound the abstract socket of that name.
const stranger = "RIPCORD_LAB_STRANGER"

func beStranger() int {
	const nobody = 65534
	if err := syscall.Setuid(nobody); err != nil {
		fmt.Println(err)
		return 1
	}
	if _, err := net.Listen("unix", os.Getenv(stranger)); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("bound")
	select {}
}

// TestLockOfStrangers checks that a user without rights keeps no daemon from starting, and that a
// second daemon is noticed.
func TestLockOfStrangers(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	holder := exec.Command("/proc/self/exe")
	holder.Env = append(os.Environ(), stranger+"=@ripcord")
	held, err := s.Start("a", "stranger", holder)
	if err != nil {
		t.Fatal(err)
	}
	if err := held.WaitSaid("bound"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a := s.start("a", router{150, 200 * time.Millisecond, ""})
	a.becomes("active", began, 5*time.Second)
	other := s.configure("other", router{150, time.Second, ""}.yaml(s, s.socket("other")))
	if got := s.ripcord("a", "run", "--config", other); got.code != 1 || !strings.Contains(got.err, "another ripcord runs") {
		t.Errorf("a second daemon: exit %d, complained %q", got.code, got.err)
	}
	a.signal(syscall.SIGTERM)
	<-a.Exited
	if a.Err != nil {
		t.Errorf("it ended with %v", a.Err)
	}
}

// TestUserWithCapabilities checks that a daemon of a user with capabilities runs and takes the
// lock: with a file if it has a directory for it, otherwise with the socket, and that it logs this.
func TestUserWithCapabilities(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	setpriv := program(t, "setpriv")
	if err := os.Chmod(s.Dir, 0o777|os.ModeSticky); err != nil { // as /tmp
		t.Fatal(err)
	}
	const caps = "+net_admin,+net_raw"
	config := s.configure("a", router{150, 200 * time.Millisecond, ""}.yaml(s, s.socket("a")))
	if err := os.Chmod(config, 0o644); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a := s.startCommand("a", exec.Command(setpriv, "--reuid=65534", "--clear-groups", "--inh-caps="+caps, "--ambient-caps="+caps, binary, "run", "--config", config))
	a.becomes("active", began, 5*time.Second)
	a.wait(began, patience, "its address", is("address.added"))
	if doubt := a.wait(began, patience, "its lock", is("daemon.lock")); doubt.Level != "warn" {
		t.Errorf("%s: %s", doubt.Level, doubt.Msg)
	}
	if got := s.ripcord("a", "clean"); got.code != 1 || !strings.Contains(got.err, "another ripcord runs") {
		t.Errorf("clean beside it, by root: exit %d, stdout %q, stderr %q", got.code, got.out, got.err)
	}
	second := exec.Command(setpriv, "--reuid=65534", "--clear-groups", "--inh-caps="+caps, "--ambient-caps="+caps, binary, "run", "--config", config)
	var said strings.Builder
	second.Stderr = &said
	if err := s.Host("a").Start(second); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err == nil || !strings.Contains(said.String(), "another ripcord runs") {
		t.Errorf("a second daemon of the same user: %v, %s", err, said.String())
	}
	a.signal(syscall.SIGTERM)
	<-a.Exited
	if a.Err != nil || s.holds("a", inside) {
		t.Errorf("it ended with %v, and holds the address: %t", a.Err, s.holds("a", inside))
	}
}

// catchesHangup waits until a process catches SIGHUP, which on a busy machine takes it a
// while from its start.
func catchesHangup(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(status), "SigCgt:")
		if mask, err := strconv.ParseUint(strings.Fields(after)[0], 16, 64); err == nil && mask&1 != 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not catch SIGHUP")
		}
	}
}
