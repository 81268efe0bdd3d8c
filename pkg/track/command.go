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
		// would be a fault of all routers whose runners fail for the same reason, and none would serve.
		if !errors.Is(r.Err, command.ErrLost) {
			done(result{pass: r.Err == nil, output: r.Output, err: withOutput(r)})
		}
	})
}

// withOutput adds the last line of the output to the error of a program that exited with a status
// other than 0, since it usually gives the reason. If the output was cut, the last line may not be
// complete, so the error has the line before it, and states that more followed.
func withOutput(r command.Result) error {
	if _, exited := errors.AsType[*command.ExitError](r.Err); !exited || r.Output == "" {
		return r.Err
	}
	output, note := r.Output, ""
	if r.Cut {
		note = fmt.Sprintf(" (more output followed; only the first %d bytes are kept)", command.OutputLimit)
		if end := strings.LastIndexByte(output, '\n'); end >= 0 {
			output = output[:end]
		}
	}
	line := []rune(strings.TrimSpace(output[strings.LastIndexByte(output, '\n')+1:]))
	if len(line) > lineShown {
		line = append(line[:lineShown], '…')
	}
	return fmt.Errorf("%w: %s%s", r.Err, string(line), note)
}

// lineShown is the number of characters of the last line that an error shows.
const lineShown = 200

func (*commandProber) events() <-chan struct{} { return nil }
func (*commandProber) close()                  {}
