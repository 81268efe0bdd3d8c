package track

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/command"
)

// Command is a check that runs a program: exit status 0 passes. The program runs as package
// command says; other processes of its group are killed when it has ended.
type Command struct {
	Argv []string
	// User is whom the program runs as; nil is the daemon's own user.
	User *command.User
}

// String implements Probe.
func (c Command) String() string { return "command " + strings.Join(c.Argv, " ") }

func (c Command) validate() error {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return errors.New("the command is empty")
	}
	if slices.ContainsFunc(c.Argv, func(arg string) bool { return strings.ContainsRune(arg, 0) }) {
		return errors.New("an argument of the command has a NUL byte in it")
	}
	return nil
}

func (c Command) open(_ *machine, timeout time.Duration) prober {
	return &commandProber{command.Command{Argv: c.Argv, User: c.User, Timeout: timeout, KillGroup: true}}
}

type commandProber struct{ command command.Command }

func (p *commandProber) probe(ctx context.Context, done func(result)) {
	p.command.Run(ctx, func(r command.Result) {
		done(result{pass: r.Err == nil, output: r.Output, err: r.Err})
	})
}

func (*commandProber) events() <-chan struct{} { return nil }
func (*commandProber) close()                  {}
