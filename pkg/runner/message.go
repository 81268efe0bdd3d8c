package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"ripcord/pkg/command"
	"ripcord/pkg/thread"
)

// These limit the messages. One message is one datagram.
const (
	maxRequest   = 8 << 10
	maxAnswer    = 64 << 10
	maxVariables = 16 // variables
	maxValue     = 512
	maxName      = 256
)

// operation is the operation of a request.
type operation string

const (
	opRun       operation = "run"
	opStop      operation = "stop"      // stops the program that the request of that number started
	opCheck     operation = "check"     // checks whether the program can and may run
	opReload    operation = "reload"    // reads the configuration again
	opFIFO      operation = "fifo"      // makes the FIFO
	opRaise     operation = "raise"     // sets the scheduling priority of a thread of the daemon
	opProcesses operation = "processes" // returns a directory of all processes
	opHold      operation = "hold"      // keeps the descriptor that comes with the request open as long as the connection
)

// request is a message from the daemon.
type request struct {
	Seq      uint64     `json:"seq"`
	Op       operation  `json:"op"`
	Revision string     `json:"revision,omitempty"`
	Program  command.ID `json:"program,omitzero"`
	Env      []string   `json:"env,omitempty"`

	Thread   int             `json:"thread,omitempty"`
	Priority thread.Priority `json:"priority,omitempty"`

	file *os.File // its descriptor comes with the message; nil: none
}

// answer is a message from the runner: first a hello, then answers to requests.
type answer struct {
	Seq    uint64  `json:"seq,omitempty"`
	Hello  *hello  `json:"hello,omitempty"`
	Result *result `json:"result,omitempty"` // of a program
	Ended  bool    `json:"ended,omitempty"`  // nothing of the program is left, or the request was executed
	Err    string  `json:"error,omitempty"`  // why it was not executed
	Stale  bool    `json:"stale,omitempty"`  // because the configurations differ

	file *os.File // its descriptor comes with the message; nil: none
}

// hello is the first message of a runner.
type hello struct {
	PID      int    `json:"pid"`
	Revision string `json:"revision"`
	Err      string `json:"error,omitempty"` // why it has no configuration
}

// result is a command.Result in a message.
type result struct {
	Exit   int     `json:"exit"`
	Signal string  `json:"signal,omitempty"`
	Output string  `json:"output,omitempty"`
	Cut    bool    `json:"cut,omitempty"`
	Took   int64   `json:"took_ns"`
	Kind   failure `json:"failure,omitempty"`
	Err    string  `json:"error,omitempty"`
}

// failure is the reason why a program did not succeed.
type failure string

const (
	failedExit    failure = "exit"    // with another status than 0, or by a signal
	failedTimeout failure = "timeout" // it took too long
	failedStopped failure = "stopped" // the daemon stopped it
	failedUnrun   failure = "unrun"   // it could not be started
)

// decodeRequest decodes a request. The error describes what is wrong with it.
func decodeRequest(data []byte) (r request, err error) {
	if len(data) > maxRequest {
		return r, fmt.Errorf("it is longer than %d bytes", maxRequest)
	}
	if err := decode(data, &r); err != nil {
		return request{}, err
	}
	return r, r.validate()
}

func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more text follows the message")
	}
	return nil
}

func (r *request) validate() error {
	switch r.Op {
	case opRun, opStop, opCheck, opReload, opFIFO, opProcesses, opHold:
	case opRaise:
		if r.Thread <= 0 || !r.Priority.Known() {
			return fmt.Errorf("there is no thread %d, or no priority %.40q", r.Thread, r.Priority)
		}
	default:
		return fmt.Errorf("there is no operation %.40q", r.Op)
	}
	if r.Seq == 0 {
		return errors.New("it has no number")
	}
	if len(r.Env) > maxVariables {
		return fmt.Errorf("it sets %d variables, more than %d", len(r.Env), maxVariables)
	}
	for _, e := range r.Env {
		if len(e) > maxValue || !plain(e) {
			return fmt.Errorf("the variable %.40q is too long, or not plain text", e)
		}
	}
	for _, s := range []string{string(r.Program.Kind), r.Program.Name, r.Program.When, r.Revision} {
		if len(s) > maxName || !plain(s) {
			return fmt.Errorf("%.40q is too long, or not plain text", s)
		}
	}
	return nil
}

// plain reports whether a text is UTF-8 without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// resultOf returns a result in the form of a message.
func resultOf(r command.Result) *result {
	out := &result{Exit: r.Exit, Output: r.Output, Cut: r.Cut, Took: int64(r.Took)}
	if r.Err == nil {
		return out
	}
	out.Kind, out.Err = failedUnrun, r.Err.Error()
	if exit, ok := errors.AsType[*command.ExitError](r.Err); ok {
		out.Kind, out.Exit, out.Signal = failedExit, exit.Exit, exit.Signal
	} else if errors.Is(r.Err, command.ErrTimeout) {
		out.Kind = failedTimeout
	} else if errors.Is(r.Err, context.Canceled) {
		out.Kind = failedStopped
	}
	return out
}

// received returns the result in a message.
func (r *result) received() command.Result {
	out := command.Result{Exit: r.Exit, Output: r.Output, Cut: r.Cut, Took: time.Duration(r.Took)}
	switch r.Kind {
	case "":
	case failedExit:
		out.Err = &command.ExitError{Exit: r.Exit, Signal: r.Signal}
	case failedTimeout:
		out.Err = timeoutError(r.Err)
	case failedStopped:
		out.Err = context.Canceled
	default:
		out.Err = errors.New(r.Err)
	}
	return out
}

// timeoutError is command.ErrTimeout in the words of the runner.
type timeoutError string

func (e timeoutError) Error() string        { return string(e) }
func (e timeoutError) Is(target error) bool { return target == command.ErrTimeout }
