package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/event"
)

// Options are what a daemon is made of, beside its configuration.
type Options struct {
	Config  *config.Config
	Version string
	// Output takes the log, one JSON object a line.
	Output io.Writer
	// Memory, if set, tells whether memory is locked, which is the program's to do.
	Memory *event.DaemonMemory
	// Listener, if set, is the control socket that somebody else opened.
	Listener net.Listener
	// Signals, if set, are requests: SIGHUP for a reload, SIGUSR1 for the status
	// in the log.
	Signals <-chan os.Signal
	// Record is the file that remembers our addresses where the kernel cannot
	// mark them (before Linux 5.18).
	Record string
	// OnTurn, if set, is called at each turn of the loop: a test blocks it there.
	OnTurn func()
}

// Run is the daemon: it returns when ctx has ended, everything is resigned and
// every address is given up; or with an error that says which part failed.
func Run(ctx context.Context, o Options) error {
	p, err := build(o)
	if err != nil {
		return err
	}
	defer p.close()
	ctx, broken := context.WithCancel(ctx)
	defer broken()

	// The flow of facts, from the left: links and adverts come in, the router
	// decides, engine and addresses carry out, the log tells. They are started so
	// that each finds what it needs, and stopped so that nothing is lost.
	log := stage{"log": p.log.Run, "metrics": p.metrics.Run, "memory": tidy}.start(broken)
	p.events.Publish(loaded(o.Config))
	if o.Memory != nil {
		p.events.Publish(*o.Memory)
	}
	hands := stage{"adverts": p.engine.Run, "addresses": p.worker.Run}.start(broken)
	senses := stage{"links": p.monitor.Run, "receiver": p.receiver.Run}.start(broken)

	err = p.serve(ctx, o, broken)

	err = errors.Join(err, senses.stop(), hands.stop())
	p.events.Publish(p.event(event.DaemonStopped))
	return errors.Join(err, log.stop())
}

// serve runs what needs all others, the router and the control socket, until
// ctx ends.
func (p *parts) serve(ctx context.Context, o Options, broken func()) error {
	select {
	case <-p.monitor.Ready():
	case <-ctx.Done():
		return nil
	}
	brain := stage{"router": p.router.Run}.start(broken)
	desk := stage{"control": p.control.Run}.start(broken)
	p.events.Publish(p.event(event.DaemonReady))
	tell("READY=1")

	p.wait(ctx, o)

	tell("STOPPING=1")
	p.events.Publish(p.event(event.DaemonStopping))
	return errors.Join(brain.stop(), desk.stop())
}

// wait waits until ctx ends, and answers requests.
func (p *parts) wait(ctx context.Context, o Options) {
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-o.Signals:
			p.events.Publish(p.answer(sig, o))
		}
	}
}

func (p *parts) answer(sig os.Signal, o Options) event.Event {
	stamp := event.Stamp{At: time.Now()}
	if sig == syscall.SIGUSR1 {
		return event.DaemonStatus{Stamp: stamp, Document: p.control.Status()}
	}
	return event.ConfigRejected{
		Stamp: stamp, File: o.Config.File,
		Errors: []string{"reloading is not supported yet: restart ripcord to load the file"},
	}
}

func (p *parts) event(kind event.DaemonKind) event.Event {
	return event.Daemon{
		Stamp: event.Stamp{At: time.Now()}, Kind: kind, Version: p.version, PID: os.Getpid(), Instances: len(p.stats),
	}
}

func loaded(c *config.Config) event.Event {
	e := event.ConfigLoaded{Stamp: event.Stamp{At: time.Now()}, File: c.File}
	for _, g := range c.Groups {
		e.Instances += len(g.Members)
		if g.Name != "" {
			e.Groups++
		}
	}
	return e
}

// part names a part in its error, unless it does so itself.
func part(name string, err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return nil
	case strings.HasPrefix(err.Error(), name+": "):
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}
