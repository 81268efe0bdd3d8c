// Package scenario reads scenarios that are played twice, on the virtual LAN of pkg/simulate and
// on one of network namespaces (test/lab), and compares what moved when.
//
// A file has a title, the tolerance of the instants, how long it is played, what is done when in
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

// Scenario is one file.
type Scenario struct {
	Name, Title    string
	Tolerance, For time.Duration
	Lines          []string // what is done, as --at has it
	Files          map[string]string
	Routers        []string
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
		s.Tolerance, err = time.ParseDuration(rest)
	case "for":
		s.For, err = time.ParseDuration(rest)
	default:
		err = fmt.Errorf("what is %q?", line)
	}
	return err
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

// Simulate plays the scenario on a virtual LAN, and returns the moves.
func (s *Scenario) Simulate(seed uint64) ([]Move, error) {
	o := simulate.Options{Seed: seed, Load: func(path string) (*config.Config, error) {
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
	acts := make([]simulate.Act, len(s.Lines))
	for i, line := range s.Lines {
		if acts[i], err = l.Act(line); err != nil {
			return nil, err
		}
	}
	var moves []Move
	for _, line := range l.Play(acts, s.For).Log {
		field := func(key string) string { text, _ := line.Fields[key].(string); return text }
		switch {
		case line.Event == "group.transition":
			moves = append(moves, Move{line.At, line.Router, field("group"), field("to")})
		case line.Event == "instance.transition" && field("group") == "":
			moves = append(moves, Move{line.At, line.Router, field("instance"), field("to")})
		}
	}
	return moves, nil
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
			case (got[i].At - want[i].At).Abs() > s.Tolerance:
				differs = append(differs, fmt.Sprintf("%v at %v, in the simulation at %v, and the tolerance is %v", got[i], got[i].At, want[i].At, s.Tolerance))
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
