package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ripcord/pkg/control"
)

// newFence returns the command that shows what the fence of an instance or group would do.
func newFence() *cobra.Command {
	var socket string
	var dryRun bool
	c := &cobra.Command{
		Use:   "fence NAME --dry-run",
		Short: "Show the fence command of an instance or group, and whether its conditions hold",
		Long: "Show which command the fence of the instance or group NAME would run, and whether each of\n" +
			"its conditions holds now. The command asks the stations on the links and does not run the\n" +
			"fence: the fence runs only before a takeover from an Active that fell silent.",
		Args: oneArgument(anInstance), ValidArgsFunction: completeName(&socket),
		RunE: func(c *cobra.Command, args []string) error {
			if !dryRun {
				return usage("fence %s: only a takeover runs the fence; give --dry-run to see what it would run", args[0])
			}
			plan, err := control.FenceDryRun(c.Context(), socket, args[0])
			if err != nil {
				return err
			}
			fmt.Fprint(c.OutOrStdout(), fencePlan(plan))
			return nil
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show the command and do not run it")
	takeSocket(c, &socket)
	return c
}

// fencePlan writes the command that a fence would run and its conditions, one per line.
func fencePlan(f *control.Fence) string {
	var b strings.Builder
	words := make([]string, len(f.Command))
	for i, w := range f.Command {
		words[i] = printable(w)
	}
	fmt.Fprintf(&b, "%s would run, as %s, for at most %s: %s\n", f.Name, f.User, f.Timeout, strings.Join(words, " "))
	for _, c := range f.Conditions {
		mark := "no "
		if c.Holds {
			mark = "yes"
		}
		fmt.Fprintf(&b, "%s  %s\n", mark, printable(c.Text))
	}
	summary := "not all conditions hold: a takeover now would not run the fence"
	if f.Holds {
		summary = "all conditions hold"
	}
	fmt.Fprintf(&b, "%s; on_failure: %s\n", summary, f.OnFailure)
	if f.Holding != "" {
		fmt.Fprintf(&b, "%s\n", printable(f.Holding))
	}
	return b.String()
}
