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

// stranger identifies one warning of an instance about another machine: it stands as long as
// that goes on, and only a person can end it.
type stranger struct {
	instance string
	reason   event.WarningReason
}

// sighting records when a stranger was last heard, and reported as a warning, and for how long one
// advert of it stands for more.
type sighting struct {
	heard, reported time.Time
	lasts           time.Duration
}

// strangerReported is the least time until a stranger that goes on is reported again, lest each of
// its adverts costs a sentence.
const strangerReported = time.Second

// strangers are the routers of which instances are warned.
type strangers struct {
	seen       map[stranger]sighting
	unbelieved map[string]*unbelieved // by instance
	warnings   *event.Warnings        // may be nil
	minter     *event.Minter
}

func newStrangers(minter *event.Minter) *strangers {
	return &strangers{seen: make(map[stranger]sighting), unbelieved: make(map[string]*unbelieved), minter: minter}
}

// report warns of those who send what is no advert of our virtual router, but whose address it
// would take, or which they would take from it. It reports whether it does.
func (s *strangers) report(p *Packet, ours *peer, source netip.Addr, err error, now time.Time) bool {
	switch {
	case err == wire.CARP:
		s.warn(p, ours, event.WarnCARP, now, func() string {
			return fmt.Sprintf("%s on %s speaks CARP with id %d, which has the protocol number and the MAC of VRID %d: "+
				"hosts cannot tell the two apart: give one of them another id", source, p.Interface, ours.VRID, ours.VRID)
		})
	case unusable(err):
		what := "without addresses"
		if err == wire.IntervalZero {
			what = "with interval 0"
		}
		s.warn(p, ours, event.WarnInvalidAdverts, now, func() string {
			return fmt.Sprintf("%s sends adverts of VRID %d on %s %s, so that nobody can tell when it is gone: they hold a Backup back: "+
				"mend the configuration of that router", source, ours.VRID, p.Interface, what)
		})
	default:
		return false
	}
	return true
}

// reportOtherAddresses warns of a router that shares the VRID of an instance and none of its
// addresses.
func (s *strangers) reportOtherAddresses(p *Packet, ours *peer, ad *wire.Advert, heard *vrrp.Heard, now time.Time) {
	if ad.Priority != 0 && Disjoint(ad.Addresses, ours.Addresses) {
		s.warn(p, ours, event.WarnOtherAddresses, now, func() string {
			return fmt.Sprintf("%s advertises VRID %d on %s too, with priority %d and other addresses (%s): it is another virtual router, and "+
				"while it is heard with a priority as great as ours nobody serves %s: give one of the two another VRID",
				heard.Source, ours.VRID, p.Interface, ad.Priority, list(ad.Addresses), list(ours.Addresses))
		})
	}
}

// IsCARP reports whether what was rejected for err is CARP's: it has VRRP's protocol
// number and group, and looks like an advert of VRRPv2 with 7 addresses that is too
// short. Its second byte is the id.
func IsCARP(err error, message []byte) bool {
	return (err == wire.PacketLengthError || err == wire.VersionError) &&
		len(message) == carpLen && message[0] == 0x21 && message[3] == carpAuthLen
}

// The length of a message of CARP, and what stands in the place of VRRP's count.
const (
	carpLen     = 36
	carpAuthLen = 7
)

// warn reports that a stranger was heard; text says what is wrong and what to do.
func (s *strangers) warn(p *Packet, ours *peer, reason event.WarningReason, now time.Time, text func() string) {
	key := stranger{ours.Name, reason}
	seen, known := s.seen[key]
	seen.lasts = max(seen.lasts, lasts(ours.Interval))
	if seen.heard = now; !known || now.Sub(seen.reported) >= strangerReported {
		seen.reported = now
		s.warnings.Report(event.Warning{
			Stamp:    event.Stamp{Cause: s.minter.Cause(p.At), At: now},
			Instance: ours.Name, Reason: reason, Text: text(),
		})
	}
	s.seen[key] = seen
}

// lasts returns for how long one advert of a router that has the interval stands for more.
func lasts(interval time.Duration) time.Duration { return max(3*rejectWindow, 3*interval) }

// forget takes back the warnings of those who have not been heard for a while.
func (s *strangers) forget(now time.Time) {
	for key, seen := range s.seen {
		if now.Sub(seen.heard) >= seen.lasts {
			s.end(key, now)
		}
	}
}

// keep forgets whose adverts were rejected by instances that are not among these.
func (s *strangers) keep(instances []*vrrp.Instance) {
	maps.DeleteFunc(s.unbelieved, func(name string, _ *unbelieved) bool {
		return !slices.ContainsFunc(instances, func(in *vrrp.Instance) bool { return in.Name == name })
	})
}

// end takes back a warning.
func (s *strangers) end(key stranger, now time.Time) {
	delete(s.seen, key)
	s.warnings.Clear(event.WarningKey{Instance: key.instance, Reason: key.reason}, event.Stamp{Cause: s.minter.Cause(now), At: now})
}

// next returns when the first of them may be forgotten; false if there is none.
func (s *strangers) next() (time.Time, bool) {
	var next deadline.Earliest
	for _, seen := range s.seen {
		next.Add(seen.heard.Add(seen.lasts))
	}
	return next.Get()
}
