// Package scenario reads scenarios that are played twice, on the virtual LAN of pkg/simulate and on
// a LAN of network namespaces (test/lab), and compares the transitions.
//
// A file has a title, tolerances with their reasons, the length of the play, and the acts in the
// words of ripcord simulate. Then the configurations follow, each after a line "-- NAME.yaml --":
// those of the routers have a single letter as name, others are for reloads. $CHECK is the file that
// the check of a router reads.
package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/simulate"
)

// Adverts leave at the same instants in both plays, since instant 0 follows an advert of the Active
// (Zero). The remaining differences are delays of a machine that also runs other programs, and of the
// kernel; the reason of each tolerance names them.

// Scenario is one file.
type Scenario struct {
	Name, Title string
	Tolerances  []Tolerance // the last one that has begun applies
	For         time.Duration
	Lines       []string // the acts, as arguments of --at
	Files       map[string]string
	Routers     []string
}

// Tolerance is how much the time of a transition may differ from the simulated one, and why.
type Tolerance struct {
	From, Long time.Duration
	Because    string
}

// tolerance returns the tolerance of an instant.
func (s *Scenario) tolerance(at time.Duration) (now Tolerance) {
	for _, t := range s.Tolerances {
		if t.From <= at {
			now = t
		}
	}
	return now
}

// All returns the scenarios of a directory, in the order of their names.
func All(dir string) (all []Scenario, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		s, err := read(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func read(path string) (Scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Scenario{}, err
	}
	s := Scenario{Name: strings.TrimSuffix(filepath.Base(path), ".txt"), Files: make(map[string]string)}
	file := ""
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			file = strings.TrimSuffix(strings.TrimSpace(name), " --")
			continue
		}
		if file != "" {
			s.Files[file] += line
			continue
		}
		if err := s.head(strings.TrimSpace(line)); err != nil {
			return Scenario{}, err
		}
	}
	for name := range s.Files {
		if r := strings.TrimSuffix(name, ".yaml"); len(r) == 1 {
			s.Routers = append(s.Routers, r)
		}
	}
	slices.Sort(s.Routers)
	return s, nil
}

// head reads a line before the configurations.
func (s *Scenario) head(line string) (err error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "#":
		s.Title = rest
	case "at":
		s.Lines = append(s.Lines, rest)
	case "tolerance":
		var t Tolerance
		if t, err = readTolerance(rest); err == nil {
			s.Tolerances = append(s.Tolerances, t)
		}
	case "for":
		s.For, err = time.ParseDuration(rest)
	default:
		err = fmt.Errorf("%q does not begin with #, at, tolerance or for", line)
	}
	return err
}

// readTolerance reads a tolerance, such as "300ms: reason" or "300ms from 6s: reason".
func readTolerance(text string) (t Tolerance, err error) {
	long, because, ok := strings.Cut(text, ": ")
	if !ok {
		return t, fmt.Errorf("tolerance %s has no reason", text)
	}
	t.Because = because
	long, from, later := strings.Cut(long, " from ")
	if later {
		if t.From, err = time.ParseDuration(from); err != nil {
			return t, err
		}
	}
	t.Long, err = time.ParseDuration(long)
	return t, err
}

// File returns a configuration in which the check reads the given file.
func (s *Scenario) File(name, check string) string {
	return strings.ReplaceAll(s.Files[name], "$CHECK", check)
}

// Move is a transition of a group of a router, or of an instance outside any group.
type Move struct {
	At                time.Duration
	Router, Group, To string
}

// String returns the move without its instant.
func (m Move) String() string { return fmt.Sprintf("%s %s is %s", m.Router, m.Group, m.To) }

const (
	interval = time.Second            // the interval of adverts in all scenarios
	ahead    = 100 * time.Millisecond // from the last advert to instant 0
	rest     = 3 * time.Second        // after this time, each router has heard the Active
)

