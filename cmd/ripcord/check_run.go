package main

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/config"
	"ripcord/pkg/daemon"
	"ripcord/pkg/track"
)

// checksAtOnce is how many checks run beside one another.
const checksAtOnce = 16

// runChecks runs every check once, whatever is in rise, fall and initial, and prints the
// results. It returns an error if one of them fails.
func runChecks(c *cobra.Command, cfg *config.Config) error {
	specs, err := daemon.Checks(cfg)
	if err != nil {
		return err
	}
	if len(specs) == 0 {
		fmt.Fprintln(c.OutOrStdout(), cfg.File+" has no checks")
		return nil
	}
	reports := make([]track.Report, len(specs))
	var running sync.WaitGroup
	slots := make(chan struct{}, checksAtOnce)
	for i, s := range specs {
		running.Go(func() {
			slots <- struct{}{}
			reports[i] = track.RunOnce(c.Context(), s)
			<-slots
		})
	}
	running.Wait()
	var b bytes.Buffer
	out := c.OutOrStdout()
	results(reports).write(&b, lookOf(out))
	if _, err := out.Write(b.Bytes()); err != nil {
		return err
	}
	failed := 0
	for _, r := range reports {
		if r.State != track.Up {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, count(len(reports), "check"))
	}
	return nil
}

// results are the reports of checks: what went wrong, and what the check answered.
func results(reports []track.Report) table {
	t := table{words("CHECK", "RESULT", "TOOK", "ADDS", "ANSWER")}
	for _, r := range reports {
		var answer []string
		if r.Err != nil {
			answer = append(answer, printable(r.Err.Error()))
		}
		if r.Output != "" {
			answer = append(answer, printable(r.Output))
		}
		state := r.State.String()
		t = append(t, append([]cell{{text: r.Name}, {state, checkColours[state]}},
			words(r.Took.Round(100*time.Microsecond).String(), adds(r.Value), or(strings.Join(answer, "; ")))...))
	}
	return t
}
