package simulate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/config"
)

// TestReloads reloads both routers with another file, at 5 s and 6 s, and pulls the cable of an
// interface that only the new file names at 20 s. It checks that the changes are logged, and that
// the addresses of the new file are served.
func TestReloads(t *testing.T) {
	instance := func(name, iface, rest string) string {
		return "  - {name: " + name + ", interface: " + iface + ", priority: PRIO, " + rest + "}\n"
	}
	inside := instance("inside", "eth0", "vrid: 51, addresses: [192.0.2.1/24]")
	outside := instance("outside", "eth1", "vrid: 52, addresses: [198.51.100.1/24]")
	first := "instances:\n" + inside
	for _, c := range []struct {
		name, next string
		logged     string
		served     map[string]string // the router that serves at the end, by address and segment
	}{
		{"a new interface", "instances:\n" + inside + outside, "added outside", map[string]string{"192.0.2.1 on eth0": "left", "198.51.100.1 on eth1": "right"}},
		{"a new interface, as a group", "instances:\n" + inside + outside + "groups:\n  - {name: edge, members: [inside, outside]}\n", "added outside, edge",
			map[string]string{"192.0.2.1 on eth0": "right", "198.51.100.1 on eth1": "right"}},
		{"another interface", "instances:\n" + instance("inside", "eth1", "vrid: 51, addresses: [192.0.2.1/24]"), "added inside; removed inside",
			map[string]string{"192.0.2.1 on eth0": "", "192.0.2.1 on eth1": "right"}},
		{"another VRID", "instances:\n" + instance("inside", "eth0", "vrid: 61, addresses: [192.0.2.1/24]"), "added inside; removed inside", map[string]string{"192.0.2.1 on eth0": "left"}},
		{"a tracked interface", "instances:\n" + instance("inside", "eth0", "vrid: 51, addresses: [192.0.2.1/24], track: [{interface: eth1, weight: -100}]"), "changed inside",
			map[string]string{"192.0.2.1 on eth0": "right"}},
		{"another address", "instances:\n" + instance("inside", "eth0", "vrid: 51, addresses: [192.0.2.1/24, 192.0.2.2/24]"), "changed inside",
			map[string]string{"192.0.2.1 on eth0": "left", "192.0.2.2 on eth0": "left"}},
		{"an address replaced", "instances:\n" + instance("inside", "eth0", "vrid: 51, addresses: [192.0.2.7/24]"), "changed inside", map[string]string{"192.0.2.1 on eth0": "", "192.0.2.7 on eth0": "left"}},
		{"nothing", first, "nothing changed", map[string]string{"192.0.2.1 on eth0": "left"}},
		{"another instance", "instances:\n" + instance("dmz", "eth0", "vrid: 53, addresses: [192.0.2.9/24]"), "added dmz; removed inside", map[string]string{"192.0.2.1 on eth0": "", "192.0.2.9 on eth0": "left"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{Seed: 1, Load: func(path string) (*config.Config, error) {
				return textual(t, path, strings.ReplaceAll(c.next, "PRIO", map[string]string{"left.yaml": "150", "right.yaml": "100"}[path])).Config, nil
			}}
			for _, r := range [][2]string{{"left", "150"}, {"right", "100"}} {
				o.Routers = append(o.Routers, textual(t, r[0], strings.ReplaceAll(first, "PRIO", r[1])))
			}
			l := newLAN(t, o)
			lines := []string{"5s reload left left.yaml", "6s reload right right.yaml"}
			if strings.Contains(c.next, "eth1") {
				lines = append([]string{"20s unplug left eth1"}, lines...)
			}
			acts, err := l.Acts(lines)
			if err != nil {
				t.Fatal(err)
			}
			r := played(t, l, acts, time.Minute)
			logged := false
			for _, line := range r.Log {
				logged = logged || line.Event == "config.reloaded" && strings.Contains(line.Message, c.logged)
			}
			if !logged {
				t.Errorf("no reload was logged with %q", c.logged)
			}
			got := make(map[string]string)
			for _, s := range r.Services {
				for _, a := range s.Addresses {
					got[a+" on "+s.Segment] = strings.Join(s.Served[len(s.Served)-1].Routers, " and ")
				}
			}
			for a, who := range c.served {
				if got[a] != who {
					t.Errorf("%s is served by %q, want %q", a, got[a], who)
				}
			}
			if _, split, two := r.LongestSplit(); two {
				t.Errorf("two Actives for %v", split.Long())
			}
			if t.Failed() {
				t.Log(r.Text())
			}
		})
	}
}

