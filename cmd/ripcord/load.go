package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"ripcord/pkg/config"
)

// configFile is the configuration file that a command names, and the way to read it.
type configFile struct {
	path, format, id string
	withoutLVS       bool
	elsewhere        bool   // the file is for another machine
	flag             string // the flag that names another file
}

// flags gives a command the flags of its configuration file.
func (s *configFile) flags(c *cobra.Command, usage string) {
	s.flag = "--config"
	c.Flags().StringVar(&s.path, "config", config.Path, usage)
	c.Flags().StringVar(&s.format, "format", "", "yaml or keepalived (default: keepalived if the path ends in .conf, otherwise yaml)")
	c.Flags().StringVar(&s.id, "id", "", "select lines with @ID in keepalived.conf (default: the host name)")
	c.Flags().BoolVar(&s.withoutLVS, "without-lvs", false, "another program does the load balancing of keepalived.conf, for example keepalived --check")
}

// options returns how to read the file, for the machine here; nil if the file is only checked.
func (s *configFile) options(here config.Machine) (config.Options, error) {
	o := config.Options{Here: here, Format: config.Format(s.format), ID: s.id, WithoutLVS: s.withoutLVS, Elsewhere: s.elsewhere, Flag: s.flag}
	if s.path == "" {
		return o, usage("the path of the configuration file is empty: give the path of a file")
	}
	switch o.Format {
	case config.ByName, config.YAML, config.Keepalived:
	default:
		return o, usage("--format %s: write yaml or keepalived", s.format)
	}
	if o.ID == "" {
		o.ID, _ = os.Hostname() // without a name, no line with @ID applies
	}
	return o, nil
}

// load reads the configuration. here are the addresses of the machine on which it is to run; nil if
// the file is only checked. load ends with ctx, since the file may be a pipe into which nobody
// writes, or take long to read.
func (s *configFile) load(ctx context.Context, here config.Machine) (*config.Config, error) {
	o, err := s.options(here)
	if err != nil {
		return nil, err
	}
	type loaded struct {
		cfg *config.Config
		err error
	}
	done := make(chan loaded, 1)
	go func() {
		cfg, err := config.Load(s.path, o)
		done <- loaded{cfg, err}
	}()
	var l loaded
	select {
	case l = <-done:
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // also if the file was read at the same moment
		return nil, fmt.Errorf("%w while %s was read", errInterrupted{context.Cause(ctx)}, s.path)
	}
	return l.cfg, l.err
}

// errInterrupted is the error of an operation that was abandoned because of a signal.
type errInterrupted struct{ cause error }

func (e errInterrupted) Error() string { return fmt.Sprintf("interrupted (%v)", e.cause) }
func (e errInterrupted) Unwrap() error { return e.cause }
