package notify

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/event"
)

// DefaultFenceTimeout is how long a fence command may run.
const DefaultFenceTimeout = 10 * time.Second

// Fence is a fence command: it has to make sure that another router cannot act as Active any more,
// and then exits with status 0.
type Fence struct {
	Argv []string
	// User is the account that it runs as; nil is the daemon's own user.
	User *command.User
	// Timeout is how long it may run; zero is DefaultFenceTimeout.
	Timeout time.Duration

	// Name is that of the instance or group. One fence command per name runs at a time.
	Name      string
	Interface string // of the instance on which the Active fell silent
	VRID      uint8
	// Active is the address of the Active that fell silent.
	Active netip.Addr
	Trace  event.Trace
}

// Env returns the environment variables for the command.
func (f *Fence) Env() []string {
	return []string{
		"RIPCORD_NAME=" + f.Name,
		"RIPCORD_INTERFACE=" + f.Interface,
		"RIPCORD_VRID=" + strconv.Itoa(int(f.VRID)),
		"RIPCORD_ACTIVE=" + f.Active.String(),
		"RIPCORD_TRACE=" + f.Trace.String(),
	}
}

// Request returns the request for the command.
func (f *Fence) Request() command.Request {
	timeout := f.Timeout
	if timeout <= 0 {
		timeout = DefaultFenceTimeout
	}
	return command.Request{
		ID:      command.ID{Kind: command.ForFence, Name: f.Name},
		Command: command.Command{Argv: f.Argv, User: f.User, Env: f.Env(), Timeout: timeout, KillGroup: true},
	}
}

// fencing is a fence command that waits for Run to start it.
type fencing struct {
	Fence
	done func(command.Result)
}

// Fence runs a fence command at once, whatever else runs. done is called with the result, from the
// goroutine that calls Run, unless Run ends first: nil in Result.Err means that the command
// succeeded. Fence returns an error while one with the same name runs: until done is called.
func (r *Runner) Fence(f Fence, done func(command.Result)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fenced[f.Name] {
		return fmt.Errorf("a fence command of %s still runs", f.Name)
	}
	r.fenced[f.Name] = true
	r.fences = append(r.fences, fencing{f, done})
	r.ring()
	return nil
}

// fence runs a fence command. After its timeout a command may take a while to end. Its result is
// reported after that, since the next command may follow at once.
func (r *Runner) fence(ctx context.Context, f fencing) {
	var ended command.Result
	r.programs.Run(ctx, f.Request(), func(result command.Result) { ended = result })
	r.send(ctx, func() {
		r.mu.Lock()
		delete(r.fenced, f.Name)
		r.mu.Unlock()
		f.done(ended)
	})
}
