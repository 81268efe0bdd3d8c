package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/control"
	"ripcord/pkg/daemon"
)

// newHandover returns the command that stops the daemon without resigning, so that the next one
// goes on as Active.
func newHandover() *cobra.Command {
	var socket string
	var within time.Duration
	c := &cobra.Command{
		Use:   "handover [--within DURATION]",
		Short: "Stop the daemon without resigning, so that the next one continues as Active",
		Long: "Stop the daemon without resigning, for example for an upgrade. Its addresses stay. The\n" +
			"next daemon continues as Active, unnoticed by other routers, if it starts within half of\n" +
			"the time after which they would take over. systemd starts it at once. A configuration file\n" +
			"that has changed is reloaded first; if it has mistakes, nothing is handed over. The command\n" +
			"waits until the next daemon answers. If none starts in time, the command removes everything\n" +
			"that was left, as ripcord clean does.",
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if within <= 0 {
				return usage("--within %v: give a time greater than 0, as 5s", within)
			}
			before, err := control.FetchBrief(c.Context(), socket)
			if err != nil {
				return err
			}
			done, err := control.Handover(c.Context(), socket)
			if errors.Is(err, context.Canceled) {
				return fmt.Errorf("%w; %s", err, ifNoneStarts)
			}
			if err != nil {
				return err
			}
			next, err := awaitNext(c.Context(), socket, before, within)
			if err != nil {
				return err
			}
			kept, lost := continued(next, done.Groups)
			groups := strings.Join(kept, ", ")
			if groups == "" {
				groups = "no group was Active"
				if len(lost) > 0 {
					groups = "no group continues as Active"
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "ripcord %s handed over to ripcord %s: %s\n", before.Version, next.Version, groups)
			if len(lost) > 0 {
				complain(c.ErrOrStderr(), fmt.Errorf("not continued as Active: %s: the log says why (group.unadopted)", strings.Join(lost, ", ")))
			}
			return nil
		},
	}
	c.Flags().DurationVar(&within, "within", 5*time.Second, "how long to wait for the next daemon")
	takeSocket(c, &socket)
	return c
}

// ifNoneStarts is what to do after an interruption: a daemon that starts meanwhile needs what is
// there, so it is not removed at once.
const ifNoneStarts = "the addresses may still be on this machine: if no daemon starts, run ripcord clean"

// awaitNext returns the status of the daemon that has started since. If none starts in time, it
// removes what the last daemon left: otherwise this machine would answer for its addresses beside
// the next Active.
func awaitNext(ctx context.Context, socket string, before *control.Status, within time.Duration) (*control.Status, error) {
	const every = 20 * time.Millisecond
	for end := time.Now().Add(within); time.Now().Before(end); {
		next, err := control.FetchBrief(ctx, socket)
		if err == nil && !next.Since.Equal(*before.Since) {
			return next, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("interrupted before the next daemon had answered: %s", ifNoneStarts)
		case <-time.After(every):
		}
	}
	done, err := clean()
	if errors.Is(err, daemon.ErrRunning) {
		return nil, fmt.Errorf("a daemon runs, and none answers on %s within %v: look at its log", socket, within)
	}
	return nil, errors.Join(fmt.Errorf("no daemon has started within %v: start it; removed what the other had left: %s", within, listOrNothing(done.Removed)), err)
}

func listOrNothing(what []string) string {
	if len(what) == 0 {
		return "nothing"
	}
	return strings.Join(what, ", ")
}

// continued returns which of these groups, and instances outside any group, are Active (kept), and
// which are not (lost).
func continued(s *control.Status, titles []string) (kept, lost []string) {
	active := make(map[string]bool)
	for _, in := range s.Instances {
		if in.Group == "" {
			active[in.Name] = in.State == "active"
		}
	}
	for _, g := range s.Groups {
		active[g.Name] = g.State == "active"
	}
	for _, title := range titles {
		if active[title] {
			kept = append(kept, title)
		} else {
			lost = append(lost, title)
		}
	}
	return kept, lost
}
