package main

import "github.com/spf13/cobra"

// none accepts no arguments.
func none(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no argument: leave out %q", c.CommandPath(), args[0])
	}
	return nil
}

// oneArgument accepts exactly one argument. what describes it, as "a file".
func oneArgument(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("%s: name %s", c.CommandPath(), what)
		}
		return atMostOne(what)(c, args)
	}
}

// atMostOne accepts one argument or none.
func atMostOne(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usage("%s takes one argument, %s: leave out %q", c.CommandPath(), what, args[1])
		}
		return nil
	}
}

// someArguments accepts one argument or more.
func someArguments(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("%s: name %s", c.CommandPath(), what)
		}
		return nil
	}
}

// anInstance describes the argument of the commands for one instance or group.
const anInstance = "an instance or a group, which ripcord status lists"
