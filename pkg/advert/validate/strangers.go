package validate

import (
	"fmt"
	"net/netip"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// stranger is what other machines do that needs a person, as long as they do it: one
// warning of an instance.
type stranger struct {
	peer   *peer
	reason event.WarningReason
}

// sighting records when a stranger was last heard, and reported as a warning.
type sighting struct{ heard, reported time.Time }

// strangerReported is the least time until a stranger that goes on is reported again, lest each of
// its adverts costs a sentence.
const strangerReported = time.Second

// strange reports those who send what is no advert of our virtual router, but whose
// address it would take, or which they would take from it.
func (a *Acceptor) strange(p *Packet, ours *peer, source netip.Addr, err error, incompatible bool, now time.Time) {
	if ours == nil {
		return
	}
	switch {
	case err == wire.CARP:
		a.warn(p, ours, event.WarnCARP, now, func() string {
			return fmt.Sprintf("%s on %s speaks CARP with id %d, which has the protocol number and the MAC of VRID %d: "+
				"hosts cannot tell the two apart: give one of them another id", source, p.Interface, ours.VRID, ours.VRID)
		})
	case unusable(err) && incompatible:
		what := "without addresses"
		if err == wire.IntervalZero {
			what = "with interval 0"
		}
		a.warn(p, ours, event.WarnInvalidAdverts, now, func() string {
			return fmt.Sprintf("%s sends adverts of VRID %d on %s %s, so that nobody can tell when it is gone: they hold a Backup back: "+
				"mend the configuration of that router", source, ours.VRID, p.Interface, what)
		})
	}
}

// isCARP reports whether what was rejected for err is CARP's: it has VRRP's protocol
// number and group, and looks like an advert of VRRPv2 with 7 addresses that is too
// short. Its second byte is the id.
func isCARP(err error, message []byte) bool {
	return (err == wire.PacketLengthError || err == wire.VersionError) &&
		len(message) == carpLen && message[0] == 0x21 && message[3] == carpAuthLen
}

// The length of a message of CARP, and what stands in the place of VRRP's count.
const (
	carpLen     = 36
	carpAuthLen = 7
)

// warn reports that a stranger was heard; text says what is wrong and what to do.
func (a *Acceptor) warn(p *Packet, ours *peer, reason event.WarningReason, now time.Time, text func() string) {
	key := stranger{ours, reason}
	s, known := a.strangers[key]
	if s.heard = now; !known || now.Sub(s.reported) >= strangerReported {
		s.reported = now
		a.warnings.Report(event.Warning{
			Stamp:    event.Stamp{Cause: a.minter.Cause(p.At), At: now},
			Instance: ours.Name, Reason: reason, Text: text(),
		})
	}
	a.strangers[key] = s
}

// lasts returns for how long one advert of a stranger stands for more.
func (s stranger) lasts() time.Duration { return max(3*rejectWindow, 3*s.peer.Interval) }

// forgetStrangers takes back the warnings of those who have not been heard for a while.
func (a *Acceptor) forgetStrangers(now time.Time) {
	for s, seen := range a.strangers {
		if now.Sub(seen.heard) < s.lasts() {
			continue
		}
		delete(a.strangers, s)
		a.warnings.Clear(event.WarningKey{Instance: s.peer.Name, Reason: s.reason},
			event.Stamp{Cause: a.minter.Cause(now), At: now})
	}
}

// nextStranger returns when the first of them may be forgotten; false if there is none.
func (a *Acceptor) nextStranger() (time.Time, bool) {
	var next deadline.Earliest
	for s, seen := range a.strangers {
		next.Add(seen.heard.Add(s.lasts()))
	}
	return next.Get()
}
