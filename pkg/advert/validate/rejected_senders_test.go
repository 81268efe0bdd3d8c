package validate

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// rejectedCase is an advert that an instance rejects for a reason, and the text of its warning.
type rejectedCase struct {
	reason wire.Reason
	in     vrrp.Instance
	// packet returns the advert that is received at an instant after t0.
	packet func(after time.Duration) Packet
	says   string
}

// rejectedCases has an advert for each reason for which an advert for an instance can be
// rejected.
func rejectedCases() []rejectedCase {
	two := func(change func(a *wire.Advert)) func(time.Duration) Packet {
		a := advert4()
		a.Version, a.Auth = wire.V2, wire.Password("secret")
		change(&a)
		return constant(packet4(a))
	}
	sign := func(id uint8, s wire.Secret, skew time.Duration, change func([]byte)) func(time.Duration) Packet {
		return func(after time.Duration) Packet {
			b := signed(advert4(), peer4, id, s, after+skew)
			change(b)
			return from4(peer4, b, after)
		}
	}
	plain := func([]byte) {}
	enforced := authentic(virtual4(), vrrp.Enforce)
	peers := virtual4()
	peers.Unicast = vrrp.Unicast{Peers: []netip.Addr{peer4}, TTL: 255, MinTTL: 255}
	to := func(source, dest netip.Addr) func(time.Duration) Packet {
		a := advert4()
		return constant(Packet{Interface: "eth0", Family: event.IPv4, At: t0, Data: ipv4(source, dest, 255, a.Append(nil, source, dest))})
	}
	damaged := packet4(advert4())
	damaged.Data[len(damaged.Data)-1]++
	cut := packet4(advert4())
	cut.Truncated = true
	return []rejectedCase{
		{wire.IPTTLError, virtual4(), constant(raw4(254, 0x31, 51, 200, 1, 0, 100, 0, 0, 192, 0, 2, 100)), "from 192.0.2.2, which is behind a router (TTL 254)"},
		{wire.Truncated, virtual4(), constant(cut), "damaged"},
		{wire.PacketLengthError, virtual4(), constant(raw4(255, 0x31, 51, 200, 2, 0, 100, 0, 0, 192, 0, 2, 100)), "damaged"},
		{wire.PacketLengthError, virtual4(), sign(1, secret(1), 0, plain), "signs its adverts (packet-length-error), so both may be Active: give both routers the same `auth`"},
		{wire.VersionError, virtual4(), constant(raw4(255, 0x41, 51, 200, 1, 0, 100, 0, 0, 192, 0, 2, 100)), "speaks VRRPv4, not VRRPv3"},
		{wire.VersionError, virtual4(), two(func(a *wire.Advert) { a.Auth = wire.Auth{} }), "speaks VRRPv2, not VRRPv3"},
		{wire.TypeError, virtual4(), constant(raw4(255, 0x32, 51, 200, 1, 0, 100, 0, 0, 192, 0, 2, 100)), "damaged"},
		{wire.ChecksumError, virtual4(), constant(damaged), "sends adverts that are damaged (checksum-error)"},
		{wire.InvalidAuthType, virtual2(), constant(raw4(255, append([]byte{0x21, 51, 200, 1, 2, 1, 0, 0, 192, 0, 2, 100}, make([]byte, 8)...)...)), "has the authentication type 2, where this router has a password"},
		{wire.AuthTypeMismatch, virtual2(), two(func(a *wire.Advert) { a.Auth = wire.Auth{} }), "has no password, where this router has a password"},
		{wire.AuthFailure, virtual2(), two(func(a *wire.Advert) { a.Auth = wire.Password("Secret") }), "has another password (auth-failure), so both may be Active: set the same `auth.pass` on both"},
		{wire.IntervalError, virtual2(), two(func(a *wire.Advert) { a.Interval = 2 * time.Second }), "has the interval 2s, not 1s"},
		{wire.NotAPeer, peers, to(netip.MustParseAddr("192.0.2.3"), own4), "from 192.0.2.3, which is not one of the `unicast` peers (not-a-peer), so both may be Active: add 192.0.2.3 to `peers`"},
		{wire.NotMulticast, virtual4(), to(peer4, own4), "sends by unicast, not by multicast"},
		{wire.NotUnicast, peers, to(peer4, wire.Group4), "sends by multicast, not by unicast"},
		{wire.AuthMissing, enforced, constant(packet4(advert4())), "does not sign its adverts"},
		{wire.AuthMalformed, enforced, sign(1, secret(1), 0, func(b []byte) { b[len(b)-wire.TrailerLen] ^= 0x80 }), "signs its adverts with another method"},
		{wire.AuthStale, enforced, sign(1, secret(1), time.Hour, plain), "signs with a clock that differs (auth-stale), so both may be Active: synchronize both clocks"},
		{wire.AuthStale, enforced, constant(from4(peer4, signed(advert4(), peer4, 1, secret(1), -time.Hour), 0)), "signs with a clock that differs"}, // it proves nothing after the first
		{wire.AuthUnknownKey, enforced, sign(9, secret(1), 0, plain), "signs with a different key with the id 9"},
		{wire.AuthInvalidHMAC, enforced, sign(1, secret(7), 0, plain), "signs with a different key with the id 1"},
		{wire.AuthReplay, enforced, constant(from4(peer4, signed(advert4(), peer4, 1, secret(1), 0), 0)), "sends adverts with a time that has passed"},
	}
}

