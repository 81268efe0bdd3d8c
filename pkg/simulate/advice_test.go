package simulate

import (
	"strings"
	"testing"
	"time"
)

// pairOf returns a configuration of two instances in one group, with additional keys for the
// instances and for the group.
func pairOf(priority, instance, group string) string {
	return strings.NewReplacer("PRIO", priority, "KEYS", instance, "GROUP", group).Replace(`
checks: [{name: web, tcp: {address: '192.0.2.9:80'}, weight: -80}]
instances:
  - {name: inside, interface: eth0, vrid: 51, priority: PRIO, addresses: [192.0.2.1/24]KEYS}
  - {name: outside, interface: eth1, vrid: 52, priority: PRIO, addresses: [198.51.100.1/24]KEYS}
groups:
  - {name: edge, members: [inside, outside]GROUP}
`)
}

// TestMistakes checks that each contradiction between two configurations is explained in one
// sentence, and that a good pair gets none. If a sentence claims that both routers serve, they do.
func TestMistakes(t *testing.T) {
	good := pairOf("150", "", "")
	single := func(keys string) string {
		return "instances:\n  - {name: lan, interface: eth0, vrid: 51, priority: 100, addresses: [192.0.2.1/24]" + keys + "}\n"
	}
	beside := func(own, peer string) string {
		return single("") + "  - {name: near, interface: eth0, vrid: 51, priority: 100, interval: 2s, addresses: [192.0.2.2/24], source: " + own + ", unicast: {peers: [" + peer + "]}}\n"
	}
	const web = "checks: [{name: web, tcp: {address: '192.0.2.9:80'}, weight: -80}]\n"
	for _, c := range []struct {
		name, left, right string
		want              string
		two               bool
	}{
		{"none", good, pairOf("100", "", ""), "", false},
		{"priorities equal, addresses crossed", pairOf("100", ", source: SRC", ""), pairOf("100", ", source: SRC", ""), "the greater address, which decides between equal priorities", false},
		{"VRIDs", good, strings.Replace(pairOf("100", "", ""), "vrid: 51", "vrid: 61", 1), "has VRID 51 on left and VRID 61 on right", false},
		{"VRIDs, no group", single(""), strings.Replace(single(""), "vrid: 51", "vrid: 61", 1), "has VRID 51 on left and VRID 61 on right", true},
		{"password on one side", single(", version: 2, auth: {pass: secret}"), single(", version: 2"), "left has a password and right has none", true},
		{"passwords", single(", version: 2, auth: {pass: secret}"), single(", version: 2, auth: {pass: other}"), "the passwords of left and right differ", true},
		{"versions", single(""), single(", version: 2"), "left speaks VRRPv3 and right VRRPv2", true},
		{"intervals of VRRPv2", single(", version: 2"), single(", version: 2, interval: 2s"), "VRRPv2 discards adverts with a different interval", true},
		{"intervals", single(""), single(", interval: 2s"), "the time of a takeover depends", false},
		{"address lists", single(""), strings.Replace(single(""), "]", ", 192.0.2.2/24]", 1), "192.0.2.2 only on right", false},
		{"unicast", single(", unicast: {peers: [192.0.2.12]}"), single(""), "left sends only to its peers", true},
		{"one VRID by multicast and unicast", beside("192.0.2.11", "192.0.2.12"), beside("192.0.2.12", "192.0.2.11"), "", false},
		{"signatures", single(", auth: {hmac: {keys: {1: {hex: " + strings.Repeat("0a", 32) + "}}, active: 1}}"), single(""), "do not sign with a key that both have", true},
		{"two owners", strings.Replace(single(""), "100,", "255,", 1), strings.Replace(single(""), "100,", "255,", 1), "all have priority 255", true},
		{"groups", good, strings.Split(pairOf("100", "", ""), "groups:")[0], "moves with 198.51.100.1 on eth1 on left, and with nothing on right", false},
		{"preempt", pairOf("150", "", ""), pairOf("100", ", preempt: false", ""), "preempt is true on left and false on right", false},
		{"prefix lengths", single(""), strings.Replace(single(""), "/24", "/32", 1), "is a /24 on left and a /32 on right", false},
		{"accept", single(", accept: false"), single(""), "are answered only while right serves", false},
		{"virtual MAC", single(", virtual_mac: true"), single(""), "the MAC of the addresses changes", false},
		{"miss", single(""), single(", miss: 9"), "miss is 3 on left and 9 on right", false},
		{"routers on one side", single(", routers: 2"), single(""), "routers is omitted on right", false},
		{"no shared segment", single(""), strings.Replace(single(""), "eth0", "ens3", 1), "which share no segment here, so that each serves it on a segment of its own", false},
		{"nothing in common", single(""), strings.NewReplacer("192.0.2.1/24", "'2001:db8::1/64'", "51", "52").Replace(single("")), "left has VRID 51 on eth0 over ipv4 and right has VRID 52 on eth0 over ipv6: no other router has the same", false},
		{"VRID used twice", single(""), strings.Replace(single(""), "192.0.2.1/", "192.0.2.9/", 1), "is used for 192.0.2.1 by left and for 192.0.2.9 by right", false},
		{"one source", single(", source: 192.0.2.11"), single(", source: 192.0.2.11"), "left and right both send from 192.0.2.11", true},
		{"peers", single(", source: 192.0.2.11, unicast: {peers: [192.0.2.12]}"), single(", source: 192.0.2.13, unicast: {peers: [192.0.2.11]}"), "which is not an address of right, so neither hears the other", true},
		{"ttl", strings.Replace(single(", unicast: {peers: [192.0.2.12], ttl: 64}"), "100", "150", 1), single(", unicast: {peers: [192.0.2.11]}"), "right discards adverts below its min_ttl 255", true},
		{"check on one side", web + single(", track: [{check: web, weight: none}]"), single(""), "left tracks web and right tracks nothing", false},
		{"weights without effect", web + strings.Replace(single(", track: [{check: web}]"), "100", "200", 1), web + single(", track: [{check: web}]"), "stays at 120 or more, above the 100 of right", false},
		{"fence on one side", single(", fence: {command: [/bin/true]}"), single(""), "left has a fence and right has none", false},
		{"delay of the lower", good, pairOf("100", ", preempt_delay: 5s", ""), "it has no effect", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			left, right := c.left, c.right
			for i, src := range []string{"192.0.2.11", "198.51.100.12"} {
				left = strings.Replace(left, "SRC", src, 1)
				right = strings.Replace(right, "SRC", []string{"192.0.2.12", "198.51.100.11"}[i], 1)
			}
			l := newLAN(t, Options{Routers: []Router{textual(t, "left", left), textual(t, "right", right)}, Seed: 1})
			advice := l.Advice()
			if c.want == "" && len(advice) > 0 || c.want != "" && (len(advice) != 1 || !strings.Contains(advice[0], c.want)) {
				t.Errorf("advice is %q, want a sentence with %q", advice, c.want)
			}
			r := played(t, l, nil, 30*time.Second)
			if _, _, two := r.LongestSplit(); two != c.two {
				t.Errorf("the routers served at the same time: %v, want %v\n%s", two, c.two, r.Text())
			}
		})
	}
}

