package command

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// OutputLimit is the number of bytes of a command's output that are kept.
const OutputLimit = 4096

// DefaultGrace is the time between SIGTERM and SIGKILL.
const DefaultGrace = time.Second

// ErrTimeout is the error of a command that did not end within its timeout.
var ErrTimeout = errors.New("timed out")

// Command is a program and the way to run it. Argv and Timeout are required.
type Command struct {
	// Argv is the program and its arguments. The program is an absolute path, or a name in
	// SearchPath.
	Argv []string
	// User is the account of the program; nil is the daemon's own user.
	User *User
	// Env is added to the daemon's environment (see Environment): strings of the form "NAME=value".
	Env []string
	// Timeout is how long the program may run.
	Timeout time.Duration
	// Grace is the time between SIGTERM and SIGKILL; zero is DefaultGrace.
	Grace time.Duration
	// KillGroup kills the rest of the process group when the program has ended. A check needs no
	// background processes; a notify command may start a daemon.
	KillGroup bool
}

// Result is the result of a run of a command.
type Result struct {
	// Exit is the exit status, −1 if a signal ended the program, or if it did not start or did not
	// end in time.
	Exit int
	// Output is the beginning of standard output and standard error, as valid UTF-8 without white
	// space at its end.
	Output string
	// Cut reports whether there was more output.
	Cut bool
	// Took is the time from the call of Run to the result.
	Took time.Duration
	// Err is nil if the program exited with status 0. Otherwise it is a sentence: ErrTimeout, an
	// ExitError, the error of the context, or why the program could not be started.
	Err error
}

// ExitError is the error of a program that ended other than with status 0.
type ExitError struct {
	Exit   int    // −1 if a signal ended it
	Signal string // the name of that signal, as "SIGSEGV"
}

// Error implements error.
func (e *ExitError) Error() string {
	if e.Signal != "" {
		return "ended by " + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Exit)
}

func (c *Command) grace() time.Duration {
	if c.Grace > 0 {
		return c.Grace
	}
	return DefaultGrace
}

func (c *Command) validate() error {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return errors.New("the command is empty")
	}
	if c.Timeout <= 0 {
		return fmt.Errorf("the timeout of %s is %v: it must be longer than 0", c.Argv[0], c.Timeout)
	}
	return nil
}

// effective returns the user of a command.
func (c *Command) effective() *User {
	if c.User != nil {
		return c.User
	}
	return &User{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
}