// Zero returns instant 0 of a scenario, if the Active has been Active since one instant and all
// routers have run since another: each router has heard the Active, and the time since the last
// advert is always the same.
func Zero(active, all time.Duration) time.Duration {
	since := max(all, active) + rest - active
	return active + (since/interval+1)*interval + ahead
}

// Simulate plays the scenario on a virtual LAN, and returns the transitions.
func (s *Scenario) Simulate(seed uint64) ([]Move, error) {
	o := simulate.Options{Seed: seed, Cold: true, Load: func(path string) (*config.Config, error) {
		return config.Parse(path, []byte(s.File(path, "/run/check")))
	}}
	for _, r := range s.Routers {
		cfg, err := o.Load(r + ".yaml")
		if err != nil {
			return nil, err
		}
		o.Routers = append(o.Routers, simulate.Router{Name: r, Config: cfg})
	}
	l, err := simulate.New(o)
	if err != nil {
		return nil, err
	}
	acts, err := l.Acts(s.Lines)
	if err != nil {
		return nil, err
	}
	active := time.Duration(0)
	r, err := l.Play(nil, time.Minute)
	if err != nil {
		return nil, err
	}
	for _, m := range moves(r, 0) {
		if m.To == "active" {
			active = m.At
		}
	}
	zero := Zero(active, active)
	for i := range acts {
		acts[i].At += zero
	}
	if r, err = l.Play(acts, zero+s.For); err != nil {
		return nil, err
	}
	return moves(r, zero), nil
}

// moves returns the transitions of a play since instant zero.
func moves(r *simulate.Result, zero time.Duration) (all []Move) {
	for _, line := range r.Log {
		field := func(key string) string { text, _ := line.Fields[key].(string); return text }
		switch {
		case line.At < zero:
		case line.Event == "group.transition":
			all = append(all, Move{line.At - zero, line.Router, field("group"), field("to")})
		case line.Event == "instance.transition" && field("group") == "":
			all = append(all, Move{line.At - zero, line.Router, field("instance"), field("to")})
		}
	}
	return all
}

// apart is the minimum time between two transitions of different routers whose order is compared: if
// they are closer, one is not the consequence of the other.
const apart = 100 * time.Millisecond

// Compare returns how the transitions on a real LAN differ from the simulated ones; empty if they
// agree: each router has the same transitions in the same order, transitions of different routers that
// are apart in the simulation have the same order, and all times are within the tolerances.
func (s *Scenario) Compare(simulated, real []Move) (differs []string) {
	var both [][2]Move // as simulated, and in reality
	for _, r := range s.Routers {
		of := func(all []Move) (list []Move) {
			for _, m := range all {
				if m.Router == r {
					list = append(list, m)
				}
			}
			return list
		}
		want, got := of(simulated), of(real)
		for i := range max(len(want), len(got)) {
			switch {
			case i >= len(want):
				differs = append(differs, fmt.Sprintf("%v at %v, but not in the simulation", got[i], got[i].At))
			case i >= len(got):
				differs = append(differs, fmt.Sprintf("only in the simulation: %v at %v", want[i], want[i].At))
			case got[i].String() != want[i].String():
				differs = append(differs, fmt.Sprintf("%v at %v, in the simulation %v at %v", got[i], got[i].At, want[i], want[i].At))
			case (got[i].At - want[i].At).Abs() > s.tolerance(want[i].At).Long:
				t := s.tolerance(want[i].At)
				differs = append(differs, fmt.Sprintf("%v at %v, in the simulation at %v, and the tolerance is %v (%s)", got[i], got[i].At, want[i].At, t.Long, t.Because))
			default:
				both = append(both, [2]Move{want[i], got[i]})
			}
		}
	}
	for _, first := range both {
		for _, then := range both {
			if then[0].At-first[0].At > apart && then[1].At < first[1].At {
				differs = append(differs, fmt.Sprintf("%v at %v, before %v at %v, but after it in the simulation", then[1], then[1].At, first[1], first[1].At))
			}
		}
	}
	return differs
}
