// Package scenario reads scenarios that are played twice, on the virtual LAN of pkg/simulate and
// on one of network namespaces (test/lab), and compares what moved when.
//
// A file has a title, the tolerances of the instants with their reasons, how long it is played, what is done when in
// the words of ripcord simulate, and behind a line "-- NAME.yaml --" each the configurations: of
// the routers in the order of their names, and of what a router is given by a reload. $CHECK is
// the file that the check of a router looks into.
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

// When adverts leave is the same in both: instant 0 is a while after one of the Active (Zero).
// What is left to differ is what a machine takes that runs other programs, too, and what the kernel
// does late, as each tolerance says.

// Scenario is one file.
type Scenario struct {
	Name, Title string
	Tolerances  []Tolerance // the last one counts that has begun
	For         time.Duration
	Lines       []string // what is done, as --at has it
	Files       map[string]string
	Routers     []string
}

// Tolerance is how far a move may be from its instant in the simulation, and why.
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

// All returns the scenarios of a directory, by their names.
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
		err = fmt.Errorf("what is %q?", line)
	}
	return err
}

// readTolerance reads a tolerance: 300ms: the reason, or 300ms from 6s: the reason.
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

// File returns a configuration for a router whose check looks into a file.
func (s *Scenario) File(name, check string) string {
	return strings.ReplaceAll(s.Files[name], "$CHECK", check)
}

// Move is a move of a group, or of an instance outside any, of a router.
type Move struct {
	At                time.Duration
	Router, Group, To string
}

// String returns the move without its instant.
func (m Move) String() string { return fmt.Sprintf("%s %s is %s", m.Router, m.Group, m.To) }

const (
	interval = time.Second            // of the adverts of all scenarios
	ahead    = 100 * time.Millisecond // of instant 0 is the last advert
	rest     = 3 * time.Second        // each router has heard who is Active
)

// Zero returns instant 0 of a scenario whose Active became so at one instant, and whose routers
// were all there at another: at rest, and between two adverts at an instant that is always the
// same.
func Zero(active, all time.Duration) time.Duration {
	since := max(all, active) + rest - active
	return active + (since/interval+1)*interval + ahead
}

// Simulate plays the scenario on a virtual LAN, and returns the moves.
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

// moves returns the moves of a play since some instant.
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

// apart is how far moves of different routers are from each other of which one does not come
// of the other: their order may be another one.
const apart = 100 * time.Millisecond

// Compare returns in what the moves on a real LAN differ from the simulated ones; empty if in
// nothing: each router moves in the same order, what the simulation has apart comes in that
// order on whatever routers, and each instant is within the tolerance.
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
				differs = append(differs, fmt.Sprintf("%v at %v, which the simulation has not", got[i], got[i].At))
			case i >= len(got):
				differs = append(differs, fmt.Sprintf("only in the simulation %v at %v", want[i], want[i].At))
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
				differs = append(differs, fmt.Sprintf("%v at %v, before %v at %v, which is the first in the simulation", then[1], then[1].At, first[1], first[1].At))
			}
		}
	}
	return differs
}