// constant returns a function that returns the same packet each time.
func constant(p Packet) func(time.Duration) Packet {
	return func(after time.Duration) Packet {
		p.At = t0.Add(after)
		p.Data = slices.Clone(p.Data)
		return p
	}
}

// watched is an acceptor and the warnings that it reports.
type watched struct {
	*bench
	*event.Warnings
	logged []string
}

func newWatched(in ...vrrp.Instance) *watched {
	w := &watched{bench: newBench(in...)}
	w.Warnings = event.NewWarnings(func(e event.Event) { w.logged = append(w.logged, e.Level().String()+" "+e.Message()) })
	w.Acceptor.Warn(w.Warnings)
	return w
}

// hear makes the acceptor check a packet that is received at an instant after t0.
func (w *watched) hear(packet func(time.Duration) Packet, after time.Duration) Verdict {
	p := packet(after)
	v := w.Accept(&p, t0.Add(after))
	w.Flush(t0.Add(after), false)
	return v
}

// TestRejectedSender checks that a router whose adverts are rejected one after another is a
// warning, at error, that names it, how it differs and what to do. It is logged once while it
// lasts, again if its text changes, and is over when the adverts stop.
func TestRejectedSender(t *testing.T) {
	for _, c := range rejectedCases() {
		t.Run(string(c.reason), func(t *testing.T) {
			w := newWatched(c.in)
			at := time.Duration(0)
			heard := func() { w.hear(c.packet, at); at += time.Second }
			if c.reason == wire.AuthReplay {
				heard() // the first one is accepted
			}
			heard()
			heard()
			if len(w.All()) > 0 {
				t.Fatalf("there is a warning after two adverts: %v", w.All())
			}
			heard()
			all := w.All()
			if len(all) != 1 || all[0].Reason != event.WarnRejectedAdverts || all[0].Instance != c.in.Name || !strings.Contains(all[0].Text, c.says) ||
				!strings.Contains(all[0].Text, "VRID 51 on eth0") || !strings.Contains(all[0].Text, "("+string(c.reason)+")") {
				t.Fatalf("warnings %v, want one with %q", all, c.says)
			}
			if len(w.logged) != 1 || !strings.HasPrefix(w.logged[0], "error ") {
				t.Errorf("logged %q", w.logged)
			}
			if n := w.stats[c.in.Name].Get(stats.ByReason(c.reason)); n < minRejected {
				t.Errorf("counted %d", n)
			}
			for at < 3*time.Minute {
				heard()
			}
			lines := 1
			if c.reason == wire.AuthReplay { // the same advert, some seconds later, is rejected as stale
				lines = 2
			}
			if len(w.All()) != 1 || len(w.logged) != lines {
				t.Errorf("after 3 min: in force %v, logged %q", w.All(), w.logged)
			}
			for i := 0; len(w.All()) > 0; i++ {
				next, ok := w.Next()
				if !ok || i > 3 {
					t.Fatal("the warning never ends")
				}
				w.Flush(next, false)
			}
			if len(w.logged) != lines+1 || !strings.HasPrefix(w.logged[lines], "info ") {
				t.Errorf("logged %q", w.logged)
			}
		})
	}
}

