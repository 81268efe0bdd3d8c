package validate

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/ratelimit"
	"ripcord/pkg/stats"
	"ripcord/pkg/wire"
)

// rejection identifies the adverts that one line of the log counts. If there are too many of
// them, it stands for all sources and VRIDs on the link: the source is unspecified.
type rejection struct {
	link   string
	source netip.Addr
	vrid   uint8
	reason wire.Reason
	name   string // our instance, where the VRID is ours
}

// Bounds of the log and of the memory.
const (
	rejectWindow = 10 * time.Second
	spareKeys    = 128 // what is told apart, whoever sends it
	keysEach     = 4   // and for each instance
)

// rejections counts the adverts that are not believed, and logs them at a limited rate.
type rejections struct {
	limiter *ratelimit.Limiter[rejection]
	unknown *stats.Counters // of adverts that are for no instance of ours
}

func newRejections(keys int, unknown *stats.Counters) *rejections {
	many := func(r rejection) rejection {
		return rejection{link: r.link, source: nobody(event.FamilyOf(r.source)), reason: r.reason}
	}
	return &rejections{limiter: ratelimit.New(rejectWindow, keys, many), unknown: unknown}
}

// reject counts an advert that is rejected for err, and adds the event if one is due.
func (r *rejections) reject(events []event.Event, p *Packet, source netip.Addr, vrid uint8, ours *peer, err error, now time.Time) []event.Event {
	reason := reasonOf(err)
	key := rejection{link: p.Interface, source: source, vrid: vrid, reason: reason}
	counters := r.unknown
	if ours != nil {
		counters, key.name = ours.stats, ours.Name
	}
	counters.Add(stats.ByReason(reason))
	if !key.source.IsValid() { // a header that could not be read
		key.source = netip.IPv4Unspecified()
	}
	if key, count, pass := r.limiter.Hit(now, key, 1); pass {
		events = append(events, rejected(key, count, now))
	}
	return events
}

// reasonOf returns the reason that an error of the checks is.
func reasonOf(err error) wire.Reason {
	if reason, ok := err.(wire.Reason); ok { // not errors.As, which allocates in a flood
		return reason
	}
	return wire.PacketLengthError
}

func rejected(r rejection, count uint64, now time.Time) event.Event {
	return event.AdvertRejected{
		Stamp: event.Stamp{At: now}, Instance: r.name, Interface: r.link, VRID: r.vrid,
		Source: r.source, Reason: string(r.reason), Count: count,
	}
}

// Flooded returns the event for adverts that the kernel dropped in a flood.
func Flooded(link string, f event.Family, count uint64, now time.Time) event.Event {
	return rejected(rejection{link: link, source: nobody(f), reason: wire.Flood}, count, now)
}

// nobody stands for many senders of a family.
func nobody(f event.Family) netip.Addr {
	if f == event.IPv6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}
