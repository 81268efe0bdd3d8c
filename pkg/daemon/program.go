package daemon

import (
	"context"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/event"
)

// runProgram runs a program of a configuration as script_user, and waits for it. What came
// of it is an event: the daemon starts and ends all the same.
func runProgram(ctx context.Context, c *config.Config, name string, p *config.Program, events *bus.Topic[event.Event]) {
	if p == nil {
		return
	}
	user, err := defaultUser(c)
	result := command.Result{Exit: -1, Err: err}
	if err == nil {
		ran := make(chan command.Result, 1)
		run := command.Command{Argv: p.Argv, User: user, Timeout: p.Timeout}
		run.Run(ctx, func(r command.Result) { ran <- r })
		result = <-ran
	}
	e := event.ProgramRan{Stamp: event.Stamp{At: time.Now()}, Program: name, Command: p.Argv[0], Took: result.Took, Output: result.Output}
	e.Result, e.Err = resultOf(result.Err)
	events.Publish(e)
}
