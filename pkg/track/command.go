package track

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/command"
)

// Command is a check that runs a program: exit status 0 passes. Package command defines how the
// program runs; other processes of its group are killed when it has ended.
type Command struct {
	Argv []string
	// User is the account of the program; nil is the daemon's own user.
	User *command.User
}

// String implements Probe.
func (c Command) String() string { return "command " + strings.Join(c.Argv, " ") }

func (c Command) validate() error {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return errors.New("the command is empty")
	}
	if slices.ContainsFunc(c.Argv, func(arg string) bool { return strings.ContainsRune(arg, 0) }) {
		return errors.New("an argument of the command contains a NUL byte")
	}
	return nil
}

// Request returns the request for the program of a check of that name.
func (c Command) Request(name string, timeout time.Duration) command.Request {
	return command.Request{
		ID:      command.ID{Kind: command.ForCheck, Name: name},
		Command: command.Command{Argv: c.Argv, User: c.User, Timeout: timeout, KillGroup: true},
	}
}

func (c Command) open(m *machine, s *Spec) prober {
	return &commandProber{m.programs, c.Request(s.Name, s.EffectiveTimeout())}
}

type commandProber struct {
	programs command.Runner
	request  command.Request
}

func (p *commandProber) probe(ctx context.Context, done func(result)) {
	p.programs.Run(ctx, p.request, func(r command.Result) {
		// Whether the program would have passed is unknown: the state stays as it is. A failure
		// would be a fault of all routers whose runners fail alike, and none would serve.
		if !errors.Is(r.Err, command.ErrLost) {
			done(result{pass: r.Err == nil, output: r.Output, err: withOutput(r.Err, r.Output)})
		}
	})
}

// withOutput adds the last line of a program's output to the error that it exited with a status other
// than 0: the line says why.
func withOutput(err error, output string) error {
	if _, exited := errors.AsType[*command.ExitError](err); !exited || output == "" {
		return err
	}
	line := []rune(strings.TrimSpace(output[strings.LastIndexByte(output, '\n')+1:]))
	if len(line) > lineShown {
		line = append(line[:lineShown], '…')
	}
	return fmt.Errorf("%w: %s", err, string(line))
}

// lineShown is the number of characters of the last line that an error shows.
const lineShown = 200

func (*commandProber) events() <-chan struct{} { return nil }
func (*commandProber) close()                  {}
