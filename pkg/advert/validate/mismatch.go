package validate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// mismatches remembers which mismatches were reported, so that each one is reported when it is
// new or has changed, and otherwise at most once in mismatchEvery.
type mismatches struct {
	size     int
	reported map[mismatch]reported
	full     time.Time // until then there is no room for new ones
}

// mismatch identifies a difference: by instance, sender, and kind.
type mismatch struct {
	instance string
	source   netip.Addr
	what     string
}

type reported struct {
	theirs uint64 // a digest of the sender's value
	at     time.Time
}

// A mismatch that changes with every advert is not reported for every advert.
const (
	mismatchEvery   = time.Minute
	mismatchChanged = 10 * time.Second
)

func newMismatches(size int) *mismatches {
	return &mismatches{size: size, reported: make(map[mismatch]reported)}
}

// fresh reports whether a mismatch must be reported now; with once, only if it is new or has
// changed.
func (m *mismatches) fresh(now time.Time, key mismatch, theirs uint64, once bool) bool {
	last, known := m.reported[key]
	switch age := now.Sub(last.at); {
	case !known:
		if len(m.reported) >= m.size && !m.forget(now) {
			return false
		}
	case last.theirs == theirs && (once || age < mismatchEvery), age < mismatchChanged:
		return false
	}
	m.reported[key] = reported{theirs, now}
	return true
}

// forget drops the mismatches that were reported long ago, and reports whether there is room now.
func (m *mismatches) forget(now time.Time) bool {
	if now.Before(m.full) {
		return false
	}
	m.full = now.Add(mismatchEvery)
	for key, r := range m.reported {
		if end := r.at.Add(mismatchEvery); !now.Before(end) {
			delete(m.reported, key)
		} else if end.Before(m.full) {
			m.full = end
		}
	}
	return len(m.reported) < m.size
}

// count counts n equal valid adverts.
func (o *peer) count(h *vrrp.Heard, n uint64) {
	o.stats.AddN(stats.AdvertisementRcvd, n)
	if h.Priority == 0 {
		o.stats.AddN(stats.PriorityZeroRcvd, n)
	}
	if !forms(o) {
		return
	}
	if h.Checksum == wire.MessageOnly {
		o.stats.AddN(stats.ChecksumMessageOnly, n)
	} else {
		o.stats.AddN(stats.ChecksumPseudoHeader, n)
	}
}

// forms reports whether the checksum of a virtual router's adverts has two forms.
func forms(ours *peer) bool { return ours.Family == event.IPv4 && ours.Version == wire.V3 }

// difference is one of the values in which a valid advert may differ from our configuration.
type difference int

// The differences, in the order in which they are reported.
const (
	ofInterval difference = iota
	ofAddresses
	ofFirstAddress
	ofOwner
	ofChecksum
)

// rule describes how a difference is counted and reported.
type rule struct {
	what string // the value, in the log
	// digest returns a number that changes whenever the value in the advert does.
	digest func(ad *wire.Advert) uint64
	// values returns both values for the log.
	values func(ad *wire.Advert, ours *peer) (theirs, mine string)
	// counter counts the adverts that differ; uncounted is set if each advert is counted anyway,
	// whether it differs or not.
	counter   stats.Counter
	uncounted bool
	once      bool // reported only if it is new or has changed
}

var rules = [...]rule{
	ofInterval: {
		what: "interval", counter: stats.IntervalErrors,
		digest: func(ad *wire.Advert) uint64 { return uint64(ad.Interval) },
		values: func(ad *wire.Advert, ours *peer) (string, string) {
			return ad.Interval.String(), ours.Interval.String()
		},
	},
	ofAddresses: {
		what: "addresses", counter: stats.AddressListErrors,
		digest: func(ad *wire.Advert) uint64 { return digest(ad.Addresses) },
		values: func(ad *wire.Advert, ours *peer) (string, string) { return list(ad.Addresses), list(ours.Addresses) },
	},
	ofFirstAddress: {
		what: "first-not-link-local", counter: stats.FirstNotLinkLocal,
		digest: func(ad *wire.Advert) uint64 { return digest(ad.Addresses[:1]) },
		values: func(ad *wire.Advert, ours *peer) (string, string) {
			return ad.Addresses[0].String(), list(ours.Addresses[:min(1, len(ours.Addresses))])
		},
	},
	ofOwner: {
		what: "owner-conflict", counter: stats.OwnerConflicts,
		digest: func(*wire.Advert) uint64 { return 0 },
		values: func(ad *wire.Advert, ours *peer) (string, string) {
			return fmt.Sprint(ad.Priority), fmt.Sprint(ours.Priority)
		},
	},
	ofChecksum: {
		what: "checksum", uncounted: true, once: true,
		digest: func(ad *wire.Advert) uint64 { return uint64(ad.Checksum) },
		values: func(ad *wire.Advert, ours *peer) (string, string) {
			return ad.Checksum.String(), ours.Checksum.String()
		},
	},
}

