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

// A router whose adverts are rejected considers itself the Active. Usually neither router accepts
// the adverts of the other, so neither yields: there are two Actives, or there will be. Each
// rejected advert is counted, but a line of the log in ten seconds does not show that this goes
// on. So a router of which several adverts in a row were rejected is a warning of the instance,
// until an advert of it is accepted, or none arrives any more.

// rejectedSenders are the routers whose adverts for an instance are rejected. Their number is
// bounded, whatever arrives.
type rejectedSenders struct {
	senders []rejectedSender
	// rest stands for all other senders, once there are maxRejectedSenders.
	rest rejectedSender
}

// rejectedSender is a router whose last adverts were all rejected.
type rejectedSender struct {
	source netip.Addr
	count  int           // adverts rejected in a row
	heard  time.Time     // when the last of them arrived
	lasts  time.Duration // how long after that it is still heard
	// why is why one of its adverts was rejected.
	why explanation
}

// explanation is how the sender of a rejected advert differs from this router.
type explanation struct {
	at     time.Time   // when the advert arrived
	reason wire.Reason // why it was rejected
	what   string      // the difference, as the end of a sentence about the sender
	remedy string      // what a person should do
}

const (
	// minRejected is how many adverts in a row must be rejected: a single one may have been
	// damaged in transit, or sent while a person configures one router after the other.
	minRejected = 3
	// maxRejectedSenders is the number of routers that a warning names.
	maxRejectedSenders = 4
)

// refusal is a rejected advert for an instance of ours.
type refusal struct {
	ours    *peer
	link    string
	path    wire.Path
	reason  wire.Reason
	advert  *wire.Advert // as far as it could be decoded
	message []byte
}

// refuse records a rejected advert, and warns about its sender if its previous adverts were
// rejected, too.
func (s *strangers) refuse(p *Packet, r *refusal, now time.Time) {
	all := s.rejectedSenders[r.ours.Name]
	if all == nil {
		all = &rejectedSenders{}
		s.rejectedSenders[r.ours.Name] = all
	}
	u := all.find(r.path.Source, now)
	u.count++
	u.heard, u.lasts = now, forceOf(max(r.ours.Interval, r.advert.Interval))
	if u.count < minRejected {
		return
	}
	if u != &all.rest && now.Sub(u.why.at) >= strangerReported {
		what, remedy := r.explain()
		u.why = explanation{now, r.reason, what, remedy}
	}
	s.warn(p, r.ours, event.WarnRejectedAdverts, now, func() (string, []netip.Addr) { return all.sentence(r.ours, r.link, now), all.sources(now) })
	s.prolong(stranger{r.ours.Name, event.WarnRejectedAdverts}, u.lasts)
}

// believe records that an advert of a router was accepted. This ends the warning about rejected
// adverts if it was about that router alone, and the warning that the source is an address of this
// router: the address was removed.
func (s *strangers) believe(instance string, source netip.Addr, now time.Time) {
	own := stranger{instance, event.WarnOwnAddress}
	if seen, warned := s.seen[own]; warned && slices.Contains(seen.routers, source) {
		s.end(own, now)
	}
	all := s.rejectedSenders[instance]
	if all == nil {
		return
	}
	all.senders = slices.DeleteFunc(all.senders, func(u rejectedSender) bool { return u.source == source })
	if key := (stranger{instance, event.WarnRejectedAdverts}); !all.any(now) {
		if _, warned := s.seen[key]; warned {
			s.end(key, now)
		}
	}
}

// prolong extends the time for which a warning stays in force after the last advert.
func (s *strangers) prolong(key stranger, lasts time.Duration) {
	if seen := s.seen[key]; seen.lasts < lasts {
		seen.lasts = lasts
		s.seen[key] = seen
	}
}

// find returns the entry of a sender. The entry is new if the sender was not heard for a while.
func (all *rejectedSenders) find(source netip.Addr, now time.Time) *rejectedSender {
	silent := func(u rejectedSender) bool { return now.Sub(u.heard) >= u.lasts }
	all.senders = slices.DeleteFunc(all.senders, silent)
	if silent(all.rest) {
		all.rest = rejectedSender{}
	}
	for i := range all.senders {
		if all.senders[i].source == source {
			return &all.senders[i]
		}
	}
	if len(all.senders) == maxRejectedSenders {
		return &all.rest
	}
	all.senders = append(all.senders, rejectedSender{source: source})
	return &all.senders[len(all.senders)-1]
}

