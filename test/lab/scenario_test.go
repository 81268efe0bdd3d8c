package lab

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"ripcord/test/netns"
	"ripcord/test/scenario"
)

// TestScenarios plays each scenario of test/scenario on a LAN of namespaces, and compares what
// moved when with the virtual LAN of ripcord simulate.
func TestScenarios(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	all, err := scenario.All("../scenario")
	if err != nil || len(all) < 12 {
		t.Fatalf("%d scenarios, %v", len(all), err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			simulated, err := s.Simulate(1)
			if err != nil {
				t.Fatal(err)
			}
			var real []scenario.Move
			var differs []string
			for range 2 { // the machine may have been busy with others
				real = playReally(t, s)
				if differs = s.Compare(simulated, real); len(differs) == 0 {
					break
				}
				t.Logf("a first run differs: %s", strings.Join(differs, "; "))
			}
			for _, d := range differs {
				t.Error(d)
			}
			t.Logf("%d moves", len(real))
		})
	}
}

// reality is a scenario under way on a LAN of namespaces.
type reality struct {
	*site
	of scenario.Scenario
}

// playReally plays a scenario and returns the moves.
func playReally(t *testing.T, of scenario.Scenario) (moves []scenario.Move) {
	p := reality{newSite(t, bothSegments, of.Routers...), of}
	for _, line := range of.Lines {
		if words := strings.Fields(line); words[1] == "block" {
			long, err := time.ParseDuration(words[4])
			if err == nil {
				err = p.Segment(inside.name).SpanningTree(long / 2) // it listens so long, and learns so long
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	var active time.Time
	for i, r := range of.Routers {
		p.setCheck(r, "up")
		began := time.Now()
		d := p.startYAML(r, p.file(r, r+".yaml"))
		if i == 0 {
			active = d.becomes("active", began, 10*time.Second).TS
			continue
		}
		d.becomes("backup", began, 10*time.Second)
	}
	zero := active.Add(scenario.Zero(0, time.Since(active)))
	time.Sleep(time.Until(zero))
	for _, line := range of.Lines {
		words := strings.Fields(line)
		at, err := time.ParseDuration(words[0])
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(zero.Add(at)))
		p.act(words[1:])
	}
	time.Sleep(time.Until(zero.Add(of.For)))
	for _, r := range of.Routers {
		for _, l := range p.daemons[r].log(zero) {
			group := l.Group
			if l.Event == "instance.transition" && group == "" {
				group = l.Instance
			} else if l.Event != "group.transition" {
				continue
			}
			moves = append(moves, scenario.Move{At: l.TS.Sub(zero.Round(0)), Router: r, Group: group, To: l.To})
		}
	}
	return moves
}

// file is a configuration of the scenario, for a host.
func (p reality) file(host, name string) string {
	return "log: {level: debug}\ncontrol: {socket: " + p.socket(host) + "}\n" + p.of.File(name, p.checkFile(host))
}

// act does what a line says.
func (p reality) act(words []string) {
	p.t.Helper()
	verb, host := words[0], words[1]
	d := p.daemons[host]
	seg := func() segment {
		if words[2] == outside.ifname {
			return outside
		}
		return inside
	}
	switch verb {
	case "unplug":
		p.pull(host, seg())
	case "plug":
		p.plug(host, seg())
	case "down":
		p.at(p.Cable(host, seg().ifname).AdminDown())
	case "up":
		p.at(p.Cable(host, seg().ifname).AdminUp())
	case "kill":
		d.kill()
	case "stop":
		if _, err := d.End(syscall.SIGTERM); err != nil {
			p.t.Fatal(err)
		}
	case "start":
		p.startYAML(host, p.file(host, host+".yaml"))
	case "pause":
		long, err := time.ParseDuration(words[2])
		if err != nil {
			p.t.Fatal(err)
		}
		end := time.Now().Add(long)
		_, hear := p.dropVRRP(host, "input") // the whole machine stands still: it keeps nothing to be read later
		d.signal(syscall.SIGSTOP)
		time.Sleep(time.Until(end))
		hear()
		d.signal(syscall.SIGCONT)
	case "block": // the segment has a spanning tree
	case "check":
		p.setCheck(host, map[string]string{"fails": "down", "passes": "up"}[words[3]])
	case "release", "resume":
		if done := p.ripcord(host, verb, words[2], "--socket", d.socket); done.code != 0 {
			p.t.Fatalf("%v: %+v", words, done)
		}
	case "reload":
		p.rewrite(host, p.file(host, words[2]))
		if done := p.reload(d); done.code != 0 {
			p.t.Fatalf("%v: %+v", words, done)
		}
	default:
		p.t.Fatalf("%s cannot be done here", verb)
	}
}
