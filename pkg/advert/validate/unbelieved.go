package validate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// A router whose adverts are rejected takes itself for the Active. Neither router believes the
// other, as a rule, so neither yields: there are two Actives, or there will be. Each rejected
// advert is counted, but a line of the log in ten seconds does not show that this goes on. So a
// router of which several adverts in a row were rejected is a warning of the instance, until an
// advert of it is believed, or none comes any more.

// unbelieved are the routers that advertise a virtual router of ours and whose adverts are
// rejected. Their number is bounded, whatever strangers send.
type unbelieved struct {
	senders []unbelievedSender
	// crowd stands for all others, once there are unbelievedMost senders.
	crowd unbelievedSender
}

// unbelievedSender is a router of which the last adverts were all rejected.
type unbelievedSender struct {
	source netip.Addr
	count  int       // of the adverts
	heard  time.Time // when the last of them came
	lasts  time.Duration
	// The rest is as it was at the instant described: why an advert was rejected, in what its
	// sender differs from this router, as the rest of a sentence, and what to do.
	described time.Time
	reason    wire.Reason
	what      string
	remedy    string
}

const (
	// unbelievedLeast is how many adverts in a row have to be rejected: one may be damaged on its
	// way, or sent while somebody configures one router after the other.
	unbelievedLeast = 3
	// unbelievedMost is how many routers a warning names.
	unbelievedMost = 4
)

// refusal is an advert for an instance of ours that was rejected.
type refusal struct {
	ours    *peer
	link    string
	path    wire.Path
	reason  wire.Reason
	advert  *wire.Advert // as far as it could be decoded
	message []byte
}

// refuse notes an advert that was rejected, and warns of its sender if its adverts before were,
// too.
func (s *strangers) refuse(p *Packet, r *refusal, now time.Time) {
	all := s.unbelieved[r.ours.Name]
	if all == nil {
		all = &unbelieved{}
		s.unbelieved[r.ours.Name] = all
	}
	u := all.find(r.path.Source, now)
	u.count++
	u.heard, u.lasts = now, lasts(max(r.ours.Interval, r.advert.Interval))
	if u.count < unbelievedLeast {
		return
	}
	if u != &all.crowd && now.Sub(u.described) >= strangerReported {
		u.described, u.reason = now, r.reason
		u.what, u.remedy = r.difference()
	}
	s.warn(p, r.ours, event.WarnRejectedAdverts, now, func() string { return all.sentence(r.ours, r.link, now) })
	s.prolong(stranger{r.ours.Name, event.WarnRejectedAdverts}, u.lasts)
}

// believe notes that an advert of a router was believed, which ends the warning if that was the
// only router of which it warns.
func (s *strangers) believe(instance string, source netip.Addr, now time.Time) {
	all := s.unbelieved[instance]
	if all == nil {
		return
	}
	all.senders = slices.DeleteFunc(all.senders, func(u unbelievedSender) bool { return u.source == source })
	if key := (stranger{instance, event.WarnRejectedAdverts}); !all.any(now) {
		if _, warned := s.seen[key]; warned {
			s.end(key, now)
		}
	}
}

// prolong has a warning stand for a time after the last advert, if that is longer than it was.
func (s *strangers) prolong(key stranger, lasts time.Duration) {
	if seen := s.seen[key]; seen.lasts < lasts {
		seen.lasts = lasts
		s.seen[key] = seen
	}
}

// find returns the sender of an address, which is new if it was not heard for a while.
func (all *unbelieved) find(source netip.Addr, now time.Time) *unbelievedSender {
	silent := func(u unbelievedSender) bool { return now.Sub(u.heard) >= u.lasts }
	all.senders = slices.DeleteFunc(all.senders, silent)
	if silent(all.crowd) {
		all.crowd = unbelievedSender{}
	}
	for i := range all.senders {
		if all.senders[i].source == source {
			return &all.senders[i]
		}
	}
	if len(all.senders) == unbelievedMost {
		return &all.crowd
	}
	all.senders = append(all.senders, unbelievedSender{source: source})
	return &all.senders[len(all.senders)-1]
}

// inForce reports whether the sender is warned of.
func (u *unbelievedSender) inForce(now time.Time) bool {
	return u.count >= unbelievedLeast && now.Sub(u.heard) < u.lasts
}

