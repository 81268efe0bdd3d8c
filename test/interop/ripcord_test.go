package interop

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ripcord/pkg/lan"
)

// ripcord is the ripcord under test.
type ripcord struct {
	*process
	config string
}

func newRipcord(s *scene) *ripcord {
	s.t.Helper()
	r := &ripcord{process: newProcess(s, "ripcord", "ripcord"), config: filepath.Join(s.Dir, "ripcord.yaml")}
	switch s.mode {
	case password:
		r.configure(fmt.Sprintf(", auth: {pass: %q}", secret))
	case unicast:
		r.configure(fmt.Sprintf(", source: %q, unicast: {peers: [%q]}", s.own(0), s.own(1)))
	case otherGroup:
		r.configure(fmt.Sprintf(", multicast: %q", s.group()))
	case virtualMAC:
		r.configure(", virtual_mac: true")
	case macOfAddresses:
		r.configure(", virtual_mac: true, virtual_mac_adverts: false")
	default:
		r.configure("")
	}
	return r
}

// configure writes its file, with further keys for the instance.
func (r *ripcord) configure(more string) {
	s := r.s
	s.t.Helper()
	var quoted []string
	for _, a := range s.virtual() {
		quoted = append(quoted, fmt.Sprintf("%q", a))
	}
	yaml := fmt.Sprintf(`log: {level: debug}
control: {socket: %s}
instances:
  - {name: inside, interface: %s, vrid: %d, version: %d, priority: %d, interval: %v, addresses: [%s]%s}
`, filepath.Join(s.Dir, "ripcord.sock"), ifname, vrid, s.version, s.cell.ours(), s.interval(), strings.Join(quoted, ", "), more)
	if err := os.WriteFile(r.config, []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (r *ripcord) name() string  { return "ripcord" }
func (r *ripcord) priority() int { return r.s.cell.ours() }
func (r *ripcord) start() time.Time {
	return r.run(`"to":"backup"`, binary, "run", "--config", r.config)
}

func (r *ripcord) mac() lan.MAC { return r.s.macOf(r) }

func (r *ripcord) sources() []netip.Addr {
	return []netip.Addr{r.s.own(0), r.s.linkLocal(r.on)}
}

func (r *ripcord) blind() bool { return false }

func (r *ripcord) late() time.Duration { return 0 }

// line holds the checked fields of a line of its log.
type line struct {
	Event, Msg, Reason, What string
	TS                       time.Time
}

// lines returns its log since an instant.
func (r *ripcord) lines(since time.Time) (lines []line) {
	r.s.t.Helper()
	text, err := os.ReadFile(r.runs.Log)
	if err != nil {
		r.s.t.Fatal(err)
	}
	for raw := range strings.Lines(string(text)) {
		var l line
		if !strings.HasSuffix(raw, "\n") {
			break // it is being written
		}
		if err := json.Unmarshal([]byte(raw), &l); err != nil {
			r.s.t.Fatalf("ripcord wrote a line that is not a log line: %s", raw)
		}
		if !l.TS.Before(since.Round(0)) {
			lines = append(lines, l)
		}
	}
	return lines
}

// says waits for a line of its log since an instant.
func (r *ripcord) says(since time.Time, event, reason string) {
	r.s.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		for _, l := range r.lines(since) {
			if l.Event == event && l.Reason == reason {
				return
			}
		}
		if time.Now().After(deadline) {
			r.s.t.Errorf("ripcord does not log %s %s", event, reason)
			return
		}
	}
}

// noComplaints checks that ripcord logged nothing wrong about the peer's adverts except known
// deviations.
func (s *scene) noComplaints() {
	s.t.Helper()
	logged := false
	for _, l := range s.ours.(*ripcord).lines(time.Time{}) {
		switch {
		case l.Event == "advert.mismatch" && l.What == "first-not-link-local" && s.mode == noLinkLocal:
			logged = true
		case l.Event == "advert.rejected" || l.Event == "advert.mismatch":
			s.t.Errorf("ripcord complains of %s: %s", s.peer, l.Msg)
			return
		}
	}
	if s.mode == noLinkLocal && !logged {
		s.t.Errorf("ripcord does not log that the first address of %s is not link-local", s.peer)
	}
}
