package validate

import (
	"net/netip"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/ratelimit"
	"ripcord/pkg/stats"
	"ripcord/pkg/wire"
)

// rejection identifies the adverts that one line of the log counts. If there are too many kinds,
// one rejection stands for all sources and VRIDs on the link: its source is unspecified.
type rejection struct {
	link   string
	source netip.Addr
	vrid   uint8
	reason wire.Reason
	name   string // our instance, if the VRID is ours
}

// These constants bound the log and the memory.
const (
	rejectWindow = 10 * time.Second
	spareKeys    = 128 // distinct rejections, whatever their senders
	keysEach     = 4   // additional ones for each instance
)

// rejections counts the rejected adverts, and logs them at a limited rate.
type rejections struct {
	limiter *ratelimit.Limiter[rejection]
	unknown *stats.Counters // of adverts for none of our instances
}

func newRejections(keys int, unknown *stats.Counters) *rejections {
	many := func(r rejection) rejection {
		return rejection{link: r.link, source: unspecified(event.FamilyOf(r.source)), reason: r.reason}
	}
	return &rejections{limiter: ratelimit.New(rejectWindow, keys, many), unknown: unknown}
}

// reject counts an advert that is rejected because of err, and adds the event if one is due.
func (r *rejections) reject(events []event.Event, p *Packet, source netip.Addr, vrid uint8, ours *peer, err error, now time.Time) []event.Event {
	reason := reasonOf(err)
	key := rejection{link: p.Interface, source: source, vrid: vrid, reason: reason}
	counters := r.unknown
	if ours != nil {
		counters, key.name = ours.stats, ours.Name
	}
	counters.Add(stats.ByReason(reason))
	if !key.source.IsValid() { // a packet whose header could not be read
		key.source = netip.IPv4Unspecified()
	}
	if key, count, pass := r.limiter.Hit(now, key, 1); pass {
		events = append(events, rejected(key, count, now))
	}
	return events
}

// reasonOf returns the reason for an error of the checks.
func reasonOf(err error) wire.Reason {
	if reason, ok := err.(wire.Reason); ok { // not errors.As, which allocates memory, in a flood too
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
	return rejected(rejection{link: link, source: unspecified(f), reason: wire.Flood}, count, now)
}

// unspecified returns the unspecified address of a family, which stands for many senders.
func unspecified(f event.Family) netip.Addr {
	if f == event.IPv6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}
