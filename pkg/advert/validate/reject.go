package validate

import (
	"net/netip"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/wire"
)

// rejection identifies the adverts that one line of the log counts. Where there are too many of them, it
// stands for all sources and VRIDs on the link: the source is unspecified.
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

func (a *Acceptor) reject(p *Packet, source netip.Addr, ours *peer, err error, now time.Time) {
	reason, ok := err.(wire.Reason) // not errors.As, which allocates in a flood
	if !ok {
		reason = wire.PacketLengthError
	}
	key := rejection{link: p.Interface, source: source, vrid: a.advert.VRID, reason: reason}
	counters := a.unknown
	if ours != nil {
		counters, key.name = ours.stats, ours.Name
	}
	counters.Add(stats.ByReason(reason))
	if !key.source.IsValid() { // a header that could not be read
		key.source = netip.IPv4Unspecified()
	}
	if key, count, pass := a.rejections.Hit(now, key, 1); pass {
		a.events = append(a.events, rejected(key, count, now))
	}
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

// Flush returns what was held back to keep the log short and is due to be told
// at now; with all, what is not due too. It is valid until the next call.
func (a *Acceptor) Flush(now time.Time, all bool) []event.Event {
	a.events = a.events[:0]
	a.rejections.Flush(now, all, func(r rejection, count uint64) {
		a.events = append(a.events, rejected(r, count, now))
	})
	a.forgetStrangers(now)
	return a.events
}

// Next returns the instant at which Flush will have events; false where none wait.
func (a *Acceptor) Next() (time.Time, bool) {
	var next deadline.Earliest
	next.AddIf(a.rejections.Next())
	next.AddIf(a.nextStranger())
	return next.Get()
}
