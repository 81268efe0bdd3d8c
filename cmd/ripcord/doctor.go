package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/addr"
	"ripcord/pkg/config"
	"ripcord/pkg/daemon"
	"ripcord/pkg/doctor"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// usualListening is how long doctor listens for adverts. It is long enough for three adverts at the
// default interval, and for those of a router that is late.
const usualListening = 4 * time.Second

// newDoctor returns the command that looks for problems that would impede a failover.
func newDoctor() *cobra.Command {
	var from configFile
	var during time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find problems on this machine and its segments that could prevent a failover",
		Long: "Find problems on this machine and its segments that could prevent a failover. For each\n" +
			"one, print what it is, why it matters and what to do. docs/doctor.md lists all findings.\n" +
			"Without a configuration it checks all links that are up. It needs no daemon and does not\n" +
			"disturb one: it listens, asks by ARP and neighbor discovery for the virtual addresses,\n" +
			"and changes nothing. The exit status is 1 if it finds anything except notes.",
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if during < 0 || during > time.Hour {
				return usage("--for %v: give a time from 0s to 1h", during)
			}
			plan, err := planFrom(c, &from)
			if err != nil {
				return err
			}
			if !privileged() {
				return errors.New("doctor needs the right to use packet sockets and to read the firewall: start it as root, or with CAP_NET_ADMIN and CAP_NET_RAW")
			}
			if !c.Flags().Changed("for") {
				during = listening(plan)
			}
			facts, err := doctor.Gather(c.Context(), doctor.Options{Plan: plan, Listen: during, LockMemory: lockMemory})
			if err != nil {
				return fmt.Errorf("look at this machine: %w", err)
			}
			return diagnose(c.OutOrStdout(), facts, asJSON)
		},
	}
	from.flags(c, "the configuration file; by default the usual one, if there is one")
	c.Flags().DurationVar(&during, "for", usualListening, "how long to listen for adverts; by default longer if an interval is longer")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return c
}

// planFrom reads the configuration; without one that exists or is named, the plan is empty.
func planFrom(c *cobra.Command, from *configFile) (doctor.Plan, error) {
	if _, err := os.Stat(from.path); errors.Is(err, fs.ErrNotExist) && !c.Flags().Changed("config") {
		return doctor.Plan{}, nil
	}
	cfg, err := from.load(c.Context(), nil)
	if err != nil {
		return doctor.Plan{}, err
	}
	return planOf(cfg), nil
}

// planOf returns what a daemon with this configuration would do.
func planOf(cfg *config.Config) doctor.Plan {
	plan := doctor.Plan{
		File: cfg.File, Groups: cfg.Groups, Sets: cfg.Sets,
		Watched: daemon.Named(cfg), Sources: daemon.Sources(cfg), Links: make(map[string]link.Settings),
	}
	plan.Watched = slices.DeleteFunc(plan.Watched, func(name string) bool { // what ripcord makes itself
		return slices.ContainsFunc(cfg.Sets, func(s addr.Set) bool { return s.Device != nil && s.Device.Name == name })
	})
	for _, name := range plan.Watched {
		plan.Links[name] = cfg.Link(name)
	}
	return plan
}

// listening returns how long doctor listens for adverts: somewhat longer than the longest interval.
func listening(plan doctor.Plan) time.Duration {
	during := usualListening
	for _, g := range plan.Groups {
		for i := range g.Members {
			during = max(during, g.Members[i].Interval*3/2)
		}
	}
	return during
}

// diagnose prints the findings. It returns an error if any of them is more than a note.
func diagnose(out io.Writer, facts *doctor.Facts, asJSON bool) error {
	findings := doctor.Judge(facts)
	if asJSON {
		if err := printJSON(out, doctor.NewDocument(facts, findings)); err != nil {
			return err
		}
	} else {
		styles := map[doctor.Severity]colour{doctor.Error: red, doctor.Warning: yellow}
		painted := colours(out)
		for _, f := range findings {
			fmt.Fprintln(out, cell{text: f.Line(), colour: styles[f.Severity]}.paint(painted))
		}
		fmt.Fprintln(out, doctor.Scope(facts))
	}
	if doctor.Clean(findings) {
		return nil
	}
	return fmt.Errorf("found %s", severityCounts(findings))
}

// severityCounts writes how many findings there are of each severity.
func severityCounts(findings []doctor.Finding) string {
	counts := make(map[doctor.Severity]int)
	for _, f := range findings {
		counts[f.Severity]++
	}
	var words []string
	for _, s := range []doctor.Severity{doctor.Error, doctor.Warning, doctor.Note} {
		if counts[s] > 0 {
			words = append(words, event.Count(counts[s], string(s)))
		}
	}
	return strings.Join(words, ", ")
}