// TestEachReasonIsAWarning checks that each reason that the documentation lists has a warning,
// except reasons of adverts that belong to no instance, and reasons with a warning of their own.
func TestEachReasonIsAWarning(t *testing.T) {
	page, err := os.ReadFile("../../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"ip-header", "vrid-error", "flood", "count-zero", "interval-zero"}
	for _, c := range rejectedCases() {
		known = append(known, string(c.reason))
	}
	rows := regexp.MustCompile(`(?m)^\| (`+"`[a-z-]+`(?:, `[a-z-]+`)*"+`) \|`).FindAllStringSubmatch(string(page), -1)
	if len(rows) < 10 {
		t.Fatalf("only %d rows of the table were found", len(rows))
	}
	for _, row := range rows {
		for _, reason := range strings.Split(row[1], ", ") {
			if reason = strings.Trim(reason, "`"); reason != "reason" && !slices.Contains(known, reason) {
				t.Errorf("no test has a warning for adverts that are rejected for %s", reason)
			}
		}
	}
}

// TestAcceptedAgain checks that a router some of whose adverts are accepted is no warning, and
// that an accepted advert ends one.
func TestAcceptedAgain(t *testing.T) {
	w := newWatched(virtual2())
	good, bad := advert4(), advert4()
	good.Version, bad.Version = wire.V2, wire.V2
	good.Auth, bad.Auth = wire.Password("secret"), wire.Password("Secret")
	for i := range 20 {
		a := bad
		if i%3 == 2 {
			a = good
		}
		w.hear(constant(packet4(a)), time.Duration(i)*time.Second)
	}
	if len(w.logged) > 0 {
		t.Errorf("logged %q", w.logged)
	}
	for i := range 5 {
		w.hear(constant(packet4(bad)), time.Duration(20+i)*time.Second)
	}
	if len(w.All()) != 1 {
		t.Fatalf("warnings %v", w.All())
	}
	if w.hear(constant(packet4(good)), 26*time.Second); len(w.All()) > 0 {
		t.Errorf("the warning is in force although the router was accepted: %v", w.All())
	}
}

// TestManyRejectedSenders checks that two routers are both named, each with its remedy, and that
// of many senders only a few are named, in few log lines and in bounded memory.
func TestManyRejectedSenders(t *testing.T) {
	w := newWatched(virtual2())
	from := func(n int, word string) func(time.Duration) Packet {
		a, source := advert4(), netip.AddrFrom4([4]byte{192, 0, byte(2 + n>>8), byte(n)})
		a.Version, a.Auth = wire.V2, wire.Password(word)
		return constant(Packet{Interface: "eth0", Family: event.IPv4, At: t0, Data: ipv4(source, wire.Group4, 255, a.Append(nil, source, wire.Group4))})
	}
	for i := range 5 {
		w.hear(from(7, "other"), time.Duration(2*i)*time.Second)
		w.hear(from(8, ""), time.Duration(2*i+1)*time.Second)
	}
	all := w.All()
	if want := "from 192.0.2.7, which has another password (auth-failure) and from 192.0.2.8, which has"; len(all) != 1 || !strings.Contains(all[0].Text, want) {
		t.Fatalf("warnings %v, want %q", all, want)
	}
	at := 20 * time.Second
	for i := range 3000 {
		w.hear(from(20+i%1000, fmt.Sprint(i)), at)
		at += 20 * time.Millisecond
	}
	u := w.strangers.rejectedSenders["v2"]
	if len(u.senders) > maxRejectedSenders || !strings.Contains(w.All()[0].Text, "from other addresses") {
		t.Errorf("%d senders are remembered: %v", len(u.senders), w.All())
	}
	if lines := len(w.logged); lines > 3 { // the warning changes, and is logged once a minute
		t.Errorf("%d lines in %v: %q", lines, at, w.logged)
	}
}

// TestRejectedAfterReload checks that a reload does not end the warning of an instance that
// stays, and does not keep the rejected senders of one that is gone.
func TestRejectedAfterReload(t *testing.T) {
	in := virtual2()
	w := newWatched(in)
	a := advert4()
	a.Version, a.Auth = wire.V2, wire.Password("Secret")
	at := time.Duration(0)
	hear := func(n int) {
		for range n {
			w.hear(constant(packet4(a)), at)
			at += time.Second
		}
	}
	hear(5)
	w.Acceptor = w.Succeed(each([]vrrp.Instance{in}), w.stats)
	w.Learn(event.Link{Name: "eth0", Index: 2, Primary4: own4})
	if hear(60); len(w.All()) != 1 || len(w.logged) != 1 {
		t.Errorf("after a reload: in force %v, logged %q", w.All(), w.logged)
	}
	w.Acceptor = w.Succeed(each([]vrrp.Instance{virtual4()}), w.stats)
	if w.Flush(t0.Add(at+rejectWindow*3), false); len(w.All()) > 0 || len(w.strangers.rejectedSenders) > 0 {
		t.Errorf("of an instance that is gone: in force %v, %d remembered", w.All(), len(w.strangers.rejectedSenders))
	}
}
