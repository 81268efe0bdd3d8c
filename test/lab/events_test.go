package lab

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// TestInterfaceEvents makes 200 random changes on each of five interfaces: pulled, set down,
// renamed, deleted, created again, put into a bridge, its address removed. After each quiet 200 ms
// the daemon's status matches the kernel's state, and nothing leaks.
func TestInterfaceEvents(t *testing.T) {
	t.Parallel()
	const rounds = 200
	s := newSiteOf(t, nil, lan.Port{Host: "a", Name: "eth0", Segment: "other"})
	s.ip("a", "link", "add", "br0", "type", "bridge")
	s.ip("a", "link", "set", "br0", "up")
	nics := make([]*nic, 5)
	for i := range nics {
		nics[i] = &nic{number: i}
		s.batch("a", nics[i].make()...)
	}
	d := s.startYAML("a", nicsYAML(s.socket("a"), nics))
	d.wait(time.Time{}, 5*time.Second, "daemon.ready", is("daemon.ready"))

	rng := rand.New(rand.NewPCG(1, 2))
	var first usage
	for round := range rounds {
		for _, n := range nics {
			s.batch("a", n.event(rng)...)
		}
		time.Sleep(200 * time.Millisecond)
		diff := s.untrue(d, nics)
		for tries := 0; diff != "" && tries < 20; tries++ { // or the machine is busy: no audit mends it so soon
			time.Sleep(200 * time.Millisecond)
			diff = s.untrue(d, nics)
		}
		if diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
		if round == rounds/4 {
			first = d.usage()
		}
	}
	last := d.usage()
	t.Logf("after a quarter of the events %+v, after all %+v", first, last)
	if last.fds > first.fds+5 || last.threads > first.threads+3 || last.kib > first.kib*3/2+8192 {
		t.Errorf("something leaks: %+v after a quarter of the events, %+v after all", first, last)
	}
}

// nic is one of the interfaces, as the test has left it.
type nic struct {
	number                          int
	gone, pulled, down, away, bared bool
}

func (n *nic) name() string { return fmt.Sprintf("n%d", n.number) }

func (n *nic) make() []string {
	n.gone, n.pulled, n.down, n.away, n.bared = false, false, false, false, false
	return []string{
		fmt.Sprintf("link add %s type veth peer name p%d", n.name(), n.number),
		fmt.Sprintf("link set p%d up", n.number),
		fmt.Sprintf("link set %s up", n.name()),
		n.address("add"),
	}
}

func (n *nic) address(verb string) string {
	return fmt.Sprintf("address %s 10.0.%d.2/24 dev %s", verb, n.number, n.name())
}

// event does one of the things that happen to interfaces, or undoes it.
func (n *nic) event(rng *rand.Rand) []string {
	away := fmt.Sprintf("away%d", n.number)
	switch kind := rng.IntN(7); {
	case n.gone:
		return n.make()
	case n.away: // under another name; it comes back first
		n.away = false
		up := "up"
		if n.down {
			up = "down"
		}
		return []string{"link set " + away + " down", "link set " + away + " name " + n.name(), "link set " + n.name() + " " + up}
	case kind == 0:
		n.pulled = !n.pulled
		return []string{fmt.Sprintf("link set p%d %s", n.number, map[bool]string{true: "down", false: "up"}[n.pulled])}
	case kind == 1:
		n.down = !n.down
		return []string{fmt.Sprintf("link set %s %s", n.name(), map[bool]string{true: "down", false: "up"}[n.down])}
	case kind == 2:
		n.away = true
		return []string{"link set " + n.name() + " down", "link set " + n.name() + " name " + away}
	case kind == 3:
		n.gone = true
		return []string{"link del " + n.name()}
	case kind == 4:
		return append([]string{"link del " + n.name()}, n.make()...)
	case kind == 5:
		return []string{"link set " + n.name() + " master br0", "link set " + n.name() + " nomaster"}
	}
	n.bared = !n.bared
	return []string{n.address(map[bool]string{true: "del", false: "add"}[n.bared])}
}

func nicsYAML(socket string, nics []*nic) string {
	var b strings.Builder
	// Nobody else is on these links to prove that they forward: no proof is asked.
	fmt.Fprintf(&b, "control: {socket: %s}\nlinks: {default: {recovery: {wait: 0}}}\ndefaults: {priority: 100, interval: 40s}\ninstances:\n", socket)
	for _, n := range nics {
		fmt.Fprintf(&b, "  - {name: %s, interface: %s, vrid: %d, addresses: [10.0.%d.1/24]}\n", n.name(), n.name(), n.number+1, n.number)
	}
	return b.String()
}

// batch gives commands to the ip program of a host.
func (s *site) batch(host string, commands ...string) {
	s.t.Helper()
	file := s.Dir + "/batch"
	if err := os.WriteFile(file, []byte(strings.Join(commands, "\n")+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.ip(host, "-batch", file)
}

// untrue returns the differences between the daemon's status and the kernel's state.
func (s *site) untrue(d *daemon, nics []*nic) string {
	s.t.Helper()
	var kernel []struct {
		Name      string   `json:"ifname"`
		Index     int      `json:"ifindex"`
		Flags     []string `json:"flags"`
		OperState string   `json:"operstate"`
	}
	if err := json.Unmarshal([]byte(s.ip("a", "-json", "link", "show")), &kernel); err != nil {
		s.t.Fatal(err)
	}
	st := d.status()
	for i, n := range nics {
		index, usable := 0, false
		for _, k := range kernel {
			if k.Name == n.name() {
				index = k.Index
				usable = slices.Contains(k.Flags, "UP") && slices.Contains(k.Flags, "LOWER_UP") && (k.OperState == "UP" || k.OperState == "UNKNOWN")
			}
		}
		for _, l := range st.Links {
			if l.Name == n.name() && (l.Up != usable || l.Index != index) {
				return fmt.Sprintf("%s has index %d, usable %v; the status says %d, %v", n.name(), index, usable, l.Index, l.Up)
			}
		}
		want := "fault"
		if usable && !n.bared {
			want = "backup"
		}
		if got := st.Instances[i].State; got != want {
			return fmt.Sprintf("%s is %s, want %s: usable %v, without address %v", n.name(), got, want, usable, n.bared)
		}
	}
	return ""
}

// usage is what the daemon takes of the machine.
type usage struct{ fds, threads, kib int }

func (d *daemon) usage() usage {
	d.t.Helper()
	var u usage
	proc := fmt.Sprintf("/proc/%d/", d.Command.Process.Pid)
	fds, err := os.ReadDir(proc + "fd")
	if err != nil {
		d.t.Fatal(err)
	}
	u.fds = len(fds)
	text, err := os.ReadFile(proc + "status")
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		_, _ = fmt.Sscanf(line, "Threads: %d", &u.threads)
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &u.kib)
	}
	return u
}
