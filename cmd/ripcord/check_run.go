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
	"ripcord/pkg/event"
	"ripcord/pkg/track"
)

// checksAtOnce is the number of checks that run at the same time.
const checksAtOnce = 16

// runChecks runs every check once, regardless of rise, fall and initial, and prints the results. It
// returns an error if a check fails.
func runChecks(c *cobra.Command, cfg *config.Config) error {
	if len(cfg.Checks) == 0 {
		fmt.Fprintln(c.OutOrStdout(), cfg.File+" has no checks")
		return nil
	}
	reports := make([]track.Report, len(cfg.Checks))
	var running sync.WaitGroup
	slots := make(chan struct{}, checksAtOnce)
	for i, k := range cfg.Checks {
		spec, err := daemon.Check(cfg, k)
		if err != nil { // the check cannot run here: that is its result
			reports[i] = track.Report{Name: k.Name, State: track.Down, Err: err}
			continue
		}
		running.Go(func() {
			slots <- struct{}{}
			reports[i] = track.RunOnce(c.Context(), spec)
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
		return fmt.Errorf("%d of %s failed", failed, event.Count(len(reports), "check"))
	}
	return nil
}

// results returns a table of the reports: the state of each check, and its error or its answer.
func results(reports []track.Report) table {
	t := table{words("CHECK", "RESULT", "TOOK", "ADDS", "ANSWER")}
	for _, r := range reports {
		state := r.State.String()
		t = append(t, append([]cell{{text: r.Name}, {text: state, colour: checkColours[state]}},
			words(r.Took.Round(100*time.Microsecond).String(), adds(r.Value), or(answer(r)))...))
	}
	return t
}

// answerShown is the number of characters of an answer that the table shows: the beginning
// identifies the answer, and a web page is longer.
const answerShown = 200

// answer returns the error of a check and its answer, or only the error if it quotes the answer.
func answer(r track.Report) string {
	output := printable(r.Output)
	if runes := []rune(output); len(runes) > answerShown {
		output = string(runes[:answerShown]) + "…"
	}
	if r.Err == nil {
		return output
	}
	failure := printable(r.Err.Error())
	if strings.Contains(failure, output) { // output is empty, or the number that was wrong
		return failure
	}
	return failure + "; " + output
}