// TestMistakesOfMore checks the advice about contradictions between more than two routers.
func TestMistakesOfMore(t *testing.T) {
	file := func(priority, address, keys string) string {
		return "instances:\n  - {name: lan, interface: eth0, vrid: 51, priority: " + priority + ", addresses: [" + address + "/24]" + keys + "}\n"
	}
	of := func(seed uint64, files ...string) *LAN {
		o := Options{Seed: seed}
		for i, text := range files {
			o.Routers = append(o.Routers, textual(t, string(rune('a'+i)), text))
		}
		return newLAN(t, o)
	}
	pairs := of(1, file("150", "192.0.2.1", ""), file("100", "192.0.2.1", ""), file("150", "192.0.2.9", ""), file("100", "192.0.2.9", ""))
	if got := pairs.Advice(); len(got) != 1 || !strings.Contains(got[0], "for 192.0.2.1 by a and b and for 192.0.2.9 by c and d") {
		t.Errorf("advice is %q", got)
	}
	if _, worst, _ := played(t, pairs, nil, 30*time.Second).WorstOutage(); worst.Long() != 30*time.Second {
		t.Errorf("the longest outage is %v, want one for the whole run, since nobody serves one of the addresses", worst.Long())
	}
	most := 0 // the number of takeovers when the Active stops
	for seed := range uint64(20) {
		three := of(seed, file("150", "192.0.2.1", ", routers: 2"), file("100", "192.0.2.1", ", routers: 2"), file("50", "192.0.2.1", ", routers: 2"))
		if got := three.Advice(); len(got) != 1 || !strings.Contains(got[0], "routers is 2 on a, b and c, and 3 routers share it") {
			t.Fatalf("advice is %q", got)
		}
		n := 0
		for _, line := range played(t, three, acts(t, three, "5s stop a"), 30*time.Second).Log {
			if line.Event == "instance.transition" && line.Fields["to"] == "active" {
				n++
			}
		}
		most = max(most, n)
	}
	if most != 2 {
		t.Errorf("at most %d routers took over at once, want 2", most)
	}
}