// inForce reports whether the warning is about this sender.
func (u *rejectedSender) inForce(now time.Time) bool {
	return u.count >= minRejected && now.Sub(u.heard) < u.lasts
}

// any reports whether the warning is about any sender.
func (all *rejectedSenders) any(now time.Time) bool {
	return all.rest.inForce(now) || slices.ContainsFunc(all.senders, func(u rejectedSender) bool { return u.inForce(now) })
}

// sources returns the addresses of the routers that the warning names.
func (all *rejectedSenders) sources(now time.Time) (sources []netip.Addr) {
	for i := range all.senders {
		if all.senders[i].inForce(now) {
			sources = append(sources, all.senders[i].source)
		}
	}
	return sources
}

// sentence returns the text of the warning: which routers are rejected, why, and what to do.
func (all *rejectedSenders) sentence(ours *peer, link string, now time.Time) string {
	var who, remedies []string
	for i := range all.senders {
		u := &all.senders[i]
		if !u.inForce(now) {
			continue
		}
		d := u.why
		who = append(who, fmt.Sprintf("from %s, which %s (%s)", u.source, d.what, d.reason))
		if !slices.Contains(remedies, d.remedy) {
			remedies = append(remedies, d.remedy)
		}
	}
	active := "both may be Active"
	if all.rest.inForce(now) {
		who = append(who, "from other addresses")
		remedies = append(remedies, "see `advert.rejected` in the log for the others")
	}
	if len(who) > 1 {
		active = "several routers may be Active"
	}
	return fmt.Sprintf("this router rejects the adverts of VRID %d on %s %s, so %s: %s",
		ours.VRID, link, strings.Join(who, " and "), active, strings.Join(remedies, "; "))
}

// explain returns how the sender differs from this router, as the end of a sentence about it, and
// what a person should do.
func (r *refusal) explain() (what, remedy string) {
	remedy = event.RejectionRemedy(string(r.reason), r.path.Source, r.link)
	switch r.reason {
	case wire.IPTTLError:
		return fmt.Sprintf("is behind a router (TTL %d)", r.path.HopLimit), remedy
	case wire.VersionError:
		return fmt.Sprintf("speaks VRRPv%d, not VRRPv%d", r.message[0]>>4, r.ours.Version.Number()), remedy
	case wire.PacketLengthError:
		if r.ours.authenticator == nil && r.bearsTrailer() {
			return "signs its adverts", event.RejectionRemedy(string(wire.AuthTypeMismatch), r.path.Source, r.link)
		}
	case wire.InvalidAuthType, wire.AuthTypeMismatch:
		return fmt.Sprintf("has %s, where this router has %s", authentication(r.advert.Auth), authentication(r.ours.Auth)), remedy
	case wire.AuthFailure:
		return "has another password", remedy
	case wire.IntervalError:
		return fmt.Sprintf("has the interval %v, not %v", r.advert.Interval, r.ours.Interval), remedy
	case wire.NotAPeer:
		return "is not one of the `unicast` peers", remedy
	case wire.NotMulticast:
		return "sends by unicast, not by multicast", remedy
	case wire.NotUnicast:
		return "sends by multicast, not by unicast", remedy
	case wire.AuthMissing:
		return "does not sign its adverts", remedy
	case wire.AuthMalformed:
		return "signs its adverts with another method", remedy
	case wire.AuthStale:
		return "signs with a clock that differs", remedy
	case wire.AuthReplay:
		return "sends adverts with a time that has passed", remedy
	case wire.AuthUnknownKey, wire.AuthInvalidHMAC:
		if t, err := wire.ReadTrailer(r.message); err == nil {
			return fmt.Sprintf("signs with a different key with the id %d", t.KeyID), remedy
		}
	}
	return "sends adverts that are damaged", remedy
}

// authentication describes the type of VRRPv2 authentication.
func authentication(a wire.Auth) string {
	switch a.Type {
	case wire.AuthNone:
		return "no password"
	case wire.AuthPassword:
		return "a password"
	}
	return fmt.Sprintf("the authentication type %d", a.Type)
}

// bearsTrailer reports whether the advert is followed by an HMAC trailer.
func (r *refusal) bearsTrailer() bool {
	path := r.path
	path.Trailer = true
	var signed wire.Advert
	return signed.Decode(r.message, path) == nil && signed.Signed
}
