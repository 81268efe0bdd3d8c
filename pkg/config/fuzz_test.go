package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/value"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// FuzzParse checks that every loaded configuration keeps the promises of docs/configuration.md, and
// that every refusal has a place and a reason.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("fuzz.yaml", text)
		if err != nil {
			checkProblems(t, c, err)
			return
		}
		checkConfig(t, c)
	})
}

func checkProblems(t *testing.T, c *Config, err error) {
	var all problem.Problems
	if c != nil || !errors.As(err, &all) || len(all) == 0 {
		t.Fatalf("refused with %v and %v", c, err)
	}
	for _, p := range all {
		if p.File != "fuzz.yaml" || p.Line < 1 || p.Column < 1 || p.Message == "" {
			t.Errorf("a problem without place or message: %+v", p)
		}
	}
	if !slices.IsSortedFunc(all, func(a, b problem.Problem) int {
		return slices.Compare([]int{a.Line, a.Column}, []int{b.Line, b.Column})
	}) {
		t.Errorf("not sorted: %v", err)
	}
}

func checkConfig(t *testing.T, c *Config) {
	type virtual struct {
		link   string
		vrid   uint8
		family event.Family
	}
	names, virtuals := map[string]vrrp.Instance{}, map[virtual][]vrrp.Instance{}
	checks := map[string]bool{}
	for _, k := range c.Checks {
		checks[k.Name] = true
	}
	tracked := func(all []vrrp.Tracker) {
		for _, k := range all {
			if k.Kind != vrrp.TrackInterface && !checks[k.Name] || k.Name == "" || k.Weight < -253 || k.Weight > 253 {
				t.Errorf("%+v is tracked", k)
			}
		}
	}
	for _, g := range c.Groups {
		tracked(g.Track)
		if len(g.Members) == 0 || g.Name == "" && len(g.Members) != 1 {
			t.Errorf("group %q has %d members", g.Name, len(g.Members))
		}
		for _, i := range g.Members {
			checkInstance(t, i)
			tracked(i.Track)
			v := virtual{i.Interface, i.VRID, i.Family}
			if _, twice := names[i.Name]; twice || slices.ContainsFunc(virtuals[v], func(o vrrp.Instance) bool { return !apart(i, o) }) {
				t.Errorf("twice: %+v", i)
			}
			names[i.Name], virtuals[v] = i, append(virtuals[v], i)
			if i.Group != g.Name || i.Priority != g.Members[0].Priority {
				t.Errorf("%+v in group %q of priority %d", i, g.Name, g.Members[0].Priority)
			}
		}
	}
	if len(names) == 0 || len(c.Sets) != len(names) {
		t.Errorf("%d instances, %d sets", len(names), len(c.Sets))
	}
	for _, s := range c.Sets {
		i, ok := names[s.Instance]
		var held []netip.Addr
		for _, a := range s.Addresses {
			held = append(held, a.Prefix.Addr())
			if a.Interface == "" && s.Device != nil {
				a.Interface = s.Device.Name
			}
			if value.BadInterface(a.Interface) != "" || len(a.Label) > 15 {
				t.Errorf("%+v", a)
			}
		}
		if (s.Device != nil) != i.VirtualMAC {
			t.Errorf("%+v has the device %+v", i, s.Device)
		}
		if !ok || s.Interval != i.Interval || s.Miss != i.Miss || !slices.Equal(held, slices.Concat(i.Addresses, i.Extra)) {
			t.Errorf("%+v is not what %+v holds", s, i)
		}
		if s.Announce.Count < 1 || s.Announce.AgainAfter < 0 || s.Announce.Refresh < 0 || s.Announce.Spacing < 0 {
			t.Errorf("%+v", s.Announce)
		}
	}
	for _, k := range c.Checks {
		if err := k.Validate(); err != nil {
			t.Error(err)
		}
	}
	for _, s := range c.Links {
		if s.Confirm < 0 || s.Monitor == "" {
			t.Errorf("%+v", s)
		}
	}
}

// apart reports whether receivers can distinguish the adverts of two instances with the same VRID, family
// and link apart.
func apart(a, b vrrp.Instance) bool {
	if !a.IsUnicast() && !b.IsUnicast() {
		return a.MulticastGroup() != b.MulticastGroup()
	}
	if a.IsUnicast() != b.IsUnicast() || a.Source.IsValid() && b.Source.IsValid() && a.Source != b.Source && a.IsUnicast() {
		return true
	}
	return a.IsUnicast() && !slices.ContainsFunc(a.Unicast.Peers, func(p netip.Addr) bool { return slices.Contains(b.Unicast.Peers, p) })
}

func checkInstance(t *testing.T, i vrrp.Instance) {
	advert := wire.Advert{
		Version: i.Version, VRID: i.VRID, Priority: i.Priority, Interval: i.Interval,
		Addresses: i.Addresses, Checksum: i.Checksum, Auth: i.Auth,
	}
	if err := advert.Encodable(i.Family); err != nil && len(i.Addresses) > 0 {
		t.Error(err)
	}
	if i.Priority == 0 || i.Miss < 1 || i.Miss > 100 {
		t.Errorf("out of range: %+v", i)
	}
	if !value.NamePattern.MatchString(i.Name) || value.BadInterface(i.Interface) != "" {
		t.Errorf("bad name: %+v", i)
	}
	if n := len(i.Addresses); n > 255 || i.Family == 0 || i.Family == event.IPv6 && 40+8+16*n > 1500 {
		t.Errorf("%d addresses: %+v", n, i)
	}
	for _, a := range i.Addresses {
		if event.FamilyOf(a) != i.Family {
			t.Errorf("%s in an %s instance", a, i.Family)
		}
	}
}
