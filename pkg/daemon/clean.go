package daemon

import (
	"errors"
	"fmt"
	"time"

	"ripcord/pkg/addr"
	"ripcord/pkg/firewall"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/route"
)

// Clean removes what a dead daemon left in the network namespace, and returns what it removed. It
// needs no configuration, since all of it bears our mark; dir is Options.Dir. While a daemon runs
// it returns ErrRunning and removes nothing.
func Clean(dir string) (done addr.Removal, err error) {
	lock, err := AcquireLock(dir)
	if err != nil {
		return done, err
	}
	defer lock.Close()

	var left addr.Leftovers
	var errs []error
	// If one part cannot be opened, the others are removed all the same.
	if kernel, err := addr.OpenKernel(record(dir)); err != nil {
		errs = append(errs, fmt.Errorf("cannot remove addresses: %w", err))
	} else {
		defer kernel.Close()
		left.Kernel = kernel
	}
	if routes, err := route.OpenKernel(); err != nil {
		errs = append(errs, fmt.Errorf("cannot remove routes: %w", err))
	} else {
		defer routes.Close()
		left.Routes = routes
	}
	if devices, err := macvlan.OpenKernel(); err != nil {
		errs = append(errs, fmt.Errorf("cannot remove links for virtual MACs: %w", err))
	} else {
		defer devices.Close()
		left.Devices = devices
	}
	if filter, err := firewall.OpenKernel(); err == nil { // a machine without nftables holds nothing of ours there
		defer filter.Close()
		left.Firewall = filter
	}
	done, err = left.Remove()
	return done, errors.Join(errors.Join(errs...), err, sweepOnce(dir, time.Now()))
}

// leftWithin is how long the kernel may take to list what is left.
const leftWithin = time.Second

// left describes how many of our addresses are in the network namespace. It uses a connection of its
// own, since the one of the address worker may be blocked.
func left(dir string) string {
	counted := make(chan string, 1)
	go func() {
		n, err := count(dir)
		if err != nil {
			counted <- fmt.Sprintf("the addresses that are left cannot be listed: %v", err)
		} else {
			counted <- fmt.Sprintf("addresses left on this machine: %d", n)
		}
	}()
	select {
	case text := <-counted:
		return text
	case <-time.After(leftWithin):
		return "the kernel does not list which addresses are left"
	}
}

// count returns how many of our addresses are in the network namespace.
func count(dir string) (n int, err error) {
	kernel, err := addr.OpenKernel(record(dir))
	if err != nil {
		return 0, err
	}
	defer kernel.Close()
	all, err := kernel.List()
	for _, a := range all {
		if a.Marked {
			n++
		}
	}
	return n, err
}
