package daemon

import (
	"context"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/event"
)

// runProgram runs a program of a configuration as script_user, and waits for it. What came
// of it is the event: the daemon starts and ends all the same.
func runProgram(ctx context.Context, programs command.Runner, c *config.Config, kind command.Kind, program *config.Program) event.Event {
	user, err := defaultUser(c)
	result := command.Result{Exit: -1, Err: err}
	if err == nil {
		ran := make(chan command.Result, 1)
		programs.Run(ctx, programRequest(kind, program, user), func(r command.Result) { ran <- r })
		result = <-ran
	}
	e := event.ProgramRan{Stamp: event.Stamp{At: time.Now()}, Program: string(kind), Command: program.Argv[0], Took: result.Took, Output: result.Output}
	e.Result, e.Err = resultOf(result.Err)
	return e
}

// programRequest returns how a program is run that is run once.
func programRequest(kind command.Kind, p *config.Program, user *command.User) command.Request {
	return command.Request{ID: command.ID{Kind: kind}, Command: command.Command{Argv: p.Argv, User: user, Timeout: p.Timeout}}
}
