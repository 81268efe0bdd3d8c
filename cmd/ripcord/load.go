package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"ripcord/pkg/config"
)

// load reads the configuration, which is to be run on the machine here; nil if it is
// only checked. It is given up when ctx ends: a file may be a pipe into which nobody
// writes, or take long.
func load(ctx context.Context, path string, here config.Machine) (*config.Config, error) {
	type loaded struct {
		cfg *config.Config
		err error
	}
	done := make(chan loaded, 1)
	go func() {
		cfg, err := config.Load(path, here)
		done <- loaded{cfg, err}
	}()
	select {
	case l := <-done:
		return l.cfg, l.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w while %s was read", errInterrupted{context.Cause(ctx)}, path)
	}
}

// machine returns the addresses of this machine. What cannot be read of them is left
// out: the daemon finds it out again while it runs.
func machine() config.Machine {
	here := config.Machine{}
	links, _ := net.Interfaces()
	for _, link := range links {
		addresses, _ := link.Addrs()
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					here[link.Name] = append(here[link.Name], ip.Unmap())
				}
			}
		}
	}
	return here
}

// errInterrupted is the error of what was given up because the command was told to end.
type errInterrupted struct{ cause error }

func (e errInterrupted) Error() string { return fmt.Sprintf("interrupted (%v)", e.cause) }
func (e errInterrupted) Unwrap() error { return e.cause }