// TestPreemptDelayAfterAWeight checks that preempt_delay dampens a check that flaps: a router whose
// check fails loses the addresses at once, and takes them back after the delay, as after a start.
func TestPreemptDelayAfterAWeight(t *testing.T) {
	const keys, group = ", preempt_delay: 60s", ", track: [{check: web}]"
	l := newLAN(t, Options{Routers: []Router{textual(t, "left", pairOf("150", keys, group)), textual(t, "right", pairOf("100", keys, group))}, Seed: 1})
	if got := l.Advice(); len(got) != 0 {
		t.Errorf("advice is %q", got)
	}
	r := played(t, l, acts(t, l, "10s check left web fails", "30s check left web passes", "100s kill left", "110s start left"), 4*time.Minute)
	for i, within := range []struct {
		from, to time.Duration
		router   string
	}{{10 * time.Second, 15 * time.Second, "right"}, {90 * time.Second, 95 * time.Second, "left"}, {100 * time.Second, 104 * time.Second, "right"}, {170 * time.Second, 174 * time.Second, "left"}} {
		var moves []Line
		for _, line := range r.Log {
			if line.Event == "group.transition" && line.Fields["to"] == "active" {
				moves = append(moves, line)
			}
		}
		if i >= len(moves) || moves[i].Router != within.router || moves[i].At < within.from || moves[i].At > within.to {
			t.Fatalf("takeover %d: want one by %s between %v and %v\n%s", i, within.router, within.from, within.to, r.Text())
		}
	}
}

// TestApart checks that routers on different segments both serve, and that the last line of the
// text does not deny it.
func TestApart(t *testing.T) {
	const file = "instances:\n  - {name: lan, interface: eth0, vrid: 51, addresses: [192.0.2.1/24]}\n"
	for iface, want := range map[string]string{"eth0": "; never two Actives.\n", "ens3": "; never two Actives on one segment.\n"} {
		l := newLAN(t, Options{Routers: []Router{textual(t, "left", file), textual(t, "right", strings.Replace(file, "eth0", iface, 1))}, Seed: 1})
		r := played(t, l, nil, 30*time.Second)
		if text := r.Text(); !strings.HasSuffix(text, want) || (len(r.Services) == 2) != (iface == "ens3") {
			t.Errorf("the text does not end with %q:\n%s", want, text)
		}
		for _, s := range r.Services {
			if len(s.Outages) > 0 || len(s.Served[0].Routers) != 1 {
				t.Errorf("%+v", s)
			}
		}
	}
}