// TestSegmentOfReload checks that --segment accepts an interface that only the file of a reload
// names, and refuses one that no file names.
func TestSegmentOfReload(t *testing.T) {
	files := func(iface string) string {
		return "instances:\n  - {name: lan, interface: " + iface + ", vrid: 51, addresses: [192.0.2.1/24]}\n"
	}
	for iface, want := range map[string]string{"ens3": "", "ens4": "there is no interface of b \"ens4\""} {
		l := newLAN(t, Options{
			Routers:  []Router{textual(t, "a", files("eth0")), textual(t, "b", files("eth0"))},
			Segments: []Segment{{"eth0", []Port{{"b", iface}}}},
			Load:     func(path string) (*config.Config, error) { return textual(t, path, files("ens3")).Config, nil },
		})
		_, err := l.Acts([]string{"5s reload b b.yaml"})
		switch {
		case want == "" && (err != nil || !slices.Equal(l.segments, []string{"eth0"})):
			t.Errorf("%v, segments %v", err, l.segments)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestReloadOfWhatCameAndWent checks addresses and groups that a reload adds and removes. The time
// until a router first serves an added address is no outage, unless no router ever serves it. The
// lane of a removed group shows no state.
func TestReloadOfWhatCameAndWent(t *testing.T) {
	const first = "instances:\n  - {name: lan, interface: eth0, vrid: 51, addresses: [192.0.2.1/24]}\n"
	const more = first + "  - {name: dmz, interface: eth1, vrid: 52, addresses: [198.51.100.1/24]}\n"
	l := newLAN(t, Options{Routers: []Router{textual(t, "a", first)}, Seed: 1, Load: func(path string) (*config.Config, error) {
		return textual(t, path, map[string]string{"more": more, "less": first}[path]).Config, nil
	}})
	lines := []string{"5s reload a more", "30s reload a less"}
	for _, c := range []struct {
		name    string
		lines   []string
		outages int
		last    Span
	}{
		{"served", lines, 0, Span{"active", 8609 * time.Millisecond, 30 * time.Second}},
		{"not served", append([]string{"4s unplug a eth1"}, lines[0]), 1, Span{"fault", 5 * time.Second, time.Minute}},
	} {
		acts, err := l.Acts(c.lines)
		if err != nil {
			t.Fatal(err)
		}
		r := played(t, l, acts, time.Minute)
		dmz := r.Groups[slices.IndexFunc(r.Groups, func(l Lane) bool { return l.Group == "dmz" })]
		last := dmz.States[len(dmz.States)-1]
		if near := last.From - c.last.From; last.State != c.last.State || near < 0 || near > 10*time.Millisecond || last.To != c.last.To || dmz.States[0].From != 5*time.Second {
			t.Errorf("%s: the states of dmz are %v, want %v as the last", c.name, dmz.States, c.last)
		}
		if of := r.Services[1]; of.Addresses[0] != "198.51.100.1" || len(of.Outages) != c.outages {
			t.Errorf("%s: unexpected outages: %+v", c.name, of)
		}
		if t.Failed() {
			t.Log(r.Text())
		}
	}
}

// TestWritten checks that the unit of a time fits its rounded value.
func TestWritten(t *testing.T) {
	for d, want := range map[time.Duration]string{
		999_600 * time.Microsecond: "1.00 s", 999_400 * time.Microsecond: "999 ms", 9_960 * time.Microsecond: "10 ms", 9_940 * time.Microsecond: "9.9 ms",
		119_999 * time.Millisecond: "2m0s", 0: "0 s",
	} {
		if got := written(d); got != want {
			t.Errorf("written(%v) = %s, want %s", d, got, want)
		}
	}
}