// differences returns the set of differences of an advert, one bit for each. Every advert is
// compared, and nearly none differs, so it makes no calls through the table.
func differences(ad *wire.Advert, ours *peer) (set uint) {
	if ad.Interval != ours.Interval {
		set |= 1 << ofInterval
	}
	if !SameAddresses(ad.Addresses, ours.Addresses) {
		set |= 1 << ofAddresses
	}
	if ad.FirstNotLinkLocal() {
		set |= 1 << ofFirstAddress
	}
	if ours.Priority == vrrp.Owner && ad.Priority == vrrp.Owner {
		set |= 1 << ofOwner
	}
	if forms(ours) && ad.Checksum != ours.Checksum {
		set |= 1 << ofChecksum
	}
	return set
}

// report counts the differences of an advert from our configuration, and adds the events that are
// due. The advert is accepted nevertheless (RFC 9568 §7.1, errata 8298 and 8300), even in VRRPv2,
// which may discard an advert with another list of addresses, and must discard the adverts that
// an owner receives (RFC 3768 §7.1): either would lead to a second Active, and hide the first
// from the people who could correct the configuration.
func (m *mismatches) report(events []event.Event, set uint, ad *wire.Advert, ours *peer, heard *vrrp.Heard, now time.Time) []event.Event {
	for i := range rules {
		if set&(1<<i) == 0 {
			continue
		}
		r := &rules[i]
		if !r.uncounted {
			ours.stats.Add(r.counter)
		}
		if m.fresh(now, mismatch{ours.Name, heard.Source, r.what}, r.digest(ad), r.once) {
			theirs, mine := r.values(ad, ours)
			events = append(events, event.AdvertMismatch{
				Stamp:    event.Stamp{Cause: heard.Cause, At: now},
				Instance: ours.Name, Source: heard.Source, What: r.what, Theirs: theirs, Ours: mine,
			})
		}
	}
	return events
}

// SameAddresses compares lists, whatever their order: the order is only recommended (RFC 9568
// §5.2.9).
func SameAddresses(theirs, ours []netip.Addr) bool {
	if slices.Equal(theirs, ours) {
		return true
	}
	if len(theirs) != len(ours) {
		return false
	}
	for _, ip := range theirs {
		if !slices.Contains(ours, ip) {
			return false
		}
	}
	for _, ip := range ours {
		if !slices.Contains(theirs, ip) {
			return false
		}
	}
	return true
}

// Disjoint reports whether two lists have no address in common.
func Disjoint(theirs, ours []netip.Addr) bool {
	return len(theirs) > 0 && len(ours) > 0 && !slices.ContainsFunc(theirs, func(ip netip.Addr) bool { return slices.Contains(ours, ip) })
}

// digest distinguishes lists, without regard to order, well enough for a log.
func digest(ips []netip.Addr) uint64 {
	var total uint64
	for _, ip := range ips {
		h := uint64(14695981039346656037) // FNV-1a
		for _, b := range ip.As16() {
			h = (h ^ uint64(b)) * 1099511628211
		}
		total += h
	}
	return total
}

func list(ips []netip.Addr) string {
	if len(ips) == 0 {
		return "none"
	}
	words := make([]string, len(ips))
	for i, ip := range ips {
		words[i] = ip.String()
	}
	return strings.Join(words, " ")
}
