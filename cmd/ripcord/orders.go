package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/control"
)

// newRelease returns the command that takes an instance or a group out of service.
func newRelease() *cobra.Command {
	var socket string
	var length time.Duration
	c := &cobra.Command{
		Use:   "release NAME [--for DURATION]",
		Short: "Hand an instance or group over to another router, and take no part",
		Long: "Hand the instance or group NAME over to another router, for example for work on this one.\n" +
			"It takes no part until ripcord resume, or for the time given with --for. A release\n" +
			"survives a restart of the daemon, but not a reboot. If there is no other router, nobody\n" +
			"serves.",
		Args: oneArgument(anInstance), ValidArgsFunction: completeName(&socket),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("for") && length <= 0 {
				return usage("--for %v: give a time greater than 0, as 10m", length)
			}
			done, err := control.Release(c.Context(), socket, args[0], length)
			if err != nil {
				return err
			}
			until := "until ripcord resume " + done.Name
			if done.Until != nil {
				until = "until " + done.Until.Local().Format(time.DateTime)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is released %s\n", done.Name, until)
			return nil
		},
	}
	c.Flags().DurationVar(&length, "for", 0, "how long it takes no part, for example 10m (default: until ripcord resume)")
	takeSocket(c, &socket)
	return c
}

// newResume returns the command that ends a release.
func newResume() *cobra.Command {
	var socket string
	c := &cobra.Command{
		Use:   "resume NAME",
		Short: "Let a released instance or group take part again",
		Long: "Let the instance or group NAME take part again after ripcord release. It takes over as\n" +
			"after a fault: by its priority, and not before preempt_delay.",
		Args: oneArgument(anInstance), ValidArgsFunction: completeName(&socket),
		RunE: func(c *cobra.Command, args []string) error {
			done, err := control.Resume(c.Context(), socket, args[0])
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), resumed(done))
			return nil
		},
	}
	takeSocket(c, &socket)
	return c
}

// resumed returns a sentence about what a resumption changed.
func resumed(done *control.Released) string {
	if done.Unchanged {
		return done.Name + " was not released"
	}
	return done.Name + " takes part again"
}

// newReload returns the command that has the daemon read its configuration again.
func newReload() *cobra.Command {
	var socket string
	var dryRun bool
	c := &cobra.Command{
		Use:   "reload [--dry-run]",
		Short: "Make the daemon read its configuration again, and print the changes",
		Long: "Make the daemon read its configuration again, as SIGHUP does, and print the changes.\n" +
			"Unchanged instances are not touched. An invalid file changes nothing, and the command\n" +
			"prints its problems. With --dry-run it only prints the changes.",
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			done, err := control.Reload(c.Context(), socket, dryRun)
			if err != nil {
				return err
			}
			fmt.Fprint(c.OutOrStdout(), changes(done))
			return nil
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "print the changes and do not apply them")
	takeSocket(c, &socket)
	return c
}

// changes writes what a reload changed, a line each.
func changes(r *control.Reloaded) string {
	var b strings.Builder
	for _, part := range []struct {
		what  string
		names []string
	}{{"added", r.Added}, {"changed", r.Changed}, {"removed", r.Removed}} {
		for _, name := range part.names {
			fmt.Fprintf(&b, "%s %s\n", part.what, name)
		}
	}
	for _, text := range r.Values {
		fmt.Fprintln(&b, text)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(&b, note)
	}
	if b.Len() == 0 {
		return "nothing changed\n"
	}
	return b.String()
}
