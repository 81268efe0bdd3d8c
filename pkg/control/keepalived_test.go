package control

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"

	"ripcord/pkg/addr"
	"ripcord/pkg/event"
	iproute "ripcord/pkg/route"
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
	"ripcord/test/golden"
)

// tracking is a source with a check of a process, and an instance with everything that keepalived's
// dump can contain.
type tracking struct{ router }

func (s tracking) Checks() []track.Status {
	nginx := track.Status{Report: track.Report{Name: "nginx", State: track.Up, Output: "3"}, Checks: "process nginx", Probe: track.Process{Name: "nginx", Min: 1, Max: 8}}
	return append(s.router.Checks(), nginx)
}

func tracked() (all []vrrp.Tracker) {
	for _, name := range []string{"new", "nginx", "web"} {
		all = append(all, vrrp.Tracker{Kind: vrrp.TrackCheck, Name: name})
	}
	return append(all, vrrp.Tracker{Kind: vrrp.TrackInterface, Name: "eth1"})
}

// TestKeepalivedDocument compares the status in the form of keepalived's dump with a golden
// file. test/keepalived compares its names with those of a keepalived.
func TestKeepalivedDocument(t *testing.T) {
	source := tracking{pulled()}
	inside := source.groups[0].Members[0].Instance
	inside.Version, inside.Auth, inside.Track = wire.V2, wire.Password("secret"), tracked()
	source.groups[0].Members[0].Trackers = []vrrp.TrackerStatus{{Tracker: vrrp.Tracker{Kind: vrrp.TrackCheck, Name: "nginx", Weight: 7}}}
	source.groups[0].Members[1].State = event.Active
	source.groups[0].Trackers = []vrrp.TrackerStatus{{Tracker: vrrp.Tracker{Kind: vrrp.TrackInterface, Name: "eth8"}}}
	w := httptest.NewRecorder()
	reader(Config{Source: source}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, KeepalivedPath, nil))
	var got bytes.Buffer
	if err := json.Indent(&got, w.Body.Bytes(), "", "  "); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	golden.Check(t, filepath.Join("testdata", "keepalived.json"), got.String())
}

// TestKeepalivedAddress requires that only an address that is in place is `set`.
func TestKeepalivedAddress(t *testing.T) {
	active := vrrp.InstanceStatus{Missing: []string{"192.0.2.1/24 on eth0 (permission denied)", "10.0.0.0/8 via 192.0.2.254 (no such device)"}}
	active.State = event.Active
	backup := active
	backup.State, backup.Missing = event.Backup, nil
	for _, c := range []struct {
		prefix string
		of     vrrp.InstanceStatus
		want   string
	}{
		{"192.0.2.1/24", active, "192.0.2.1/24 dev eth0 scope global"},
		{"192.0.2.1/25", active, "192.0.2.1/25 dev eth0 scope global set"},
		{"192.0.2.2/24", active, "192.0.2.2/24 dev eth0 scope global set"},
		{"192.0.2.2/24", backup, "192.0.2.2/24 dev eth0 scope global"},
		{"2001:db8::1/64", active, "2001:db8::1/64 dev eth0 scope global deprecated set"},
	} {
		if got := keepalivedAddress(addr.Address{Prefix: netip.MustParsePrefix(c.prefix)}, "eth0", c.of); got != c.want {
			t.Errorf("%s: %q, want %q", c.prefix, got, c.want)
		}
	}
}

// TestKeepalivedCommand requires that quotes within a command are escaped for a shell.
func TestKeepalivedCommand(t *testing.T) {
	if got, want := quoted([]string{"/bin/test", "a b", "c'd", ""}), `'/bin/test' 'a b' 'c'\''d' ''`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestKeepalivedWords compares routes and rules with those that keepalived 2.4.3 writes for the
// same configuration, except for the number of the protocol: 18, and ours.
func TestKeepalivedWords(t *testing.T) {
	prefix, address := netip.MustParsePrefix, netip.MustParseAddr
	gateway := address("192.0.2.254")
	for _, c := range []struct {
		of   iproute.Entry
		want string
	}{
		{iproute.Route{To: prefix("10.0.0.0/8"), Via: gateway, Interface: "eth0", Table: 3, Metric: 4}, "prepend 10.0.0.0/8 via inet 192.0.2.254 dev eth0 table 3 proto 112 metric 4"},
		{iproute.Route{To: prefix("10.1.0.0/16"), Interface: "eth1", Table: 254, Scoped: true, Scope: 253}, "prepend 10.1.0.0/16 dev eth1 proto 112 scope 253"},
		{iproute.Route{To: prefix("0.0.0.0/0"), Via: gateway, Table: 254, TOS: 16, Source: address("192.0.2.100"), OnLink: true}, "prepend default src 192.0.2.100 tos 16 via inet 192.0.2.254 proto 112 onlink"},
		{iproute.Route{To: prefix("10.3.0.1/32"), Type: iproute.Blackhole, Table: 5}, "prepend blackhole 10.3.0.1 table 5 proto 112"},
		{iproute.Route{To: prefix("10.4.0.0/16"), Table: 254, Hops: []iproute.Hop{{Via: gateway, Interface: "eth0", Weight: 2}, {Via: address("192.0.2.253")}}},
			"prepend 10.4.0.0/16 proto 112 nexthop via inet 192.0.2.254 dev eth0 weight 2 nexthop via inet 192.0.2.253"},
		{iproute.Route{To: prefix("2001:db8:1::/48"), Via: address("2001:db8::1"), Interface: "eth0", Table: 254, Preferred: true, Preference: 3}, "prepend 2001:db8:1::/48 via inet6 2001:db8::1 dev eth0 proto 112 pref low"},
		{iproute.Rule{From: prefix("192.0.2.0/24"), To: prefix("10.0.0.0/8"), TOS: 16, Fwmark: 16, Mask: 255, Iif: "eth0", Oif: "eth1", Table: 4, Priority: 79},
			"from 192.0.2.0/24 to 10.0.0.0/8 priority 79 tos 0x10 fwmark 0x10/0xff iif eth0 oif eth1 protocol 112 lookup 4"},
		{iproute.Rule{Not: true, From: prefix("10.10.0.0/16"), Table: 6, Priority: 81}, "not from 10.10.0.0/16 priority 81 tos 0x0 protocol 112 lookup 6"},
		{iproute.Rule{Family: event.IPv6, Fwmark: 1, Mask: 1<<32 - 1, Action: iproute.Goto, Goto: 100, Priority: 83}, "inet6 from all priority 83 tos 0x0 fwmark 0x1 protocol 112 goto 100"},
		{iproute.Rule{Protocol: 6, Dport: iproute.Range{First: 80, Last: 90}, HasSuppress: true, Action: iproute.DropTraffic, Priority: 85}, "from all priority 85 tos 0x0 suppress_prefixlen 0 protocol 112 ipproto 6 dport 80-90 type blackhole"},
	} {
		got := ""
		switch of := c.of.(type) {
		case iproute.Route:
			got = keepalivedRoute(of)
		case iproute.Rule:
			got = keepalivedRule(of)
		}
		if got != c.want {
			t.Errorf("%v:\n%s\nwant\n%s", c.of, got, c.want)
		}
	}
}
