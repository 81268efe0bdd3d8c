package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/config"
	"ripcord/pkg/simulate"
)

// simulation is what the command line of ripcord simulate says.
type simulation struct {
	from         source
	at, segments []string
	long, most   time.Duration
	seed         uint64
	json, cold   bool
	svg          string
}

// errUnserved is the error of a LAN that did not do what it was to do.
var errUnserved = errors.New("the addresses were not served as they should be")

// newSimulate returns the command that plays configurations on a virtual LAN.
func newSimulate() *cobra.Command {
	var s simulation
	c := &cobra.Command{
		Use:   "simulate [NAME=]FILE...",
		Short: "Play the failovers of some routers' configurations on a virtual LAN, and print who serves when",
		Long:  simulateHelp(),
		Args:  cobra.MinimumNArgs(1),
		RunE:  s.run,
	}
	f := c.Flags()
	f.StringArrayVar(&s.at, "at", nil, "what is done to the LAN, and when: '5s unplug left eth0'; as often as you like")
	f.StringArrayVar(&s.segments, "segment", nil, "what shares a segment: NAME=ROUTER:INTERFACE,ROUTER:INTERFACE; by default interfaces of one name")
	f.DurationVar(&s.long, "for", time.Minute, "how long is played")
	f.DurationVar(&s.most, "max-outage", 0, "exit with 1 if an address is without a router for longer; 0: however long")
	f.Uint64Var(&s.seed, "seed", 1, "decides what is left to chance, such as when adverts leave")
	f.BoolVar(&s.cold, "cold", false, "start all routers at 0s; else they have come to rest by then")
	f.BoolVar(&s.json, "json", false, "print one JSON document")
	f.StringVar(&s.svg, "svg", "", "write the picture to this file, too")
	f.StringVar(&s.from.format, "format", "", "yaml or keepalived; by default keepalived where a path ends in keepalived.conf or .conf, else yaml")
	f.StringVar(&s.from.id, "id", "", "what lines with @ID are for in keepalived.conf (default the name of the router)")
	return c
}

// simulateHelp lists the verbs.
func simulateHelp() string {
	var b strings.Builder
	b.WriteString("Play the configurations of some routers, of either language, on a virtual LAN in virtual time.\n" +
		"A router is named by its file, without the extension, or by NAME=FILE. These can be done to the LAN:\n\n")
	for _, v := range simulate.Verbs() {
		fmt.Fprintf(&b, "%s: %s.\n", v.Usage, v.Does)
	}
	return b.String()
}

func (s *simulation) run(c *cobra.Command, args []string) error {
	lan, err := s.lan(c, args)
	if err != nil {
		return err
	}
	acts := make([]simulate.Act, len(s.at))
	for i, line := range s.at {
		if acts[i], err = lan.Act(line); err != nil {
			return usageError{fmt.Errorf("--at %w", err)}
		}
		if acts[i].At > s.long {
			return usage("--at %q is after the end: give more time with --for", line)
		}
	}
	if s.long <= 0 {
		return usage("--for %v: nothing can be played in that time", s.long)
	}
	result := lan.Play(acts, s.long)
	if s.svg != "" {
		if err := os.WriteFile(s.svg, []byte(result.SVG()), 0o644); err != nil {
			return fmt.Errorf("cannot write the picture: %w", err)
		}
	}
	if s.json {
		document, err := json.MarshalIndent(result, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), string(document))
	} else {
		fmt.Fprint(c.OutOrStdout(), result.Text())
	}
	return s.verdict(result)
}

// verdict is the error of a result that is not good enough.
func (s *simulation) verdict(r *simulate.Result) error {
	if of, longest, ok := r.LongestSplit(); ok {
		return fmt.Errorf("%w: %s on %s had two Actives for %v", errUnserved, of.Addresses[0], of.Segment, longest.Long().Round(time.Millisecond))
	}
	if of, worst, ok := r.WorstOutage(); ok && s.most > 0 && worst.Long() > s.most {
		return fmt.Errorf("%w: %s on %s was without a router for %v, longer than %v", errUnserved, of.Addresses[0], of.Segment, worst.Long().Round(time.Millisecond), s.most)
	}
	return nil
}

// lan makes the LAN of the routers whose files are named.
func (s *simulation) lan(c *cobra.Command, args []string) (*simulate.LAN, error) {
	o := simulate.Options{Seed: s.seed, Cold: s.cold}
	for _, arg := range args {
		name, path, ok := strings.Cut(arg, "=")
		if !ok {
			path = arg
			name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		}
		cfg, err := s.load(c, name, path)
		if err != nil {
			return nil, err
		}
		o.Routers = append(o.Routers, simulate.Router{Name: name, Config: cfg})
	}
	o.Load = func(path string) (*config.Config, error) { return s.load(c, "", path) }
	for _, text := range s.segments {
		segment, err := simulate.ParseSegment(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("--%w", err)}
		}
		o.Segments = append(o.Segments, segment)
	}
	lan, err := simulate.New(o)
	if err != nil {
		return nil, usageError{err}
	}
	return lan, nil
}

// load reads the configuration of a router.
func (s *simulation) load(c *cobra.Command, name, path string) (*config.Config, error) {
	from := s.from
	from.path, from.elsewhere, from.withoutLVS = path, true, true
	if from.id == "" {
		from.id = name
	}
	if from.format == "" && filepath.Ext(path) == ".conf" {
		from.format = string(config.Keepalived)
	}
	cfg, err := from.load(c.Context(), nil)
	if err == nil {
		warn(c.ErrOrStderr(), cfg.Warnings, cfg.Format)
	}
	return cfg, err
}
