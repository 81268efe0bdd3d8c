package lab

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestForeignRules checks that rules of other programs keep no daemon from starting, and still
// exist at the end. A rule with a port has, since Linux 6.15, an attribute that was read as an
// error.
func TestForeignRules(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	rules := map[string]string{
		"rule add ipproto tcp dport 22 table 100":                 "rule",
		"-6 rule add ipproto udp sport 1-1024 dport 53 table 100": "-6 rule",
		"rule add from 10.0.0.0/8 table 101 realms 3 proto 112":   "rule", // ripcord makes no realms
	}
	for add := range rules {
		s.ip("a", strings.Fields(add)...)
	}
	began := time.Now()
	more := "rules: [{from: 10.1.0.0/16, table: 100, priority: 500}]"
	a := s.start("a", router{150, often, more})
	a.becomes("active", began, 5*time.Second)
	a.wait(began, patience, "its rule", is("route.added"))
	a.signal(syscall.SIGTERM)
	<-a.Exited
	for _, c := range []struct{ list, has string }{{"rule", "ipproto tcp dport 22 lookup 100"}, {"-6 rule", "dport 53 lookup 100"}, {"rule", "lookup 101 realms 3"}} {
		if got := s.ip("a", strings.Fields(c.list)...); !strings.Contains(got, c.has) {
			t.Errorf("ip %s has no %q:\n%s", c.list, c.has, got)
		} else if strings.Contains(got, "10.1.0.0/16") {
			t.Errorf("our rule is left:\n%s", got)
		}
	}
}

// TestPromoteSecondaries checks promote_secondaries: without it the kernel removes all addresses of
// a subnet with the first one. Other programs set it, too, while ripcord is Active. The
// administrator's address exists after the release, and the setting is as it was before, whether
// ripcord had to change it at the start or at the end.
func TestPromoteSecondaries(t *testing.T) {
	t.Parallel()
	s := newSite(t, []segment{inside}, "a")
	sysctl := func(value string) {
		for _, of := range []string{"all", "eth0"} {
			s.command("a", "sysctl", "-qw", "net.ipv4.conf."+of+".promote_secondaries="+value)
		}
	}
	for _, c := range []struct{ before, while, after, release string }{
		{"0", "", "0", "stop"}, {"0", "0", "0", "stop"}, {"1", "0", "0", "stop"}, {"0", "0", "0", "lose"},
	} {
		sysctl(c.before)
		began := time.Now()
		yaml := strings.Replace(router{150, often, ""}.yaml(s, s.socket("a")), "192.0.2.1/24", "203.0.113.1/24", 1)
		a := s.startYAML("a", yaml)
		a.becomes("active", began, 5*time.Second)
		a.wait(began, patience, "its addresses", is("address.added"))
		s.ip("a", "address", "add", "203.0.113.50/24", "dev", "eth0")
		if c.while != "" {
			sysctl(c.while)
		}
		if c.release == "lose" { // the release of a daemon that runs on
			at := s.pull("a", inside)
			a.wait(at, patience, "its release", is("address.removed"))
			s.plug("a", inside)
		}
		a.signal(syscall.SIGTERM)
		<-a.Exited
		got := s.ip("a", "-4", "-o", "address", "show", "dev", "eth0")
		if !strings.Contains(got, "203.0.113.50/24") || strings.Contains(got, "203.0.113.1/24") {
			t.Errorf("%+v: afterwards there are\n%s", c, got)
		}
		if got := strings.TrimSpace(s.command("a", "sysctl", "-n", "net.ipv4.conf.eth0.promote_secondaries")); got != c.after {
			t.Errorf("%+v: afterwards it is %s", c, got)
		}
		s.ip("a", "address", "del", "203.0.113.50/24", "dev", "eth0")
	}
}

// stopped returns how many adverts, at most, an instance that advertises each interval could
// not send since the machine stood still, as one does that its host gives no time: those of
// that time, and one of the interval in which it listens afterwards.
func (m *machine) stopped(interval time.Duration) (adverts uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, late := range m.late {
		if late >= interval/2 {
			adverts += uint64(late/interval) + 2
		}
	}
	return adverts
}
