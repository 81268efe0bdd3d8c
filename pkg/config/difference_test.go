package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/route"
	"ripcord/pkg/vrrp"
)

// TestCompareSaysAll checks that a change outside instances, groups and checks is named, too.
func TestCompareSaysAll(t *testing.T) {
	before := &Config{ScriptUser: "root"}
	next := &Config{ScriptUser: "nobody", Log: Log{Level: event.Error}, Shutdown: &Program{Argv: []string{"/bin/true"}}}
	if d := Compare(before, next); !slices.Equal(d.Changed, []string{"log.level", "script_user", "shutdown"}) || len(d.Added)+len(d.Removed) > 0 {
		t.Errorf("%+v", d)
	}
	if d := Compare(before, before); len(d.Changed) > 0 {
		t.Errorf("the same configuration changes %v", d.Changed)
	}
}

// TestCompareSaysWhatStartsAnew checks that an instance with another VRID counts as removed and
// added, and an instance that goes on as changed.
func TestCompareSaysWhatStartsAnew(t *testing.T) {
	with := func(change func(*vrrp.Instance)) *Config {
		in := vrrp.Instance{Virtual: event.Virtual{Name: "out", Interface: "eth0", VRID: 51, Family: event.IPv4}, Priority: 100}
		change(&in)
		return &Config{Groups: []vrrp.Group{{Members: []vrrp.Instance{in}}}}
	}
	before := with(func(*vrrp.Instance) {})
	for name, change := range map[string]func(*vrrp.Instance){
		"interface":   func(in *vrrp.Instance) { in.Interface = "eth1" },
		"vrid":        func(in *vrrp.Instance) { in.VRID = 52 },
		"family":      func(in *vrrp.Instance) { in.Family = event.IPv6 },
		"virtual_mac": func(in *vrrp.Instance) { in.VirtualMAC = !in.VirtualMAC },
	} {
		out := []string{"out"}
		if d := Compare(before, with(change)); !slices.Equal(d.Added, out) || !slices.Equal(d.Removed, out) || len(d.Changed) > 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
	for name, change := range map[string]func(*vrrp.Instance){
		"priority":            func(in *vrrp.Instance) { in.Priority = 90 },
		"virtual_mac_adverts": func(in *vrrp.Instance) { in.LinkMACAdverts = true },
	} {
		if d := Compare(before, with(change)); len(d.Changed) != 1 || len(d.Added)+len(d.Removed) > 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// TestCompareSaysValues checks that a difference gives old and new numbers, but no secret.
func TestCompareSaysValues(t *testing.T) {
	with := func(change func(*vrrp.Instance)) *Config {
		in := vrrp.Instance{Virtual: event.Virtual{Name: "out"}, Priority: 100, Interval: time.Second, Preempt: true}
		change(&in)
		return &Config{Groups: []vrrp.Group{{Members: []vrrp.Instance{in}}}}
	}
	before := with(func(*vrrp.Instance) {})
	secret := func(in *vrrp.Instance) { in.Auth.Data = [8]byte{'s', 'e', 'c', 'r', 'e', 't'} }
	for want, change := range map[string]func(*vrrp.Instance){
		"out: auth changed": secret,
		"out: priority 90 (was 100), interval 2s (was 1s)": func(in *vrrp.Instance) { in.Priority, in.Interval = 90, 2*time.Second },
		"out: preempt false (was true), auth changed":      func(in *vrrp.Instance) { in.Preempt = false; secret(in) },
		"out: addresses added 192.0.2.1":                   func(in *vrrp.Instance) { in.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")} },
	} {
		d := Compare(before, with(change))
		if got := strings.Join(d.Values, "; "); got != want || len(d.Changed) != 1 {
			t.Errorf("%q, changed %v; want %q", got, d.Changed, want)
		}
	}
}

// TestCompareNamesKeys checks that a change of any field of an instance or a group names a key.
func TestCompareNamesKeys(t *testing.T) {
	fields := reflect.TypeFor[vrrp.Instance]()
	for i := range fields.NumField() {
		f := fields.Field(i)
		if f.Name == "Virtual" || f.Name == "VirtualMAC" { // another virtual router: not changed, but removed and added
			continue
		}
		var in vrrp.Instance
		fill(reflect.ValueOf(&in).Elem().Field(i))
		if text := changedValues(instancePart{}, instancePart{Instance: in}); text == "" {
			t.Errorf("no key is named if %s changes", f.Name)
		}
	}
	fields = reflect.TypeFor[vrrp.Group]()
	for i := range fields.NumField() {
		f := fields.Field(i)
		if f.Name == "Name" || f.Name == "Members" {
			continue
		}
		var g vrrp.Group
		fill(reflect.ValueOf(&g).Elem().Field(i))
		if text := changedValues(groupPart{}, groupPart{Group: g}); text == "" {
			t.Errorf("no key is named if %s of a group changes", f.Name)
		}
	}
	for want, p := range map[string]instancePart{
		"addresses changed":       {set: addr.Set{Addresses: make([]addr.Address, 1)}},
		"accept changed":          {set: addr.Set{Refuse: true}},
		"announce changed":        {set: addr.Set{Announce: addr.Announce{Count: 7}}},
		"routes or rules changed": {set: addr.Set{Routes: make([]route.Entry, 1)}},
		"links changed":           {link: link.Settings{Hint: true}},
		"notify changed":          {notify: []any{Notify{}}},
		"fence changed":           {fence: &vrrp.Fence{}},
	} {
		if got := changedValues(instancePart{}, p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// fill gives a value that is not the zero value of its type.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Array:
		fill(v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[netip.Addr]() {
			v.Set(reflect.ValueOf(netip.MustParseAddr("192.0.2.1")))
			return
		}
		fill(v.Field(0))
	default:
		panic("no value for " + v.Type().String())
	}
}

// TestCompareNamesGroups checks that a group with another name counts as changed if it continues the
// previous one, and that an instance is changed that is in another group.
func TestCompareNamesGroups(t *testing.T) {
	with := func(name string) *Config {
		g := vrrp.Group{Name: name}
		for _, member := range []string{"inside", "outside"} {
			g.Members = append(g.Members, vrrp.Instance{Virtual: event.Virtual{Name: member, Group: name}})
		}
		if name != "" {
			return &Config{Groups: []vrrp.Group{g}}
		}
		return &Config{Groups: []vrrp.Group{{Members: g.Members[:1]}, {Members: g.Members[1:]}}}
	}
	for _, c := range []struct{ before, next, want string }{
		{"edge", "edge", "added [] changed [] removed [] []"},
		{"edge", "border", "added [] changed [inside outside border] removed [] [inside: group border (was edge) outside: group border (was edge) border: name border (was edge)]"},
		{"edge", "inside", "added [] changed [inside outside group inside] removed [] [inside: group inside (was edge) outside: group inside (was edge) group inside: name inside (was edge)]"},
		{"edge", "", "added [] changed [inside outside] removed [edge] [inside: group none (was edge) outside: group none (was edge)]"},
		{"", "edge", "added [edge] changed [inside outside] removed [] [inside: group edge (was none) outside: group edge (was none)]"},
	} {
		d := Compare(with(c.before), with(c.next))
		if got := fmt.Sprintf("added %v changed %v removed %v %v", d.Added, d.Changed, d.Removed, d.Values); got != c.want {
			t.Errorf("from %q to %q: %s\nwant %s", c.before, c.next, got, c.want)
		}
	}
}

// TestCompareFences checks that another fence of an instance counts as a change of the instance.
func TestCompareFences(t *testing.T) {
	with := func(f *vrrp.Fence) *Config {
		return &Config{Groups: []vrrp.Group{{Members: []vrrp.Instance{{Virtual: event.Virtual{Name: "inside"}}}, Fence: f}}}
	}
	one, other := with(&vrrp.Fence{Argv: []string{"/bin/true"}}), with(&vrrp.Fence{Argv: []string{"/bin/false"}})
	if d := Compare(one, other); len(d.Changed) != 1 || d.Changed[0] != "inside" {
		t.Errorf("another fence changes %v", d.Changed)
	}
	if d := Compare(one, with(&vrrp.Fence{Argv: []string{"/bin/true"}})); len(d.Changed) != 0 {
		t.Errorf("the same fence changes %v", d.Changed)
	}
}
