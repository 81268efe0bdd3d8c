package validate

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// stranger identifies one warning of an instance about another machine. It lasts as long as its
// cause, which only a person can correct.
type stranger struct {
	instance string
	reason   event.WarningReason
}

// sighting records when the machine was last heard, when it was last reported, and how long one
// advert keeps the warning in force.
type sighting struct {
	heard, reported time.Time
	lasts           time.Duration
	routers         []netip.Addr // that the last report named
}

// strangerReported is the minimum time until a machine that is still heard is reported again, so
// that not every advert makes a new text.
const strangerReported = time.Second

// strangers are the machines about which instances are warned.
type strangers struct {
	seen            map[stranger]sighting
	rejectedSenders map[string]*rejectedSenders // by instance
	warnings        *event.Warnings             // may be nil
	minter          *event.Minter
}

func newStrangers(minter *event.Minter) *strangers {
	return &strangers{seen: make(map[stranger]sighting), rejectedSenders: make(map[string]*rejectedSenders), minter: minter}
}

// report warns about packets that are no adverts of our virtual router, but whose sender would
// take its address, or lose its own to it. It reports whether it does.
func (s *strangers) report(p *Packet, ours *peer, source netip.Addr, err error, now time.Time) bool {
	switch {
	case err == wire.CARP:
		s.warn(p, ours, event.WarnCARP, now, func() (string, []netip.Addr) {
			return fmt.Sprintf("%s on %s speaks CARP with id %d, which has the protocol number and the MAC of VRID %d: "+
				"hosts cannot distinguish the two: give one of them another id", source, p.Interface, ours.VRID, ours.VRID), []netip.Addr{source}
		})
	case unusable(err):
		what := "without addresses"
		if err == wire.IntervalZero {
			what = "with interval 0"
		}
		s.warn(p, ours, event.WarnInvalidAdverts, now, func() (string, []netip.Addr) {
			return fmt.Sprintf("%s sends adverts of VRID %d on %s %s, so it is not known when it fails: they keep a Backup waiting: "+
				"correct the configuration of that router", source, ours.VRID, p.Interface, what), []netip.Addr{source}
		})
	default:
		return false
	}
	return true
}

// reportOtherAddresses warns about a router that has the VRID of an instance and none of its
// addresses.
func (s *strangers) reportOtherAddresses(p *Packet, ours *peer, ad *wire.Advert, heard *vrrp.Heard, now time.Time) {
	if ad.Priority != 0 && Disjoint(ad.Addresses, ours.Addresses) {
		s.warn(p, ours, event.WarnOtherAddresses, now, func() (string, []netip.Addr) {
			return fmt.Sprintf("%s advertises VRID %d on %s too, with priority %d and other addresses (%s): it is another virtual router, and "+
				"while it is heard with a priority as great as ours no router serves %s: give one of the two another VRID",
				heard.Source, ours.VRID, p.Interface, ad.Priority, list(ad.Addresses), list(ours.Addresses)), []netip.Addr{heard.Source}
		})
	}
}

// IsCARP reports whether a message that was rejected because of err is CARP: it has VRRP's
// protocol number and multicast group, and looks like an advert of VRRPv2 with 7 addresses that
// is too short. Its second byte is the id.
func IsCARP(err error, message []byte) bool {
	return (err == wire.PacketLengthError || err == wire.VersionError) &&
		len(message) == carpLen && message[0] == 0x21 && message[3] == carpAuthLen
}

// The length of a CARP message, and its value in the position of VRRP's address count.
const (
	carpLen     = 36
	carpAuthLen = 7
)

// warn reports that a machine was heard. describe returns what is wrong and what to do, and the
// routers that are the cause.
func (s *strangers) warn(p *Packet, ours *peer, reason event.WarningReason, now time.Time, describe func() (string, []netip.Addr)) {
	key := stranger{ours.Name, reason}
	seen, known := s.seen[key]
	seen.lasts = max(seen.lasts, forceOf(ours.Interval))
	if seen.heard = now; !known || now.Sub(seen.reported) >= strangerReported {
		var text string
		seen.reported = now
		text, seen.routers = describe()
		s.warnings.Report(event.Warning{
			Stamp:    event.Stamp{Cause: s.minter.Cause(p.At), At: now},
			Instance: ours.Name, Reason: reason, Routers: seen.routers, Text: text,
		})
	}
	s.seen[key] = seen
}

// forceOf returns how long one advert of a router with the given interval keeps a warning in
// force.
func forceOf(interval time.Duration) time.Duration { return max(3*rejectWindow, 3*interval) }

// forget clears the warnings about machines that have not been heard for a while.
func (s *strangers) forget(now time.Time) {
	for key, seen := range s.seen {
		if now.Sub(seen.heard) >= seen.lasts {
			s.end(key, now)
		}
	}
}

// keep drops the rejected senders of instances that are not in the list.
func (s *strangers) keep(instances []*vrrp.Instance) {
	maps.DeleteFunc(s.rejectedSenders, func(name string, _ *rejectedSenders) bool {
		return !slices.ContainsFunc(instances, func(in *vrrp.Instance) bool { return in.Name == name })
	})
}

// end clears a warning.
func (s *strangers) end(key stranger, now time.Time) {
	delete(s.seen, key)
	s.warnings.Clear(event.WarningKey{Instance: key.instance, Reason: key.reason}, event.Stamp{Cause: s.minter.Cause(now), At: now})
}

// next returns when the first warning may end; false if there is none.
func (s *strangers) next() (time.Time, bool) {
	var next deadline.Earliest
	for _, seen := range s.seen {
		next.Add(seen.heard.Add(seen.lasts))
	}
	return next.Get()
}
