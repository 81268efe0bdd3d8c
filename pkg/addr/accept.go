package addr

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/firewall"
)

// acceptance keeps instances with `accept: false` from accepting packets for their addresses (RFC
// 9568 §6.1, Accept_Mode): such packets are dropped from before the addresses are added until after
// they are removed.
type acceptance struct {
	*firewall.Filter
	cfg    *Config
	ledger *ledger
}

func newAcceptance(cfg *Config, l *ledger) acceptance {
	return acceptance{firewall.NewFilter(cfg.Firewall, cfg.Now), cfg, l}
}

// someRefuse reports whether any instance has `accept: false`.
func someRefuse(sets []Set) bool {
	return slices.ContainsFunc(sets, func(s Set) bool { return s.Refuse })
}

// start removes the table of an earlier run. It returns an error if the firewall cannot be
// programmed although instances need it: that an address answers although it should not must not be
// found out later.
func (a acceptance) start() error {
	err := a.Err()
	if len(a.destinations()) == 0 { // otherwise our new table has replaced the old one
		err = a.Clear()
	}
	switch {
	case err == nil:
	case someRefuse(a.cfg.Sets):
		return fmt.Errorf("accept: false needs nftables: %w", err)
	case !errors.Is(err, firewall.ErrNone):
		for i := range a.cfg.Sets {
			a.warn(&a.cfg.Sets[i], a.cfg.Minter.Cause(a.cfg.Now()), fmt.Sprintf("if an earlier run had accept: false, its nftables table still drops packets for the addresses: look with nft list table inet ripcord, and delete it: %v", err))
		}
	}
	return nil
}

// destinations lists the addresses that accept nothing, of all instances that are held or whose
// addresses are not yet gone.
func (a acceptance) destinations() (all []firewall.Destination) {
	for _, h := range a.ledger.held {
		for _, address := range h.set.Addresses {
			if h.set.Refuse {
				all = append(all, a.ledger.destination(address))
			}
		}
	}
	for _, g := range a.ledger.leaving {
		for _, key := range g.keys {
			if d, refused := g.refused[key]; refused {
				all = append(all, d)
			}
		}
	}
	return firewall.Distinct(all)
}

// refuse makes the firewall drop all packets for the addresses of held instances that must accept
// nothing from now on. If the firewall cannot be programmed, the addresses are removed until it
// can: no address is better than one that answers.
func (a acceptance) refuse(at time.Time, cause event.Cause, instances []string) {
	if len(instances) == 0 {
		return
	}
	if out := a.Require(a.destinations()); a.Err() == nil {
		a.report(out)
		return
	}
	for _, name := range instances {
		h := a.ledger.held[name]
		a.ledger.replaceAll(at, cause, h.set, slices.DeleteFunc(slices.Clone(h.entries), func(e *entry) bool {
			return a.Drops(a.ledger.destination(e.Address))
		}))
	}
}

// forget ends the warning of an instance that is gone, or that may accept everything again.
func (a acceptance) forget(instance string, cause event.Cause) {
	a.cfg.Warnings.Clear(event.WarningKey{Instance: instance, Reason: event.WarnFirewall}, event.Stamp{Cause: cause, At: a.cfg.Now()})
}

// beforeAdding drops packets for all destinations; afterRemoving stops dropping packets for others.
func (a acceptance) beforeAdding()  { a.report(a.Require(a.destinations())) }
func (a acceptance) afterRemoving() { a.report(a.Limit(a.destinations())) }

// left lists what may still be in the firewall.
func (a acceptance) left() []string {
	if !a.Left() {
		return nil
	}
	return []string{fmt.Sprintf("the nftables table inet ripcord (%v)", a.Err())}
}

// withhold removes from ops the addresses that may not be added while the firewall does not drop
// packets for them: no address is better than one that answers.
func (a acceptance) withhold(ops []Op) (allowed, withheld []Op) {
	if a.Err() == nil {
		return ops, nil
	}
	all := a.destinations()
	for _, op := range ops {
		open := func(d firewall.Destination) bool { return d.Addr == op.Prefix.Addr() && !a.Drops(d) }
		if slices.ContainsFunc(all, open) {
			withheld = append(withheld, op)
		} else {
			allowed = append(allowed, op)
		}
	}
	return allowed, withheld
}

// reason returns the reason why addresses are withheld.
func (a acceptance) reason() error {
	return fmt.Errorf("accept is false, and the firewall could not be programmed to drop packets for the address: %w", a.Err())
}

// report publishes a warning for each instance whose addresses are in place and should accept
// nothing, and ends the warnings of instances for which the firewall works again.
func (a acceptance) report(out firewall.Outcome) {
	for _, name := range a.ledger.order {
		if h := a.ledger.held[name]; out.Warning != "" && h.set.Refuse && a.ledger.complete(name) {
			a.warn(h.set, h.cause, out.Warning)
		}
	}
	if !out.Mended {
		return
	}
	for _, s := range a.cfg.Sets {
		a.cfg.Warnings.Clear(event.WarningKey{Instance: s.Instance, Reason: event.WarnFirewall}, event.Stamp{At: a.cfg.Now()})
	}
}

func (a acceptance) warn(set *Set, cause event.Cause, text string) {
	stamp := event.Stamp{Cause: cause, At: a.cfg.Now()}
	failed := event.AddressMoved{Stamp: stamp, Kind: event.AddressFailed, Instance: set.Instance, Err: text}
	for _, address := range set.Addresses {
		failed.Addresses = append(failed.Addresses, address.Prefix)
	}
	a.cfg.Warnings.ReportAs(event.Warning{Stamp: stamp, Instance: set.Instance, Reason: event.WarnFirewall, Text: text}, failed)
}
