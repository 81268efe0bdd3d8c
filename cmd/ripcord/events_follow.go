package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// followPause is how long a follower waits before it connects again.
const followPause = time.Second

// follower reads the lines of the log without end: when they end because the daemon has ended, it
// connects to the next daemon.
type follower struct {
	open       func(ctx context.Context, since time.Time) (io.ReadCloser, error)
	complaints io.Writer

	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}

	since      time.Time // the time of the newest line that was read
	complained string
}

// follow connects, and returns an error if that fails. Afterwards the lines end only when ctx ends
// or Close is called.
func (f *follower) follow(ctx context.Context, since time.Time) error {
	ctx, cancel := context.WithCancel(ctx)
	lines, err := f.open(ctx, since)
	if err != nil {
		cancel()
		return err
	}
	f.since, f.cancel, f.done = since, cancel, make(chan struct{})
	out, in := io.Pipe()
	f.PipeReader = out
	go func() {
		defer close(f.done)
		defer in.Close()
		for again := false; lines != nil; again = true {
			f.copy(lines, in, again)
			_ = lines.Close()
			lines = f.reconnect(ctx)
		}
	}()
	return nil
}

// Close ends the lines and waits for the goroutine that reads them.
func (f *follower) Close() error {
	f.cancel()
	err := f.PipeReader.Close()
	<-f.done
	return err
}

// copy copies lines until they end. After a reconnection (again) it skips the lines at the
// beginning that were read before. It also skips a line that is cut off, as by the death of the
// daemon.
func (f *follower) copy(lines io.Reader, to io.Writer, again bool) {
	read := bufio.NewReader(lines)
	for {
		text, err := read.ReadBytes('\n')
		if err != nil {
			return
		}
		var line struct{ TS time.Time }
		_ = json.Unmarshal(text, &line) // a line that is no JSON object has the zero time
		if again && !line.TS.After(f.since) {
			continue
		}
		again = false
		if line.TS.After(f.since) {
			f.since = line.TS
		}
		if _, err := to.Write(text); err != nil {
			return
		}
	}
}

// reconnect connects as soon as a daemon answers. It returns nil when ctx has ended.
func (f *follower) reconnect(ctx context.Context) io.ReadCloser {
	for {
		select {
		case <-time.After(followPause):
		case <-ctx.Done():
			return nil
		}
		lines, err := f.open(ctx, f.since)
		switch {
		case err == nil:
			f.complained = ""
			return lines
		case ctx.Err() != nil:
			return nil
		case err.Error() != f.complained:
			f.complained = err.Error()
			fmt.Fprintln(f.complaints, "ripcord: "+f.complained)
		}
	}
}
