package daemon

import (
	"context"
	"fmt"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/notify"
)

// runProgram runs a program of a configuration as its user, waits for it and returns the event with
// its result: the daemon starts and ends whatever the result.
func runProgram(ctx context.Context, programs command.Runner, c *config.Config, kind command.Kind, program *config.Program) event.Event {
	user, err := defaultUser(c)
	if err == nil {
		user, err = account(program.User, program.Group, user)
	}
	result := command.Result{Exit: -1, Err: err}
	if err == nil {
		ran := make(chan command.Result, 1)
		programs.Run(ctx, programRequest(kind, program, user), func(r command.Result) { ran <- r })
		result = <-ran
	}
	e := event.ProgramRan{Stamp: event.Stamp{At: time.Now()}, Program: string(kind), Command: program.Argv[0], Took: result.Took, Output: result.Output}
	e.Result, e.Err = notify.ResultOf(result.Err)
	return e
}

// runShutdown runs the `shutdown` program of a configuration. It has a time of its own, for which the
// service manager has to wait, too.
func runShutdown(programs command.Runner, c *config.Config) event.Event {
	within := c.Shutdown.Timeout + command.DefaultGrace
	notifyManager(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", (within + 10*time.Second).Microseconds()))
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return runProgram(ctx, programs, c, command.ForShutdown, c.Shutdown)
}

// programRequests returns the requests for the startup and shutdown programs of a configuration, as
// the users that they name or otherwise as other.
func programRequests(c *config.Config, other *command.User) (all []command.Request, err error) {
	for kind, p := range map[command.Kind]*config.Program{command.ForStartup: c.Startup, command.ForShutdown: c.Shutdown} {
		if p == nil {
			continue
		}
		user, err := account(p.User, p.Group, other)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", c.File, kind, err)
		}
		all = append(all, programRequest(kind, p, user))
	}
	return all, nil
}

// programRequest returns the request for a startup or shutdown program.
func programRequest(kind command.Kind, p *config.Program, user *command.User) command.Request {
	return command.Request{ID: command.ID{Kind: kind}, Command: command.Command{Argv: p.Argv, User: user, Timeout: p.Timeout}}
}
