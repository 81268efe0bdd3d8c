package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/pkg/control"
	"ripcord/test/stage"
)

// daemon is ripcord on a host.
type daemon struct {
	*stage.Daemon
	t      *testing.T
	name   string
	socket string
	shared bool // others write into its log, which is not JSON
}

// line is a line of the log.
type line struct {
	TS         time.Time       `json:"ts"`
	Level      string          `json:"level"`
	Event      string          `json:"event"`
	Msg        string          `json:"msg"`
	Name       string          `json:"name"`
	Instance   string          `json:"instance"`
	Group      string          `json:"group"`
	Interface  string          `json:"interface"`
	Source     string          `json:"source"`
	From       string          `json:"-"` // a state, or a priority
	To         string          `json:"-"`
	Reason     string          `json:"reason"`
	Kind       string          `json:"kind"`
	Trace      string          `json:"trace"`
	Unheard    bool            `json:"unheard"`
	State      string          `json:"state"`
	Command    string          `json:"command"`
	Result     string          `json:"result"`
	TookUS     int64           `json:"took_us"`
	Merged     int             `json:"merged"`
	Output     string          `json:"output"`
	ElapsedUS  *int64          `json:"elapsed_us"`
	Attachment string          `json:"attachment"`
	Status     json.RawMessage `json:"status"`
}

// UnmarshalJSON reads a line, in which from and to may be text or numbers.
func (l *line) UnmarshalJSON(text []byte) error {
	type plain line
	both := struct {
		*plain
		From, To json.RawMessage
	}{plain: (*plain)(l)}
	if err := json.Unmarshal(text, &both); err != nil {
		return err
	}
	l.From, l.To = strings.Trim(string(both.From), `"`), strings.Trim(string(both.To), `"`)
	return nil
}

// caused returns the instant of the event that caused a log line. The first advert of a takeover is
// sent a little before the takeover is logged.
func (l line) caused() time.Time {
	if l.ElapsedUS == nil {
		return l.TS
	}
	return l.TS.Add(-time.Duration(*l.ElapsedUS) * time.Microsecond)
}

// router is the configuration of a router that has one instance on each segment
// of the site, in a group if there are several.
type router struct {
	priority int
	interval time.Duration
	more     string // further keys of `defaults`, as YAML flow: "preempt: false"
}

// yaml writes the file for a site.
func (r router) yaml(s *site, socket string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "log: {level: debug}\ncontrol: {socket: %s}\ndefaults: {priority: %d, interval: %v", socket, r.priority, r.interval)
	if r.more != "" {
		b.WriteString(", " + r.more)
	}
	b.WriteString("}\ninstances:\n")
	var names []string
	for _, seg := range s.segments {
		fmt.Fprintf(&b, "  - {name: %s, interface: %s, vrid: %d, addresses: [%v/24]}\n", seg.name, seg.ifname, seg.vrid, seg.virtual())
		names = append(names, seg.name)
	}
	if len(names) > 1 {
		fmt.Fprintf(&b, "groups:\n  - {name: edge, members: [%s]}\n", strings.Join(names, ", "))
	}
	return b.String()
}

// start runs the binary on a host.
func (s *site) start(host string, r router) *daemon {
	s.t.Helper()
	return s.startYAML(host, r.yaml(s, s.socket(host)))
}

func (s *site) socket(host string) string { return filepath.Join(s.Dir, host+".sock") }

func (s *site) startYAML(host, yaml string) *daemon {
	s.t.Helper()
	config := filepath.Join(s.Dir, host+".yaml")
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.startCommand(host, exec.Command(binary, "run", "--config", config))
}

func (s *site) startCommand(host string, command *exec.Cmd) *daemon {
	s.t.Helper()
	started, err := s.Start(host, host, command)
	if err != nil {
		s.t.Fatal(err)
	}
	d := &daemon{Daemon: started, t: s.t, name: host, socket: s.socket(host)}
	s.daemons[host] = d
	return d
}

// signal sends a signal, by pid.
func (d *daemon) signal(sig syscall.Signal) time.Time {
	d.t.Helper()
	at, err := d.Signal(sig)
	if err != nil {
		d.t.Fatalf("%s: %v", d.name, err)
	}
	return at
}

// kill ends it as a power failure does, and waits.
func (d *daemon) kill() time.Time {
	d.t.Helper()
	at, err := d.End(syscall.SIGKILL)
	if err != nil {
		d.t.Fatalf("%s: %v", d.name, err)
	}
	return at
}

// log is all that it has logged since an instant.
func (d *daemon) log(since time.Time) []line {
	d.t.Helper()
	file, err := os.Open(d.Log)
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		d.t.Fatal(err)
	}
	var lines []line
	for raw := range strings.Lines(string(text)) {
		var l line
		if !strings.HasSuffix(raw, "\n") {
			break // being written
		}
		if d.shared && !strings.HasPrefix(raw, "{") {
			continue
		}
		if err := json.Unmarshal([]byte(raw), &l); err != nil {
			d.t.Fatalf("%s wrote what is no log line: %s", d.name, raw)
		}
		if !l.TS.Before(since.Round(0)) {
			lines = append(lines, l)
		}
	}
	return lines
}

// wait waits for a log line since an instant.
func (d *daemon) wait(since time.Time, within time.Duration, what string, match func(line) bool) line {
	d.t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(2 * time.Millisecond) {
		for _, l := range d.log(since) {
			if match(l) {
				return l
			}
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("%s did not log %s within %v", d.name, what, within)
		}
	}
}

// becomes waits until its instances, or its group, have moved to a state.
func (d *daemon) becomes(state string, since time.Time, within time.Duration) line {
	d.t.Helper()
	return d.wait(since, within, "a move to "+state, func(l line) bool {
		return l.Event == "instance.transition" && l.To == state
	})
}

// status asks the control socket.
func (d *daemon) status() *control.Status {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	st, err := control.Fetch(ctx, d.socket)
	if err != nil {
		d.t.Fatalf("status of %s: %v", d.name, err)
	}
	return st
}

// state is that of its first instance.
func (d *daemon) state() string { return d.status().Instances[0].State }

// moves lists the transitions of its first instance since an instant.
func (d *daemon) moves(since time.Time) []line {
	var moves []line
	first := ""
	for _, l := range d.log(since) {
		if l.Event == "instance.transition" && (first == "" || l.Instance == first) {
			first = l.Instance
			moves = append(moves, l)
		}
	}
	return moves
}
