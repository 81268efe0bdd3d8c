package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/addr"
	"ripcord/pkg/daemon"
)

// cleanWithin is how long the kernel may take to remove everything.
const cleanWithin = 20 * time.Second

// newClean returns the command that removes what a dead daemon left behind.
func newClean() *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Remove everything that a crashed daemon left on this machine",
		Long: "Remove everything that a crashed daemon left in this network namespace: addresses, routes,\n" +
			"rules and links with ripcord's mark, its firewall table, and link settings that it\n" +
			"changed. The command needs no configuration. It removes nothing that is not ripcord's, and\n" +
			"refuses while a daemon runs. systemd runs it if it does not restart a failed daemon.",
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if !privileged() {
				return errors.New("clean needs the right to change addresses: start it as root, or with CAP_NET_ADMIN and CAP_NET_RAW")
			}
			done, err := clean()
			for _, what := range done.Removed {
				fmt.Fprintln(c.OutOrStdout(), "removed "+what)
			}
			for _, what := range done.Restored {
				fmt.Fprintln(c.OutOrStdout(), "restored "+what)
			}
			if done.Nothing() && err == nil {
				fmt.Fprintln(c.OutOrStdout(), "nothing of ripcord was left here")
			}
			return err
		},
	}
}

// clean removes what a dead daemon left behind. It gives up after cleanWithin, since the kernel may
// not answer. A signal does not end it: the daemon calls it after one, too.
func clean() (addr.Removal, error) {
	done := make(chan struct{})
	var found addr.Removal
	var failed error
	go func() {
		defer close(done)
		found, failed = daemon.Clean(daemon.RunDir)
	}()
	timer := time.NewTimer(cleanWithin)
	defer timer.Stop()
	select {
	case <-done:
		return found, failed
	case <-timer.C:
		return addr.Removal{}, fmt.Errorf("clean: the kernel did not let go of what is left within %v: run ripcord clean again", cleanWithin)
	}
}