// any reports whether a sender is warned of.
func (all *unbelieved) any(now time.Time) bool {
	return all.crowd.inForce(now) || slices.ContainsFunc(all.senders, func(u unbelievedSender) bool { return u.inForce(now) })
}

// sentence returns the text of the warning: who is rejected, why, and what to do.
func (all *unbelieved) sentence(ours *peer, link string, now time.Time) string {
	var who, remedies []string
	for i := range all.senders {
		u := &all.senders[i]
		if !u.inForce(now) {
			continue
		}
		who = append(who, fmt.Sprintf("from %s, which %s (%s)", u.source, u.what, u.reason))
		if !slices.Contains(remedies, u.remedy) {
			remedies = append(remedies, u.remedy)
		}
	}
	active := "both may be Active"
	if all.crowd.inForce(now) {
		who = append(who, "from other addresses")
		remedies = append(remedies, "see `advert.rejected` in the log for the others")
	}
	if len(who) > 1 {
		active = "several routers may be Active"
	}
	return fmt.Sprintf("this router rejects the adverts of VRID %d on %s %s, so %s: %s",
		ours.VRID, link, strings.Join(who, " and "), active, strings.Join(remedies, "; "))
}

// difference returns in what the sender differs from this router, as the rest of a sentence about it,
// and what a person should do.
func (r *refusal) difference() (what, remedy string) {
	const (
		sameAuth  = "give both the same `auth`"
		sameHMAC  = "give both the same `auth.hmac`"
		allOrNone = "configure `unicast` on all routers or on none"
	)
	switch r.reason {
	case wire.IPTTLError:
		return fmt.Sprintf("is behind a router (TTL %d)", r.path.HopLimit), "connect both to one segment, or use `unicast` with a lower `min_ttl`"
	case wire.VersionError:
		return fmt.Sprintf("speaks VRRPv%d, not VRRPv%d", r.message[0]>>4, r.ours.Version.Number()), "give all routers one `version`"
	case wire.PacketLengthError:
		if r.ours.authenticator == nil && r.bearsTrailer() {
			return "signs its adverts", sameAuth
		}
	case wire.InvalidAuthType, wire.AuthTypeMismatch:
		return fmt.Sprintf("has %s, where this router has %s", authentication(r.advert.Auth), authentication(r.ours.Auth)), sameAuth
	case wire.AuthFailure:
		return "has another password", "set the same `auth.pass` on both"
	case wire.IntervalError:
		return fmt.Sprintf("has the interval %v, not %v", r.advert.Interval, r.ours.Interval), "set the same `interval` on both, as VRRPv2 demands"
	case wire.NotAPeer:
		return "is not one of the `unicast` peers", fmt.Sprintf("add %s to `peers`, or give that router another VRID", r.path.Source)
	case wire.NotMulticast:
		return "sends by unicast, not by multicast", allOrNone
	case wire.NotUnicast:
		return "sends by multicast, not by unicast", allOrNone
	case wire.AuthMissing:
		return "does not sign its adverts", sameHMAC
	case wire.AuthMalformed:
		return "signs its adverts in another way", sameHMAC
	case wire.AuthStale:
		return "signs by another clock", "set both clocks"
	case wire.AuthReplay:
		return "sends adverts with a time that has passed", "set both clocks; if they are right somebody sends recorded adverts"
	case wire.AuthUnknownKey, wire.AuthInvalidHMAC:
		if t, err := wire.ReadTrailer(r.message); err == nil {
			return fmt.Sprintf("signs with another key of number %d", t.KeyID), "give both the same `auth.hmac.keys`"
		}
	}
	return "sends adverts that are damaged", fmt.Sprintf("see what it sends (`tcpdump -vvni %s ip proto 112 or ip6 proto 112`)", r.link)
}

// authentication returns the words for the type of an authentication of VRRPv2.
func authentication(a wire.Auth) string {
	switch a.Type {
	case wire.AuthNone:
		return "no password"
	case wire.AuthPassword:
		return "a password"
	}
	return fmt.Sprintf("the authentication type %d", a.Type)
}

// bearsTrailer reports whether the advert is one with an HMAC behind it.
func (r *refusal) bearsTrailer() bool {
	path := r.path
	path.Trailer = true
	var signed wire.Advert
	return signed.Decode(r.message, path) == nil && signed.Signed
}
