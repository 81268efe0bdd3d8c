package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestFollower ends a daemon, also in the middle of a line: the follower waits for the next one,
// reports that once, and continues with the next daemon's lines, each once.
func TestFollower(t *testing.T) {
	line := func(second int) string {
		return fmt.Sprintf(`{"ts":"2026-03-01T12:00:%02dZ","event":"daemon.ready"}`+"\n", second)
	}
	nobody := errors.New("nobody answers on /s")
	answers := []struct {
		text string
		err  error
	}{{line(1) + line(2) + `{"ts":"20`, nil}, {"", nobody}, {"", nobody}, {line(1) + line(2) + line(3), nil}}
	var asked []time.Time
	var complaints strings.Builder
	f := follower{complaints: &complaints, open: func(ctx context.Context, since time.Time) (io.ReadCloser, error) {
		n := len(asked)
		asked = append(asked, since)
		if n >= len(answers) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return io.NopCloser(strings.NewReader(answers[n].text)), answers[n].err
	}}
	if err := f.follow(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	read := bufio.NewReader(&f)
	for second := 1; second <= 3; second++ {
		if got, err := read.ReadString('\n'); got != line(second) || err != nil {
			t.Errorf("line %d is %q, %v", second, got, err)
		}
	}
	_ = f.Close()
	if got := complaints.String(); got != "ripcord: nobody answers on /s\n" {
		t.Errorf("the follower complains %q", got)
	}
	if got := asked[3].Second(); got != 2 {
		t.Errorf("after the line of second 2 the follower asks for lines since second %d", got)
	}
	never := follower{open: func(context.Context, time.Time) (io.ReadCloser, error) { return nil, nobody }}
	if err := never.follow(t.Context(), time.Time{}); err != nobody {
		t.Errorf("the follower follows a daemon that never answered: %v", err)
	}
}
