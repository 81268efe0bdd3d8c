package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ripcord/pkg/config"
	"ripcord/pkg/daemon"
)

// newCheck returns the command that reads a configuration and does nothing
// with it.
func newCheck() *cobra.Command {
	var path string
	var run bool
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read a configuration file and print every problem it has, and what of it does not fit this machine",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				if c.Flags().Changed("config") {
					return usage("the file is named twice, as FILE and with --config: leave one out")
				}
				path = args[0]
			}
			cfg, err := load(c.Context(), path, nil)
			if err != nil {
				return err
			}
			if run {
				return runChecks(c, cfg)
			}
			for _, w := range cfg.Warnings {
				fmt.Fprintln(c.ErrOrStderr(), "warning: "+w.Error())
			}
			// Without the kernel's answer there is nothing to say of this machine.
			advice, _ := daemon.Advise(cfg)
			for _, a := range append(advice, cfg.OwnPeers(machine())...) {
				fmt.Fprintln(c.ErrOrStderr(), "warning: on this machine "+a)
			}
			fmt.Fprintln(c.OutOrStdout(), verdict(cfg))
			return nil
		},
	}
	c.Flags().StringVar(&path, "config", config.Path, "the configuration file, if FILE is not given")
	c.Flags().BoolVar(&run, "run", false, "run every check of the configuration once, here, and print its result")
	return c
}

// verdict is the line that says that all is well.
func verdict(cfg *config.Config) string {
	instances, groups := 0, 0
	for _, g := range cfg.Groups {
		instances += len(g.Members)
		if g.Name != "" {
			groups++
		}
	}
	line := fmt.Sprintf("%s is good: %s, %s", cfg.File, count(instances, "instance"), count(groups, "group"))
	if n := len(cfg.Warnings); n > 0 {
		line += ", " + count(n, "warning")
	}
	return line
}
