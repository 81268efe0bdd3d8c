package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"ripcord/pkg/config"
	"ripcord/pkg/config/problem"
	"ripcord/pkg/daemon"
	"ripcord/pkg/event"
)

// newCheck returns the command that reads a configuration and reports what is wrong with it.
func newCheck() *cobra.Command {
	var from configFile
	var run bool
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a configuration file, and whether it fits this machine",
		Args:  atMostOne("a configuration file"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				if c.Flags().Changed("config") {
					return usage("the file is named twice, as FILE and with --config: leave one out")
				}
				from.path = args[0]
			}
			here := config.ThisMachine()
			if from.elsewhere {
				here = nil
			}
			cfg, err := from.load(c.Context(), here)
			if err != nil {
				return err
			}
			if run {
				return runChecks(c, cfg)
			}
			warn(c.ErrOrStderr(), cfg.Warnings, cfg.Format)
			advice, missing := unfit(cfg, from.elsewhere)
			for _, a := range advice {
				fmt.Fprintln(c.ErrOrStderr(), "warning: on this machine "+a)
			}
			if len(missing) > 0 {
				for _, m := range missing {
					fmt.Fprintln(c.ErrOrStderr(), m)
				}
				return fmt.Errorf("%s cannot be used on this machine: %s; if it is for another one, give --elsewhere", cfg.File, event.Count(len(missing), "problem"))
			}
			line := summary(cfg)
			if len(advice) > 0 {
				line += ", " + event.Count(len(advice), "warning") + " on this machine"
			}
			fmt.Fprintln(c.OutOrStdout(), line)
			return nil
		},
	}
	from.flags(c, "the configuration file, if FILE is not given")
	c.Flags().BoolVar(&from.elsewhere, "elsewhere", false, "the file is for another machine: missing users, or peers that are this machine, are no errors")
	c.Flags().BoolVar(&run, "run", false, "run every check of the configuration once, on this machine, and print its result")
	return c
}

// unfit returns the ways in which a configuration does not fit this machine: advice, and accounts
// that are missing, without which ripcord does not start here. For a file of another machine a
// missing account is advice as well, unless the file's warnings already name it (those of a
// keepalived.conf do).
func unfit(cfg *config.Config, elsewhere bool) (advice, missing []string) {
	// If the kernel does not list its links, there is no advice about this machine.
	advice, _ = daemon.Advise(cfg)
	missing = errorTexts(daemon.Accounts(cfg))
	advice = slices.DeleteFunc(advice, func(a string) bool { return slices.Contains(missing, cfg.File+": "+a) })
	if !elsewhere {
		return advice, missing
	}
	advice = append(advice, cfg.OwnPeers(config.ThisMachine())...)
	if cfg.Format != config.Keepalived {
		advice = append(advice, missing...)
	}
	return advice, nil
}

// errorTexts returns the texts of the errors that err joins; none if err is nil.
func errorTexts(err error) (all []string) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			all = append(all, one.Error())
		}
		return all
	}
	if err != nil {
		all = append(all, err.Error())
	}
	return all
}

// warn prints the warnings of a configuration. A warning about a keepalived.conf takes one line,
// without the excerpt, because few people want to change that file.
func warn(to io.Writer, all []problem.Problem, format config.Format) {
	for _, w := range all {
		text := w.Error()
		if format == config.Keepalived {
			text = w.Summary()
		}
		fmt.Fprintln(to, kindOf(w)+": "+text)
	}
}

// kindOf returns the word with which a warning begins.
func kindOf(w problem.Problem) string {
	if w.Class == "" {
		return "warning"
	}
	return string(w.Class)
}

// summary returns the line that `ripcord check` prints for a configuration that can be used.
func summary(cfg *config.Config) string {
	instances, groups := 0, 0
	for _, g := range cfg.Groups {
		instances += len(g.Members)
		if g.Name != "" {
			groups++
		}
	}
	return fmt.Sprintf("%s is good: %s, %s", cfg.File, event.Count(instances, "instance"), event.Count(groups, "group")) + counts(cfg.Warnings)
}

// counts returns the number of warnings of each class, each after a comma.
func counts(all []problem.Problem) (text string) {
	classes := map[problem.Class]int{}
	for _, w := range all {
		classes[w.Class]++
	}
	if n := classes[""]; n > 0 {
		text += ", " + event.Count(n, "warning")
	}
	for _, class := range []problem.Class{problem.Differs, problem.NotDone} {
		if n := classes[class]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, class)
		}
	}
	return text
}
