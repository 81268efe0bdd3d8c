package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ripcord/pkg/config"
	"ripcord/pkg/control"
	"ripcord/pkg/event"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitConfig = 78 // EX_CONFIG of sysexits(3): `run` cannot use the configuration
)

// newRoot returns the program's command line.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ripcord",
		Short: "A VRRP daemon that reacts the moment a cable is pulled",
		Long: "ripcord is a VRRP daemon (RFC 9568) that monitors the links below VRRP. Groups of virtual\n" +
			"routers change their state together, at once when a cable is pulled.",
		Args:          checkCommandName,
		RunE:          func(*cobra.Command, []string) error { return usage("no command was given: ripcord --help lists them") },
		Version:       versionLine(), // gives the command the flag --version
		SilenceErrors: true,          // execute prints them, on one line
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(
		newRun(),
		newRunner(),
		newCheck(),
		newConvert(),
		newStatus(),
		newEvents(),
		newLink(),
		newRelease(),
		newReload(),
		newHandover(),
		newFence(),
		newResume(),
		newDoctor(),
		newSimulate(),
		newDemo(),
		newClean(),
		newVersion(),
	)
	return root
}

// strictHelp makes cobra's own command `help` refuse a word that is not a command. By default it
// prints the help of the program, with exit code 0.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, _, err := root.Find(args); err == nil && found != root {
					return nil
				}
				return checkCommandName(root, args)
			}
		}
	}
}

// strictCompletion makes cobra's own command `completion` refuse a call without a shell. By default
// it prints its help, which the build of a package would take for the script. Call it after the
// outputs are set, because cobra reads them at this call.
func strictCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.RunE = func(*cobra.Command, []string) error {
				return usage("for which shell? bash, zsh, fish or powershell")
			}
		}
	}
}

// takeSocket gives a command that talks to the daemon the flag for its socket.
func takeSocket(c *cobra.Command, socket *string) {
	c.Flags().StringVar(socket, "socket", control.DefaultSocket, "the daemon's control socket")
}

// checkCommandName returns an error for a word that is not a command.
func checkCommandName(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if root.SuggestionsMinimumDistance <= 0 {
		root.SuggestionsMinimumDistance = 2
	}
	if similar := root.SuggestionsFor(args[0]); len(similar) > 0 {
		return usage("there is no command %q: did you mean %s?", args[0], strings.Join(similar, ", "))
	}
	return usage("there is no command %q: ripcord --help lists them", args[0])
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// configError is the error of a configuration with which the daemon cannot run.
type configError struct{ error }

// Unwrap returns the error.
func (e configError) Unwrap() error { return e.error }

// execute runs the command that args name and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out, complaints := &output{ctx: ctx, to: stdout}, &output{ctx: ctx, to: stderr}
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(complaints)
	strictHelp(root)
	strictCompletion(root)
	// An error before a command runs is a mistake on the command line. A command with its own
	// PersistentPreRun would hide this one.
	started := false
	root.PersistentPreRun = func(c *cobra.Command, _ []string) {
		started = true
		if c.Annotations[isDaemon] == "" {
			signalsOf(ctx).restoreDefaults(ctx)
		}
	}

	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		started, err = true, out.failed()
	}
	if err == nil {
		return exitDone
	}
	_, mistaken := errors.AsType[usageError](err)
	if !started && !mistaken { // cobra's own words do not say what to do
		err = fmt.Errorf("%w: %s --help says how it is used", err, command.CommandPath())
	}
	complain(complaints, err)
	switch _, unusable := errors.AsType[configError](err); {
	case mistaken || !started:
		return exitUsage
	case unusable:
		return exitConfig
	}
	return exitFailed
}

// isDaemon annotates the command that runs the daemon, which handles signals itself.
const isDaemon = "daemon"

// complain prints an error on one line. Before it, it prints the warnings about a configuration
// file and the problems that prevent its use, each with its line of the file.
func complain(w io.Writer, err error) {
	if refusal, ok := errors.AsType[*config.Refusal](err); ok && len(refusal.Problems) > 0 {
		warn(w, refusal.Warnings, refusal.Format)
		fmt.Fprintln(w, refusal.Problems.Error())
		err = fmt.Errorf("%s cannot be used: %s", refusal.Problems[0].File, event.Count(refusal.Problems.Total(), "problem")+counts(refusal.Warnings))
	}
	fmt.Fprintln(w, "ripcord: "+strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", " "))
}

// colours reports whether w is a terminal on which colours are wanted.
func colours(w io.Writer) bool {
	file, ok := underlying(w).(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
