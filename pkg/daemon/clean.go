package daemon

import (
	"errors"
	"fmt"

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
	return done, errors.Join(errors.Join(errs...), err)
}
