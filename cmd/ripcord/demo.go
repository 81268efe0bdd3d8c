package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// newDemo returns the command that shows a failover on this machine.
func newDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Build a LAN of two routers on this machine, pull a cable and measure the failover",
		Long: "Build a LAN of two routers, two segments and a client in network namespaces, and run this\n" +
			"program on both routers. Then pull a cable, plug it in again, and cut a router's power.\n" +
			"The command shows the client's view and the routers' logs, and removes the LAN.",
		Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return fmt.Errorf("demo needs root, since it makes network namespaces: run it with sudo")
			}
			return demonstrate(c.Context(), c)
		},
	}
}

// demonstrate plays all acts and prints what happened. It always removes what it has made.
func demonstrate(ctx context.Context, c *cobra.Command) (err error) {
	out := c.OutOrStdout()
	fmt.Fprint(out, picture)
	stage, err := newDemoStage()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() {
		if failed := stage.close(); err == nil && failed != nil {
			err = fmt.Errorf("demo: removing what it made: %w", failed)
		}
	}()
	for _, act := range acts {
		fmt.Fprintf(out, "%s ...\n", act.title)
		scene, err := stage.play(ctx, act)
		if err != nil {
			return fmt.Errorf("demo: %s: %w", act.title, err)
		}
		stage.scenes = append(stage.scenes, scene)
	}
	fmt.Fprintln(out)
	return renderDemo(out, stage.scenes, lookOf(out))
}

const picture = `
            inside  192.0.2.0/24
    ────┬───────────────┬──────────────┬────
        │ eth0          │ eth0         │
    ┌───┴───┐       ┌───┴───┐      ┌───┴────┐
    │ left  │       │ right │      │ client │   two routers share 192.0.2.1
    │  150  │       │  100  │      └───┬────┘   and 198.51.100.1; 1 s adverts,
    └───┬───┘       └───┬───┘          │       no third router (routers: 2)
        │ eth1          │ eth1         │
    ────┴───────────────┴──────────────┴────
            outside  198.51.100.0/24

`

// act is one action on the LAN, and the router that serves afterwards.
type act struct {
	title  string
	do     func(*demoStage) error
	server string
}

var acts = []act{
	{"two routers start; left has the higher priority", (*demoStage).start, "left"},
	{"left's cable to inside is pulled", func(s *demoStage) error { return s.cable(s.lan.Cable("left", "eth0").Pull()) }, "right"},
	{"the cable is put back", func(s *demoStage) error { return s.cable(s.lan.Cable("left", "eth0").Plug()) }, "left"},
	{"left's eth0 is set down: ip link set eth0 down", func(s *demoStage) error { return s.cable(s.lan.Cable("left", "eth0").AdminDown()) }, "right"},
	{"left's eth0 is set up", func(s *demoStage) error { return s.cable(s.lan.Cable("left", "eth0").AdminUp()) }, "left"},
	{"left is killed: right waits for its Active_Down_Interval", (*demoStage).kill, "right"},
}
