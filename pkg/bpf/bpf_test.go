package bpf

import (
	"errors"
	"net"
	"testing"
)

// TestCause checks that the innermost error is returned, without the steps around it.
func TestCause(t *testing.T) {
	inner := errors.New("operation not permitted")
	err := inner
	for _, step := range []string{"load program", "attach"} {
		err = &net.OpError{Op: step, Err: err}
	}
	if got := Cause(err); got != inner {
		t.Errorf("%v, want %v", got, inner)
	}
	if got := Cause(nil); got != nil {
		t.Errorf("%v, want no error", got)
	}
}
