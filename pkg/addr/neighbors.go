package addr

import (
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/macvlan"
	"ripcord/pkg/neigh"
	"ripcord/pkg/vrrp"
)

// maxAdverts is the number of adverts that are kept until pkg/neigh takes them, every few seconds:
// of more than that the last ones are kept, since they show which routers are present.
const maxAdverts = 1024

// newMonitor returns the Monitor of the stations on the links of a worker, and subscribes it to the
// adverts.
func newMonitor(w *Worker) *neigh.Monitor {
	heard := bus.SubscribeRing(w.cfg.Heard, bus.NewBell(), maxAdverts) // this bell is not used
	var adverts []neigh.Advert                                         // of the last call
	return neigh.NewMonitor(neigh.Config{
		Sets: neighborSets(w.cfg.Sets), Sender: w.cfg.Sender, Wake: w.Wake,
		Adverts: func() []neigh.Advert {
			all, _ := heard.Take()
			adverts = adverts[:0]
			for _, h := range all {
				adverts = append(adverts, neigh.Advert{Instance: h.Instance, Source: h.Source, At: h.Cause.At})
			}
			return adverts
		},
		Forwards: func(link string, at time.Time) {
			w.cfg.Results.Publish(vrrp.Forwards{Cause: w.cfg.Minter.Cause(at), Interface: link})
		},
		Setting: w.cfg.Setting, Warnings: w.cfg.Warnings, Minter: w.cfg.Minter,
	})
}

// neighborSets returns the parts of sets that pkg/neigh needs.
func neighborSets(sets []Set) []neigh.Set {
	all := make([]neigh.Set, 0, len(sets)) // without spare capacity, since it is kept
	for _, s := range sets {
		if s.Static {
			continue
		}
		set := neigh.Set{
			Instance: s.Instance, Link: s.Link, Group: s.Group, Owner: s.Owner, Addresses: make([]neigh.Address, 0, len(s.Addresses)),
		}
		if s.Device != nil {
			set.MAC = s.Device.MAC
		}
		for _, a := range s.Addresses {
			address := neigh.Address{Addr: a.Prefix.Addr(), Link: a.Interface}
			if s.Device != nil && a.Interface == "" {
				address.Link, address.Virtual = s.Link, true
			}
			set.Addresses = append(set.Addresses, address)
		}
		all = append(all, set)
	}
	return all
}

// holdings gives pkg/neigh the state of a worker.
type holdings struct {
	ledger   *ledger
	macvlans *macvlan.Holder
}

var _ neigh.Holdings = (*holdings)(nil)

// Held returns the instances that are held, in the order of their orders.
func (h *holdings) Held() []string {
	if !h.ledger.holds(StaticName) {
		return h.ledger.order
	}
	return slices.DeleteFunc(slices.Clone(h.ledger.order), func(name string) bool { return name == StaticName })
}

// Holds reports whether an instance is held.
func (h *holdings) Holds(instance string) bool { return h.ledger.holds(instance) }

// InPlace reports whether the n-th address of an instance is held and in place.
func (h *holdings) InPlace(instance string, n int) bool { return h.ledger.stands(instance, n) }

// Devices yields the macvlan of each instance that has a virtual MAC.
func (h *holdings) Devices(yield func(instance string, device event.Link) bool) {
	for v := range h.macvlans.Each {
		if !yield(v.Instance, v.Link) {
			return
		}
	}
}

// Strays returns the configured addresses that have no mark.
func (h *holdings) Strays() map[netip.Addr]neigh.Stray { return h.ledger.strays }
