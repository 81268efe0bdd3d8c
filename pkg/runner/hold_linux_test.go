package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ripcord/pkg/command/commandtest"
)

// copies returns a function that reports whether this process has a number of descriptors of a pipe.
func copies(t *testing.T, of *os.File, want int) func() (bool, string) {
	pipe, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", of.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return func() (bool, string) {
		all, _ := filepath.Glob("/proc/self/fd/*")
		n := 0
		for _, fd := range all {
			if to, err := os.Readlink(fd); err == nil && to == pipe {
				n++
			}
		}
		return n == want, fmt.Sprintf("%d descriptors of the pipe, want %d", n, want)
	}
}

// TestHold requires that the runner, and each one that replaces it, holds a file of the daemon, until
// the connection ends.
func TestHold(t *testing.T) {
	r := newRig(t)
	input, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	defer output.Close()
	held, alone := copies(t, input, 3), copies(t, input, 2)
	r.client.Hold(t.Context(), []*os.File{output})
	commandtest.Eventually(t, held)
	r.cut()
	commandtest.Eventually(t, func() (bool, string) { return r.client.Status().Lost == 1, "the runner was not lost" })
	commandtest.Eventually(t, held)
	r.client.letGo() // the next runner holds nothing
	commandtest.Eventually(t, alone)
	r.cut()
	commandtest.Eventually(t, copies(t, input, 1))
}

// TestHoldIsLimited requires that the runner refuses a request without a descriptor, and more
// descriptors than it needs to hold.
func TestHoldIsLimited(t *testing.T) {
	r := newRig(t)
	l, _, err := r.client.await(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.ask(t.Context(), request{Op: opHold}, askWithin); err == nil || !strings.Contains(err.Error(), "no descriptor") {
		t.Errorf("without a descriptor: %v", err)
	}
	for n := range maxHeld + 1 {
		err := l.ask(t.Context(), request{Op: opHold, file: os.Stderr}, askWithin)
		if full := n == maxHeld; full != (err != nil) {
			t.Errorf("descriptor %d: %v", n, err)
		}
	}
}
