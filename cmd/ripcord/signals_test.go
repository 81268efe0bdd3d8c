package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A request that arrives before main has begun is kept: it neither ends the process nor is it lost.
func TestEarlyRequest(t *testing.T) {
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-signalsOf(catchSignals(t.Context())).requests:
		if got != syscall.SIGHUP {
			t.Errorf("received %v", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("the signal is lost")
	}
}

// Signals are caught before any other package of the program, and nearly all of the libraries, are
// initialised. This test binary imports all that the program does.
func TestSignalsAreCaughtFirst(t *testing.T) {
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, trace)
	}
	before, _, found := strings.Cut(string(trace), "init ripcord/pkg/early ")
	if !found {
		t.Fatalf("the package is not initialised: %s", trace)
	}
	for _, late := range []string{"init ripcord/", "init net ", "init github.com/cilium/"} {
		if strings.Contains(before, late) {
			t.Errorf("before signals are caught: %s", late)
		}
		if !strings.Contains(string(trace), late) {
			t.Errorf("nothing is initialised like %q, so this test proves nothing", late)
		}
	}
}
