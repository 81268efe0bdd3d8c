package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/control"
)

// newStatus returns the command that shows the state of the daemon.
func newStatus() *cobra.Command {
	var socket, format string
	var watching, asJSON bool
	c := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show which router is Active, why, and since when",
		Long: "Show which router is Active, why, and since when, for all instances, or for the instance or\n" +
			"group NAME. Show also the trackers and the links.",
		Args: atMostOne(anInstance), ValidArgsFunction: completeName(&socket),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case asJSON && c.Flags().Changed("format"):
				return usage("--json is --format json: leave one out")
			case asJSON:
				format = formatJSON
			case !slices.Contains(statusFormats, format):
				return usage("there is no format %q: choose one of %s", format, strings.Join(statusFormats, ", "))
			case format == formatKeepalived && watching:
				return usage("--watch shows the formats %s and %s alone", formatText, formatJSON)
			case format == formatKeepalived:
				return printKeepalived(c, socket, args)
			}
			fetch := func() (*control.Status, error) {
				get := control.FetchBrief
				if format == formatJSON {
					get = control.Fetch
				}
				s, err := get(c.Context(), socket)
				if err == nil && len(args) > 0 {
					return only(s, args[0])
				}
				return s, err
			}
			out := c.OutOrStdout()
			if watching {
				return watchStatus(c.Context(), out, format == formatJSON, fetch)
			}
			defer postponeGC()()
			s, err := fetch()
			if err != nil {
				return err
			}
			if format == formatJSON {
				return printJSON(out, s)
			}
			look := lookOf(out)
			if _, _, ok := terminal(out); !ok {
				look.width = unfolded // one line per row, for grep and awk
			}
			return render(out, s, time.Now(), look)
		},
	}
	c.Flags().BoolVar(&watching, "watch", false, "repeat each second, with a star at each change, until interrupted")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON document (same as --format json); with --watch, one per line")
	c.Flags().StringVar(&format, "format", formatText, "text, json, or keepalived-json: the contents of keepalived's JSON dump for exporters (json_version 2)")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(statusFormats, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
	takeSocket(c, &socket)
	return c
}

// postponeGC postpones garbage collection until there are 64 MiB of garbage: with a thousand
// instances it would take a sixth of the few milliseconds that this process runs. end restores the
// settings.
func postponeGC() (end func()) {
	limit, percent := debug.SetMemoryLimit(64<<20), debug.SetGCPercent(-1)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

// The formats of the status.
const (
	formatText       = "text"
	formatJSON       = "json"
	formatKeepalived = "keepalived-json"
)

var statusFormats = []string{formatText, formatJSON, formatKeepalived}

// printKeepalived prints the status, or that of one instance, in the format of keepalived's dump.
func printKeepalived(c *cobra.Command, socket string, names []string) error {
	s, err := control.FetchKeepalived(c.Context(), socket)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		s.VRRP = filter(s.VRRP, func(i control.KeepalivedInstance) bool { return i.Data.Name == names[0] })
		if len(s.VRRP) == 0 {
			return fmt.Errorf("there is no instance %q: ripcord status lists them", names[0])
		}
	}
	return printJSON(c.OutOrStdout(), s)
}

func printJSON(out io.Writer, document any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}

// only returns the part of a status that concerns an instance, or a group and its members.
func only(s *control.Status, name string) (*control.Status, error) {
	part := *s
	part.StaticWarnings = nil
	part.Groups = filter(s.Groups, func(g control.Group) bool {
		return g.Name == name || slices.Contains(g.Members, name)
	})
	part.Instances = filter(s.Instances, func(i control.Instance) bool {
		return i.Name == name || i.Group == name
	})
	tracked := func(name string, link bool) bool {
		return slices.ContainsFunc(trackersOf(&part), func(t tracker) bool { return t.Name == name && (t.Kind == "interface") == link })
	}
	part.Links = filter(s.Links, func(l control.Link) bool {
		return tracked(l.Name, true) || slices.ContainsFunc(part.Instances, func(i control.Instance) bool { return i.Interface == l.Name })
	})
	part.Checks = filter(s.Checks, func(k control.Check) bool { return tracked(k.Name, false) })
	if len(part.Instances) == 0 {
		return nil, fmt.Errorf("there is no instance or group %q: %s", name, choice(s))
	}
	return &part, nil
}

// filter returns the elements that are wanted: an empty list, not nil, if none is.
func filter[T any](all []T, wanted func(T) bool) []T {
	out := []T{}
	for _, v := range all {
		if wanted(v) {
			out = append(out, v)
		}
	}
	return out
}

// choice returns a sentence that lists the names of the instances and groups.
func choice(s *control.Status) string {
	var instances, groups []string
	for _, i := range s.Instances {
		instances = append(instances, i.Name)
	}
	for _, g := range s.Groups {
		groups = append(groups, g.Name)
	}
	return control.Choice(instances, groups)
}
