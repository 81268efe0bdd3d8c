package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/link/monitor"
	"ripcord/pkg/nic"
	"ripcord/pkg/telemetry"
)

// newLink returns the command that shows what each NIC can report.
func newLink() *cobra.Command {
	var watching, asJSON bool
	c := &cobra.Command{
		Use:   "link [IFACE...]",
		Short: "Show what each NIC reports about its link",
		Long: "Show what each NIC reports about its link: flags, operstate, carrier, the answers of the\n" +
			"driver and the transceiver, and which monitor the daemon would use. The command needs no\n" +
			"daemon. Asking the transceiver needs CAP_NET_ADMIN.",
		ValidArgsFunction: completeInterface,
		RunE: func(c *cobra.Command, names []string) error {
			reports, err := monitor.Inspect(names, time.Now())
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if watching {
				return watch(c.Context(), out, reports, asJSON)
			}
			return show(out, reports, asJSON, colours(out))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON document; with --watch, print lines of the log")
	c.Flags().BoolVar(&watching, "watch", false, "print each change with its source and time, until interrupted")
	return c
}

// show prints a report of each NIC.
func show(out io.Writer, reports []nic.Report, asJSON, colours bool) error {
	if asJSON {
		return printJSON(out, append([]nic.Report{}, reports...))
	}
	for _, r := range reports {
		fmt.Fprintln(out, cell{text: fmt.Sprintf("%s (ifindex %d)", r.Name, r.Index), colour: bold}.paint(colours))
		for _, line := range r.Lines() {
			if _, err := fmt.Fprintf(out, "  %-10s %s\n", line[0], line[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// watch runs the daemon's own monitor on the links, and prints its events.
func watch(ctx context.Context, out io.Writer, reports []nic.Report, asJSON bool) error {
	var names []string
	for _, r := range reports {
		names = append(names, r.Name)
	}
	events, hints := &bus.Topic[event.Event]{}, make(chan monitor.Hints, 1)
	hints <- monitor.OpenHints()
	monitor := monitor.New(monitor.Config{
		Default: link.Defaults(), Watched: names,
		Hints: hints,
		Facts: bus.NewRetained[string, event.Link](), Addresses: &bus.Topic[event.Address]{},
		Events: events, Minter: event.NewMinter(uint64(time.Now().UnixNano())),
	})
	bell := bus.NewBell()
	ring := bus.SubscribeRing(events, bell, 1024)
	monitor.Engage(names)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- monitor.Run(ctx) }()
	logger := telemetry.NewLogger(out, event.Debug)
	for {
		select {
		case err := <-done:
			return err
		case <-bell:
		}
		all, lost := ring.Take()
		for _, e := range all {
			if asJSON {
				logger.Write(e)
				continue
			}
			fmt.Fprintln(out, line(e))
		}
		if lost > 0 {
			fmt.Fprintf(out, "%d lines are missing here\n", lost)
		}
		if o, ok := out.(*output); ok && o.failed() != nil {
			cancel() // the reader is gone; execute prints why
		}
	}
}

// line formats an event for a person: its time, its sentence, and the source of a change.
func line(e event.Event) string {
	s := e.When().At.Format("15:04:05.000000") + "  " + event.Sentence(e)
	if c, ok := e.(event.LinkChanged); ok {
		s += fmt.Sprintf(" (%s, reported by %s)", c.Kind, c.Source)
	}
	return s
}
