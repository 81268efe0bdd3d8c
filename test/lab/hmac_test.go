package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/lan"
	"ripcord/pkg/stats"
	"ripcord/test/netns"
)

// No peer here speaks the HMAC of keepalived 2.4 (Debian 12 has 2.2.7): these tests
// have ripcord on both sides, and the vectors of pkg/wire decide what it looks like.

// hmacOf is the key auth of an instance, as YAML flow. The key n stands in a file.
func (s *site) hmacOf(n int, mode string) string {
	s.t.Helper()
	file := filepath.Join(s.Dir, fmt.Sprintf("key%d", n))
	if err := os.WriteFile(file, []byte(strings.Repeat(fmt.Sprintf("%02x", n), 32)+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("auth: {hmac: {keys: {1: {file: %s}}, mode: %s}}", file, mode)
}

// rejected lists the reasons for which a daemon rejected adverts since an instant.
func (d *daemon) rejected(since time.Time) (reasons []string) {
	for _, l := range d.log(since) {
		if l.Event == "advert.rejected" && !slices.Contains(reasons, l.Reason) {
			reasons = append(reasons, l.Reason)
		}
	}
	return reasons
}

// TestHMACBetweenTwoRipcords runs two ripcords with signed adverts, over each protocol: one is
// Active, the other hears it and takes over when it resigns; each advert is 28 bytes longer than
// its message, and none is rejected.
func TestHMACBetweenTwoRipcords(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 100 * time.Millisecond
	v2, mac, single4, single6 := insideIPv4, insideIPv4, insideIPv4, insideIPv6
	v2.version = 2
	mac.keys = "virtual_mac: true, "
	single4.keys = "unicast: {peers: [192.0.2.11, 192.0.2.12]}, "
	single6.keys = `source: "2001:db8:51::%d", unicast: {peers: ["2001:db8:51::%d"]}, `
	for _, c := range []struct {
		name string
		shared
		every   time.Duration
		message int // bytes
	}{
		{"IPv4", insideIPv4, interval, 8 + 4},
		{"IPv6", insideIPv6, interval, 8 + 2*16},
		{"v2", v2, time.Second, 8 + 4 + 8},
		{"virtual MAC", mac, interval, 8 + 4},
		{"unicast IPv4", single4, interval, 8 + 4},
		{"unicast IPv6", single6, interval, 8 + 2*16},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSharedSite(t, []shared{c.shared}, "a", "b")
			start := func(host string, priority, own, other int) *daemon {
				v := c.shared
				if strings.Contains(v.keys, "%d") {
					v.keys = fmt.Sprintf(v.keys, own, other)
				}
				if c.name == "unicast IPv4" {
					v.keys = fmt.Sprintf("unicast: {peers: [192.0.2.%d]}, ", other)
				}
				v.keys += s.hmacOf(1, "enforce")
				return s.startShared(host, priority, c.every, v)
			}
			sniffer := s.sniff(inside)
			began := time.Now()
			a := start("a", 150, 11, 12)
			a.becomes("active", began, 4*c.every+6*time.Second)
			b := start("b", 100, 12, 11)
			b.becomes("backup", began, 6*time.Second)
			time.Sleep(2 * downInterval(100, c.every))
			if got := b.status().Instances[0]; got.State != "backup" || got.Statistics.Get(stats.AdvertisementRcvd) < 3 {
				t.Errorf("b is %s and has heard %d adverts", got.State, got.Statistics.Get(stats.AdvertisementRcvd))
			}
			stopped := a.signal(syscall.SIGTERM)
			if moved := b.becomes("active", stopped, c.every+2*time.Second); moved.Reason != "peer-resigned" {
				t.Errorf("b is active for %q, want peer-resigned", moved.Reason)
			}
			time.Sleep(2 * c.every)
			for _, d := range []*daemon{a, b} {
				if reasons := d.rejected(began); len(reasons) > 0 {
					t.Errorf("%s rejected adverts: %v", d.name, reasons)
				}
				if text, _ := os.ReadFile(d.Log); strings.Contains(string(text), "0101010101") {
					t.Errorf("%s has the key in its log", d.name)
				}
			}
			heard := map[string]int{}
			for _, x := range sniffer.Adverts() {
				heard[x.Host]++
				if len(x.Message) != c.message+28 {
					t.Errorf("%s sent %d bytes: %x", x.Host, len(x.Message), x.Message)
				}
			}
			if c.name != "virtual MAC" && (heard["a"] == 0 || heard["b"] == 0) {
				t.Errorf("adverts: %v", heard)
			}
		})
	}
}

