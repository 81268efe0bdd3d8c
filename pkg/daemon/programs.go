package daemon

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"

	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/notify"
	"ripcord/pkg/runner"
	"ripcord/pkg/track"
)

// programs runs the programs of the configuration: in `ripcord runner`, or as children of this
// process.
type programs interface {
	notify.Programs
	// Keep keeps the connection to ripcord runner, if there is one, until ctx ends.
	Keep(ctx context.Context) error
	// Reload switches to the programs of a configuration whose table has that revision.
	Reload(ctx context.Context, revision string) error
	// Processes returns a directory of all processes if /proc hides some from the daemon.
	Processes(ctx context.Context) (*os.File, error)
	// Hold makes another process, if there is one, keep copies of some files open until this one has
	// ended. It closes the files at the end.
	Hold(ctx context.Context, files []*os.File)
}

// ownPrograms runs the programs as children of this process.
type ownPrograms struct {
	command.Local
	config *atomic.Pointer[config.Config] // the configuration in force
}

// Keep implements programs.
func (ownPrograms) Keep(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Reload implements programs.
func (ownPrograms) Reload(context.Context, string) error { return nil }

// MakeFIFO implements programs.
func (o ownPrograms) MakeFIFO(context.Context) error {
	c := o.config.Load()
	settings, err := notifySettingsOf(c)
	if err != nil {
		return err
	}
	return notify.MakeFIFO(c.FIFO, settings.fifo, os.Geteuid())
}

// Processes implements programs. No other process shows this one the processes that it cannot see.
func (ownPrograms) Processes(context.Context) (*os.File, error) {
	return nil, errors.New("it was not started")
}

// Hold implements programs. No other process can hold anything.
func (ownPrograms) Hold(_ context.Context, files []*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}

// Status implements programs.
func (o ownPrograms) Status() runner.Status { return runner.Status{Ready: true, PID: os.Getpid()} }

// Programs returns the programs of a configuration by their names, as they run on this machine. The
// daemon and its runner make the same table from the same configuration.
func Programs(c *config.Config) (*runner.Table, error) {
	checks, err := checkSpecs(c)
	if err != nil {
		return nil, err
	}
	settings, err := notifySettingsOf(c)
	if err != nil {
		return nil, err
	}
	var all []runner.Program
	processes := slices.ContainsFunc(checks, func(s track.Spec) bool { _, counts := s.Probe.(track.Process); return counts })
	add := func(r command.Request) { all = append(all, runner.Program{ID: r.ID, Command: r.Command}) }
	for i := range checks {
		if probe, ok := checks[i].Probe.(track.Command); ok {
			add(probe.Request(checks[i].Name, checks[i].EffectiveTimeout()))
		}
	}
	for _, r := range settings.Requests() {
		add(r)
	}
	for i := range c.Groups {
		if g := &c.Groups[i]; g.Fence != nil {
			add((&notify.Fence{Argv: g.Fence.Argv, User: settings.user, Timeout: g.Fence.Timeout, Name: g.Title()}).Request())
		}
	}
	if len(c.FIFOReader.Argv) > 0 && c.FIFO != "" {
		add(notify.ReaderRequest(c.FIFOReader.Argv, settings.reader, c.FIFO))
	}
	once, err := programRequests(c, settings.user)
	if err != nil {
		return nil, err
	}
	for _, r := range once {
		add(r)
	}
	table := runner.NewTable(all, processes)
	if c.FIFO != "" {
		table.MakeFIFO = func(writer int) error { return notify.MakeFIFO(c.FIFO, settings.fifo, writer) }
	}
	return table, nil
}
