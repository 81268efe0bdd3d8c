package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

// TestHandoverInterrupted requires that an interrupted handover says what may be left.
func TestHandoverInterrupted(t *testing.T) {
	socket := fakeDaemon(t, "pulled") // it is never replaced by another daemon
	ctx, interrupt := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, interrupt)
	var out, errs bytes.Buffer
	code := execute(ctx, []string{"handover", "--socket", socket, "--within", "1m"}, &out, &errs)
	if code != exitFailed || !strings.Contains(errs.String(), "interrupted") || !strings.Contains(errs.String(), "run ripcord clean") {
		t.Errorf("exit status %d, %q", code, errs.String())
	}
}