// TestHMACWrongKey checks two routers with different keys, or one without a key: each rejects the
// other's adverts, logs why, and both serve, as enforce requires.
func TestHMACWrongKey(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 100 * time.Millisecond
	for _, c := range []struct{ name, atA, atB string }{
		{"another key", "auth-invalid-hmac", "auth-invalid-hmac"},
		{"none", "auth-ext-missing", "packet-length-error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, []segment{inside}, "a", "b")
			theirs := ""
			if c.name == "another key" {
				theirs = s.hmacOf(2, "enforce")
			}
			began := time.Now()
			a := s.start("a", router{150, interval, s.hmacOf(1, "enforce")})
			a.becomes("active", began, 6*time.Second)
			b := s.start("b", router{100, interval, theirs})
			b.becomes("active", began, 8*time.Second)
			for d, reason := range map[*daemon]string{a: c.atA, b: c.atB} {
				d.wait(began, patience, reason, func(l line) bool { return l.Event == "advert.rejected" && l.Reason == reason })
				if reasons := d.rejected(began); len(reasons) != 1 {
					t.Errorf("%s rejected for %v", d.name, reasons)
				}
			}
			if n := a.status().Instances[0].Statistics; c.name == "another key" && n.Get(stats.AuthInvalidHMAC) == 0 || c.name == "none" && n.Get(stats.AuthMissing) == 0 {
				t.Errorf("a counts %+v", n)
			}
			if moves := a.moves(began); moves[len(moves)-1].To != "active" {
				t.Errorf("a is %s", moves[len(moves)-1].To)
			}
		})
	}
}

// TestHMACRollout follows the three steps in which the routers of a LAN begin to sign, one after
// the other: no advert is rejected, and there are never two Actives.
func TestHMACRollout(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 300 * time.Millisecond
	s := newSite(t, []segment{inside}, "a", "b")
	began := time.Now()
	run := func(host, mode string) *daemon {
		keys := "preempt: false"
		if mode != "" {
			keys += ", " + s.hmacOf(1, mode)
		}
		return s.start(host, router{100, interval, keys})
	}
	routers := map[string]*daemon{"a": run("a", "")}
	routers["a"].becomes("active", began, 6*time.Second)
	routers["b"] = run("b", "")
	routers["b"].becomes("backup", began, 6*time.Second)
	active := "a"
	for _, mode := range []string{"receive-only", "permissive", "enforce"} {
		for _, host := range []string{"b", "a"} {
			other := map[string]string{"a": "b", "b": "a"}[host]
			stopped := routers[host].signal(syscall.SIGTERM)
			<-routers[host].Exited
			if active == host {
				routers[other].becomes("active", stopped, patience)
				active = other
			}
			since := time.Now()
			routers[host] = run(host, mode)
			routers[host].becomes("backup", since, 6*time.Second)
			time.Sleep(2 * downInterval(100, interval))
			if got, its := routers[host].state(), routers[other].state(); got != "backup" || its != "active" {
				t.Fatalf("%s is in mode %s: it is %s, the other %s", host, mode, got, its)
			}
		}
	}
	for host, d := range routers {
		for _, l := range d.log(began) {
			if l.Event == "advert.rejected" || l.Event == "advert.rival" {
				t.Errorf("%s: %s", host, l.Msg)
			}
		}
	}
}

// TestHMACReplayedCapture lets a third host send recorded adverts again: those of the former
// Active, which have a higher priority than the present one's, its resignation, and the present
// one's own. No router changes state, within the window and after it, and the adverts are counted.
func TestHMACReplayedCapture(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	const interval = 300 * time.Millisecond
	s := newSite(t, []segment{inside}, "a", "b")
	recorder := s.record()
	began := time.Now()
	keys := s.hmacOf(1, "enforce")
	a := s.start("a", router{150, interval, keys})
	a.becomes("active", began, 6*time.Second)
	b := s.start("b", router{100, interval, keys})
	b.becomes("backup", began, 6*time.Second)
	time.Sleep(5 * interval)
	stopped := a.signal(syscall.SIGTERM)
	<-a.Exited
	b.becomes("active", stopped, patience)
	time.Sleep(5 * interval)
	capture := adverts(recorder.Frames(), s.Cable("client", inside.ifname).MAC())
	replay := func(what string) {
		t.Helper()
		since := time.Now()
		flood, err := s.Host("client").Flood(inside.ifname, 500, capture...)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * downInterval(100, interval))
		if err := flood.Stop(); err != nil || flood.Sent() < len(capture) {
			t.Errorf("%s: %d of %d were sent again: %v", what, flood.Sent(), len(capture), err)
		}
		for _, d := range s.daemons {
			if moves := d.moves(since); len(moves) > 0 {
				t.Errorf("%s: %s moved: %v", what, d.name, moves[0].Msg)
			}
		}
	}
	count := func() (replays, stale uint64) {
		st := b.status().Instances[0].Statistics
		return st.Get(stats.AuthReplays), st.Get(stats.AuthStale)
	}
	replay("b is Active")
	again := time.Now()
	a = s.start("a", router{150, interval, keys})
	a.becomes("active", again, 6*time.Second)
	b.becomes("backup", again, patience)
	replay("a is Active, and was away")
	replays, _ := count()
	time.Sleep(time.Until(stopped.Add(7 * time.Second)))
	replay("all of it is stale")
	after, stale := count()
	t.Logf("%d adverts were sent again; b rejected %d as replays, %d as stale", len(capture), after, stale)
	if replays == 0 || stale == 0 {
		t.Error("what was sent again was not counted")
	}
}

// adverts are the frames of a recording that hold IPv4 adverts, as if sent by mac.
func adverts(frames []lan.Frame, mac lan.MAC) (out [][]byte) {
	for _, f := range frames {
		if len(f.Data) > 34 && f.Data[12] == 8 && f.Data[13] == 0 && f.Data[23] == 112 {
			b := slices.Clone(f.Data)
			copy(b[6:], mac[:])
			out = append(out, b)
		}
	}
	return out
}
