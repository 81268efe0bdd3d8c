package addr

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ripcord/pkg/firewall"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/route"
)

// Leftovers removes what a dead daemon has left in a network namespace: it is found by its mark,
// without a configuration. A member that is nil is ignored.
type Leftovers struct {
	Kernel   Kernel
	Routes   route.Kernel
	Devices  macvlan.Kernel
	Firewall firewall.Kernel
}

// Removal is the result of Leftovers.Remove, in words.
type Removal struct {
	Removed  []string
	Restored []string // settings whose own value was restored
}

// Nothing reports whether nothing was left.
func (r Removal) Nothing() bool { return len(r.Removed)+len(r.Restored) == 0 }

// Remove removes all leftovers, and restores settings. The error names leftovers that cannot be
// removed; the others are removed all the same.
//
// The order follows the dependencies: rules before the tables to which they lead, routes before
// addresses, addresses before the links that bear them, and the firewall's table last, since it
// keeps addresses from answering.
func (l Leftovers) Remove() (done Removal, err error) {
	var errs []error
	for _, step := range []func(*Removal) error{l.removeRoutes, l.removeAddresses, l.removeDevices, l.removeTable} {
		errs = append(errs, step(&done))
	}
	return done, errors.Join(errs...)
}

func (l Leftovers) removeRoutes(done *Removal) error {
	if l.Routes == nil {
		return nil
	}
	all, err := l.Routes.List()
	if err != nil {
		return fmt.Errorf("could not list our routes and rules: %w", err)
	}
	slices.SortStableFunc(all, func(a, b route.Op) int { return order(a) - order(b) })
	var errs []error
	for i, err := range l.Routes.Remove(all) {
		if err != nil {
			errs = append(errs, fmt.Errorf("could not remove %s: %w", all[i], err))
			continue
		}
		done.Removed = append(done.Removed, all[i].String())
	}
	return errors.Join(errs...)
}

// order returns the position of a route or rule in the removal: rules first.
func order(op route.Op) int {
	if _, rule := op.Entry.(route.Rule); rule {
		return 0
	}
	return 1
}

func (l Leftovers) removeAddresses(done *Removal) error {
	if l.Kernel == nil {
		return nil
	}
	names := l.names()
	ours, err := l.marked()
	if err != nil {
		return err
	}
	if len(ours) == 0 {
		return l.restore(done)
	}
	unpromoted := l.promote(ours, names)
	failed := l.Kernel.RemoveBatch(ours)
	left, err := l.marked()
	if err != nil {
		return errors.Join(failed, err)
	}
	stands := func(op Op) bool {
		return slices.ContainsFunc(left, func(o Op) bool { return o.Index == op.Index && o.Prefix == op.Prefix })
	}
	var kept []string
	for _, op := range ours {
		what := op.Prefix.String()
		if name := names[op.Index]; name != "" {
			what += " on " + name
		}
		if stands(op) {
			kept = append(kept, what)
		} else {
			done.Removed = append(done.Removed, what)
		}
	}
	if len(kept) > 0 {
		if failed == nil {
			failed = errors.New("the kernel still lists it")
		}
		return fmt.Errorf("could not remove %s: %w", strings.Join(kept, ", "), failed)
	}
	return errors.Join(unpromoted, l.restore(done))
}

// restore restores the links' own promote_secondaries.
func (l Leftovers) restore(done *Removal) error {
	links, err := l.Kernel.RestoreSecondaries()
	for _, name := range links {
		done.Restored = append(done.Restored, "promote_secondaries of "+name)
	}
	return err
}

// promote makes sure that addresses of other programs are not removed with ours.
func (l Leftovers) promote(ours []Op, names map[int]string) error {
	var errs []error
	for index := range ipv4Links(ours) {
		if err := l.Kernel.PromoteSecondaries(index, names[index]); err != nil {
			errs = append(errs, fmt.Errorf("removing addresses of %s may have taken others of their subnet with them: %w", names[index], err))
		}
	}
	return errors.Join(errs...)
}

// ipv4Links returns the links of IPv4 addresses, by ifindex, with one address of each. It ignores
// an address that is its own subnet: no other can be removed with it.
func ipv4Links(ops []Op) map[int]Op {
	links := make(map[int]Op)
	for _, op := range ops {
		if _, known := links[op.Index]; !known && op.Prefix.Addr().Is4() && !op.Prefix.IsSingleIP() {
			links[op.Index] = op
		}
	}
	return links
}

// marked lists the addresses that bear our mark, the last of a subnet first: the kernel promotes
// another one for each primary address that is removed.
func (l Leftovers) marked() (ops []Op, err error) {
	all, err := l.Kernel.List()
	if err != nil {
		return nil, fmt.Errorf("could not list our addresses: %w", err)
	}
	for _, s := range slices.Backward(all) {
		if s.Marked {
			ops = append(ops, Op{Index: s.Index, Address: Address{Prefix: s.Prefix}})
		}
	}
	return ops, nil
}

// names returns the names of the links, for messages; empty if they cannot be listed.
func (l Leftovers) names() map[int]string {
	names := make(map[int]string)
	if l.Devices == nil {
		return names
	}
	links, _ := l.Devices.Links()
	for _, n := range links {
		names[n.Index] = n.Name
	}
	return names
}

func (l Leftovers) removeDevices(done *Removal) error {
	if l.Devices == nil {
		return nil
	}
	links, err := l.Devices.Links()
	if err != nil {
		return fmt.Errorf("could not list our links: %w", err)
	}
	var errs []error
	for _, n := range links {
		if !n.Ours {
			continue
		}
		if err := l.Devices.Remove(n.Index); err != nil {
			errs = append(errs, fmt.Errorf("could not remove the link %s: %w", n.Name, err))
			continue
		}
		done.Removed = append(done.Removed, "the link "+n.Name)
	}
	if err := l.Devices.Restore(nil); err != nil {
		errs = append(errs, fmt.Errorf("could not restore the settings of links: %w", err))
	}
	return errors.Join(errs...)
}

func (l Leftovers) removeTable(*Removal) error {
	if l.Firewall == nil {
		return nil
	}
	if err := l.Firewall.Drop(nil); !errors.Is(err, firewall.ErrNone) {
		return err
	}
	return nil
}
