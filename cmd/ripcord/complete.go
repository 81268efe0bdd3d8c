package main

import (
	"net"

	"github.com/spf13/cobra"

	"ripcord/pkg/control"
)

// completeName completes the name of an instance or a group of the daemon that listens on socket.
func completeName(socket *string) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		s, err := control.FetchBrief(c.Context(), *socket)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []cobra.Completion
		for _, g := range s.Groups {
			names = append(names, cobra.CompletionWithDesc(g.Name, "group, "+g.State))
		}
		for _, i := range s.Instances {
			names = append(names, cobra.CompletionWithDesc(i.Name, "instance, "+i.State))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeInterface completes the name of an interface of this machine.
func completeInterface(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, l := range links {
		names = append(names, l.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
