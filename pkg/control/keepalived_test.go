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
	"ripcord/pkg/track"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
	"ripcord/test/golden"
)

// tracking is a source with a check of a process, and an instance that has all that
// keepalived's dump can say of one.
type tracking struct{ router }

func (s tracking) Checks() []track.Status {
	nginx := track.Status{Report: track.Report{Name: "nginx", State: track.Up}, Checks: "process nginx", Probe: track.Process{Name: "nginx", Min: 1, Max: 8}}
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

// TestKeepalivedAddress sees that an address is `set` where it is in place, and there only.
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
	} {
		if got := keepalivedAddress(addr.Address{Prefix: netip.MustParsePrefix(c.prefix)}, "eth0", c.of); got != c.want {
			t.Errorf("%s: %q, want %q", c.prefix, got, c.want)
		}
	}
}
