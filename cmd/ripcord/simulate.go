package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/config"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/simulate"
)

// simulation holds the flags of ripcord simulate.
type simulation struct {
	from         configFile
	at, segments []string
	duration     time.Duration
	maxOutage    time.Duration
	seed         uint64
	json, cold   bool
	chaos        bool
	hours        float64
	explain      bool
	svg          string
}

// maxHours limits the virtual time of a simulation, with or without --chaos.
const maxHours = 10_000

// errUnserved is the error of a LAN on which the addresses were not served as they should be.
var errUnserved = errors.New("the addresses were not served as they should be")

// newSimulate returns the command that plays configurations on a virtual LAN.
func newSimulate() *cobra.Command {
	var s simulation
	c := &cobra.Command{
		Use:   "simulate [NAME=]FILE...",
		Short: "Play failovers with the configurations of several routers on a virtual LAN",
		Long:  simulateHelp(),
		Args:  someArguments("the configuration files of the routers"),
		RunE:  s.run,
	}
	f := c.Flags()
	f.StringArrayVar(&s.at, "at", nil, "a time and an event: '5s unplug left eth0'; can be repeated")
	f.StringArrayVar(&s.segments, "segment", nil, "interfaces that share a segment: NAME=ROUTER:INTERFACE,ROUTER:INTERFACE; by default, interfaces with the same name")
	f.DurationVar(&s.duration, "for", time.Minute, "the virtual time to play")
	f.DurationVar(&s.maxOutage, "max-outage", 0, "exit with 1 if an address is without a router for longer; 0: no limit")
	f.Uint64Var(&s.seed, "seed", 1, "the seed for everything random, such as the times of adverts")
	f.BoolVar(&s.cold, "cold", false, "start all routers at 0s; without it they are in a steady state at 0s")
	f.BoolVar(&s.explain, "explain", false, "play the failure of each cable, router and check separately, and print a table")
	f.BoolVar(&s.chaos, "chaos", false, "disturb the LAN at random, and print the worst case of each kind of disturbance, with --at lines that show it")
	f.Float64Var(&s.hours, "hours", 10, "the virtual hours to play with --chaos")
	f.BoolVar(&s.json, "json", false, "print one JSON document")
	f.StringVar(&s.svg, "svg", "", "also write the picture to this file")
	f.StringVar(&s.from.format, "format", "", "yaml or keepalived (default: keepalived if a path ends in .conf, otherwise yaml)")
	f.StringVar(&s.from.id, "id", "", "select lines with @ID in keepalived.conf (default: the name of the router)")
	return c
}

// simulateHelp returns the help, which lists the verbs.
func simulateHelp() string {
	var b strings.Builder
	b.WriteString("Play failovers with the configurations of several routers, in YAML or keepalived.conf, on a\n" +
		"virtual LAN in virtual time. Print which router serves when, and every outage. The name of a\n" +
		"router is its file name without the extension, or NAME in NAME=FILE. Events for --at:\n\n")
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
	acts, err := lan.Acts(s.at)
	if err != nil {
		return usageError{err}
	}
	given := c.Flags().Changed
	switch {
	case given("hours") && !s.chaos:
		return usage("--hours needs --chaos; without it, set the time to play with --for")
	case given("svg") && s.svg == "":
		return usage("--svg needs a file name")
	case s.explain && s.chaos:
		return usage("--explain and --chaos cannot be combined: give one of them")
	case s.maxOutage < 0:
		return usage("--max-outage %v must not be negative", s.maxOutage)
	case s.explain:
		return s.explained(c, lan)
	case s.chaos:
		return s.disturbed(c, lan, args)
	}
	for _, a := range acts {
		if a.At > s.duration {
			return usage("--at '%v' is after the end of the run: increase --for", a)
		}
	}
	if s.duration <= 0 || s.duration > maxHours*time.Hour {
		return usage("--for %v must be longer than 0s, and %dh at most", s.duration, maxHours)
	}
	result, err := lan.Play(acts, s.duration)
	if err != nil {
		return err
	}
	if s.svg != "" {
		if err := os.WriteFile(s.svg, []byte(result.SVG()), 0o644); err != nil {
			return fmt.Errorf("cannot write the picture: %w", err)
		}
	}
	if s.json {
		err = s.document(c, result)
	} else {
		fmt.Fprint(c.OutOrStdout(), result.Text())
	}
	if err != nil {
		return err
	}
	return s.failure(result)
}

// explained plays each fault by itself and prints its effect (--explain).
func (s *simulation) explained(c *cobra.Command, lan *simulate.LAN) error {
	if len(s.at) > 0 || s.svg != "" {
		return usage("--explain chooses the faults itself: leave --at and --svg out")
	}
	all, err := simulate.Explain(lan)
	if err != nil {
		return err
	}
	if s.json {
		err = s.document(c, all)
	} else {
		fmt.Fprint(c.OutOrStdout(), simulate.ExplanationText(all))
	}
	if err != nil {
		return err
	}
	for _, e := range all {
		switch worst := max(e.Outage, e.BackOutage); {
		case max(e.Split, e.BackSplit) > 0:
			return fmt.Errorf("%w: two Actives for %v after: %s", errUnserved, max(e.Split, e.BackSplit).Round(time.Millisecond), e.Fault)
		case s.maxOutage > 0 && e.Lasts:
			return fmt.Errorf("%w: no router served until the fault ended: %s", errUnserved, e.Fault)
		case s.maxOutage > 0 && e.BackLasts:
			return fmt.Errorf("%w: no router served after the fault ended: %s", errUnserved, e.Fault)
		case s.maxOutage > 0 && worst > s.maxOutage:
			return fmt.Errorf("%w: no router served for %v, longer than %v, after: %s", errUnserved, worst.Round(time.Millisecond), s.maxOutage, e.Fault)
		}
	}
	return nil
}

