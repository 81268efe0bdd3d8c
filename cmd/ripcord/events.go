package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ripcord/pkg/control"
	"ripcord/pkg/event"
	"ripcord/pkg/story"
)

// These are the times after its last line at which a story is complete: by the timestamps of the
// lines if the whole log can be read at once, by the clock if lines still arrive.
const (
	quietInLog = 10 * time.Second
	quietNow   = time.Second
)

// newEvents returns the command that prints the last failovers as stories.
func newEvents() *cobra.Command {
	var socket, since string
	var follow, asJSON bool
	c := &cobra.Command{
		Use:   "events [-]",
		Short: "Print the last failovers, step by step",
		Long: "Print the last failovers, step by step: the cause, every transition, advert and address\n" +
			"that followed, with the µs since the cause, and the outage as this router saw it. Other\n" +
			"log lines of level warn and error are printed, too. The daemon keeps the newest 10,000\n" +
			"lines of its log in memory. With - the log is read from standard input instead:\n" +
			"journalctl -u ripcord -o cat | ripcord events -",
		Args: atMostOne("- for a log on standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			stdin := len(args) > 0
			switch {
			case stdin && args[0] != "-":
				return usage("events %s: give - to read a log from standard input, or nothing to ask the daemon", args[0])
			case stdin && (follow || c.Flags().Changed("since") || c.Flags().Changed("socket")):
				return usage("with - the log comes from standard input: leave out --follow, --since and --socket")
			}
			t := storyPrinter{out: c.OutOrStdout(), asJSON: asJSON, live: follow || stdin, zone: time.Local}
			if stdin {
				return t.printAll(c.Context(), c.InOrStdin())
			}
			from, err := sinceFlag(c, since)
			if err != nil {
				return err
			}
			open := func(ctx context.Context, since time.Time) (io.ReadCloser, error) {
				return control.ReadEvents(ctx, socket, since, follow)
			}
			if follow {
				lines := follower{open: open, complaints: c.ErrOrStderr()}
				if err := lines.follow(c.Context(), from); err != nil {
					return err
				}
				defer lines.Close()
				return t.printAll(c.Context(), &lines)
			}
			lines, err := open(c.Context(), from)
			if err != nil {
				return err
			}
			defer lines.Close()
			return t.printAll(c.Context(), lines)
		},
	}
	c.Flags().BoolVar(&follow, "follow", false, "continue, and print each failover when it is over, until interrupted")
	c.Flags().StringVar(&since, "since", "", "only lines since `TIME`, for example 10m (ago) or 2026-03-01T12:00:00Z")
	c.Flags().BoolVar(&asJSON, "json", false, "print each failover as one JSON object per line, with the lines of the log")
	takeSocket(c, &socket)
	return c
}

// sinceFlag returns the instant that --since names; zero if the flag was not given.
func sinceFlag(c *cobra.Command, since string) (time.Time, error) {
	if !c.Flags().Changed("since") {
		return time.Time{}, nil
	}
	now := time.Now()
	from, err := control.ParseSince(since, now)
	switch {
	case err != nil:
		return from, usage("--since %v", err)
	case !from.Before(now):
		return from, usage("--since %s: give a time greater than 0, as 10m, or an instant in the past", since)
	}
	return from, nil
}

// storyPrinter prints the stories of a log.
type storyPrinter struct {
	out    io.Writer
	asJSON bool
	live   bool // the log may have no end, so a story is printed when no more lines come
	zone   *time.Location

	lines, foreign, printed int
}

// printAll prints the stories of a log to its end, or until ctx ends.
func (t *storyPrinter) printAll(ctx context.Context, log io.Reader) error {
	b := story.Builder{Quiet: quietInLog}
	texts, failed := scan(ctx, log)
	for {
		var silence <-chan time.Time
		if t.live {
			silence = time.After(quietNow)
		}
		select {
		case text, ok := <-texts:
			if !ok && ctx.Err() == nil {
				return t.end(b.Rest(), <-failed)
			}
			if !ok {
				return nil // interrupted
			}
			l, err := story.Parse(text)
			if err != nil {
				t.foreign++
				continue
			}
			t.lines++
			t.print(b.Add(l))
		case <-silence:
			t.print(b.Rest())
		case <-ctx.Done():
			t.print(b.Rest())
			return nil
		}
		if o, ok := t.out.(*output); ok && o.failed() != nil {
			return nil // execute prints why
		}
	}
}

// scan reads lines until the log ends or ctx does.
func scan(ctx context.Context, log io.Reader) (texts <-chan []byte, failed <-chan error) {
	const longest = 16 << 20 // the status of thousands of instances
	lines, result := make(chan []byte, 64), make(chan error, 1)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(log)
		scanner.Buffer(make([]byte, 0, 64<<10), longest)
		for scanner.Scan() {
			select {
			case lines <- bytes.Clone(scanner.Bytes()):
			case <-ctx.Done():
				result <- nil
				return
			}
		}
		result <- scanner.Err()
	}()
	return lines, result
}

// end prints the last stories of a log that has ended. It returns an error if the log was not
// ripcord's or could not be read.
func (t *storyPrinter) end(rest []story.Story, err error) error {
	t.print(rest)
	switch {
	case err != nil:
		return fmt.Errorf("the log could not be read to its end: %w", err)
	case t.lines == 0 && t.foreign > 0:
		return fmt.Errorf("none of %s is one of ripcord's log: journalctl needs -o cat", event.Count(t.foreign, "line"))
	case t.printed == 0 && !t.asJSON:
		fmt.Fprintf(t.out, "Nothing moved, and nothing is wrong, in %s of the log.\n", event.Count(t.lines, "line"))
	}
	return nil
}

func (t *storyPrinter) print(stories []story.Story) {
	for i := range stories {
		t.printed++
		if t.asJSON {
			text, _ := json.Marshal(&stories[i]) // it consists of strings, numbers and lines that were JSON
			fmt.Fprintf(t.out, "%s\n", text)
			continue
		}
		var b bytes.Buffer
		if t.printed > 1 {
			b.WriteByte('\n')
		}
		renderStory(&b, &stories[i], t.zone, lookOf(t.out))
		_, _ = t.out.Write(b.Bytes()) // output remembers the error
	}
}
