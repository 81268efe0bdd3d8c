package simulate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/config"
)

// TestReloads: both routers are given another file at 5 s and 6 s, and a cable that only the new
// one names is pulled at 20 s. What the file changes is logged, and served as it says.
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
		served     map[string]string // by address and segment, who serves at the end
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
		{"an address less", "instances:\n" + instance("inside", "eth0", "vrid: 51, addresses: [192.0.2.7/24]"), "changed inside", map[string]string{"192.0.2.1 on eth0": "", "192.0.2.7 on eth0": "left"}},
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
				t.Errorf("%s is not logged", c.logged)
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

// A segment may be named for an interface that only the file of a reload has, and for none that
// no file has.
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

// TestReloadOfWhatCameAndWent: until the first router serves an address that a reload brought it
// is not missed, but it is where none ever does; of a group that a reload removed no state is shown.
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
			t.Errorf("%s: states %v, want %v as the last", c.name, dmz.States, c.last)
		}
		if of := r.Services[1]; of.Addresses[0] != "198.51.100.1" || len(of.Outages) != c.outages {
			t.Errorf("%s: %+v", c.name, of)
		}
		if t.Failed() {
			t.Log(r.Text())
		}
	}
}

// TestWritten: a time is written by what it is rounded to.
func TestWritten(t *testing.T) {
	for d, want := range map[time.Duration]string{
		999_600 * time.Microsecond: "1.00 s", 999_400 * time.Microsecond: "999 ms", 9_960 * time.Microsecond: "10 ms", 9_940 * time.Microsecond: "9.9 ms",
		119_999 * time.Millisecond: "2m0s", 0: "0 s",
	} {
		if got := written(d); got != want {
			t.Errorf("%v is written as %s, want %s", d, got, want)
		}
	}
}