// disturbed plays random disturbances and prints the worst result of each kind (--chaos).
func (s *simulation) disturbed(c *cobra.Command, lan *simulate.LAN, args []string) error {
	if len(s.at) > 0 || s.svg != "" {
		return usage("--chaos chooses the events at random: leave --at and --svg out")
	}
	if !(s.hours > 0 && s.hours <= maxHours) {
		return usage("--hours %v must be more than 0, and %d at most", s.hours, maxHours)
	}
	all, err := simulate.Chaos(lan, s.hours, s.seed)
	if err != nil {
		return err
	}
	if s.json {
		err = s.document(c, all)
	} else {
		fmt.Fprint(c.OutOrStdout(), simulate.FindingsText(all, s.command(c, args)))
	}
	if err != nil {
		return err
	}
	for _, f := range all {
		switch {
		case f.Split > 0 && !f.Unavoidable:
			return fmt.Errorf("%w: two Actives for %v after: %s", errUnserved, f.Split.Round(time.Millisecond), f.Kind)
		case s.maxOutage > 0 && f.Outage > s.maxOutage:
			return fmt.Errorf("%w: no router served for %v, longer than %v, after: %s", errUnserved, f.Outage.Round(time.Millisecond), s.maxOutage, f.Kind)
		}
	}
	return nil
}

// command returns the command line that plays the LAN again, with the flags that affect it.
func (s *simulation) command(c *cobra.Command, args []string) string {
	words := strings.Fields(c.CommandPath())
	for _, arg := range args {
		words = append(words, quoted(arg))
	}
	for _, segment := range s.segments {
		words = append(words, "--segment", quoted(segment))
	}
	if s.from.format != "" {
		words = append(words, "--format", s.from.format)
	}
	if s.from.id != "" {
		words = append(words, "--id", quoted(s.from.id))
	}
	if s.cold {
		words = append(words, "--cold")
	}
	return strings.Join(append(words, "--seed", strconv.FormatUint(s.seed, 10)), " ")
}

// quoted returns a word quoted for a shell.
func quoted(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// plain matches a word that a shell takes without quotes.
var plain = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// document prints something as JSON.
func (s *simulation) document(c *cobra.Command, of any) error {
	document, err := json.MarshalIndent(of, "", "  ")
	if err == nil {
		fmt.Fprintln(c.OutOrStdout(), string(document))
	}
	return err
}

// failure returns an error if a result has two Actives, or an outage longer than --max-outage.
func (s *simulation) failure(r *simulate.Result) error {
	if of, longest, ok := r.LongestSplit(); ok {
		return fmt.Errorf("%w: %s on %s had two Actives for %v", errUnserved, of.Addresses[0], of.Segment, longest.Long().Round(time.Millisecond))
	}
	if of, worst, ok := r.WorstOutage(); ok && s.maxOutage > 0 && worst.Long() > s.maxOutage {
		return fmt.Errorf("%w: %s on %s was without a router for %v, longer than %v", errUnserved, of.Addresses[0], of.Segment, worst.Long().Round(time.Millisecond), s.maxOutage)
	}
	return nil
}

// lan makes the LAN of the routers whose files are named.
func (s *simulation) lan(c *cobra.Command, args []string) (*simulate.LAN, error) {
	o := simulate.Options{Seed: s.seed, Cold: s.cold, Interrupted: func() error {
		if c.Context().Err() == nil {
			return nil
		}
		return fmt.Errorf("interrupted (%w)", context.Cause(c.Context()))
	}}
	for _, arg := range args {
		name, path, ok := strings.Cut(arg, "=")
		if !ok {
			path = arg
			name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		}
		if path == "" {
			return nil, usage("%q has no file: write NAME=FILE", arg)
		}
		cfg, err := s.load(c, name, path)
		if err != nil {
			return nil, err
		}
		o.Routers = append(o.Routers, simulate.Router{Name: name, Config: cfg})
	}
	o.Load = func(path string) (*config.Config, error) {
		cfg, err := s.load(c, "", path)
		if all, ok := errors.AsType[problem.Problems](err); ok { // a line of --at has no room for the excerpt
			err = errors.New(all[0].Summary())
			if more := all.Total() - 1; more > 0 {
				err = fmt.Errorf("%w; ripcord check %s reports %d more", err, path, more)
			}
		}
		return cfg, err
	}
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
	cfg, err := from.load(c.Context(), nil)
	if err == nil {
		// Differences from keepalived are reported by ripcord check.
		relevant := slices.DeleteFunc(slices.Clone(cfg.Warnings), func(p problem.Problem) bool { return p.Class == problem.Differs })
		warn(c.ErrOrStderr(), relevant, cfg.Format)
	}
	return cfg, err
}
