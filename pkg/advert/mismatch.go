package advert

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

// mismatches remembers what was said of adverts that are valid but differ from
// our configuration, so that each is said when it is new or has changed, and
// else at most once in mismatchEvery.
type mismatches struct {
	size int
	said map[mismatch]saying
	full time.Time // until then it has room for nothing new
}

type mismatch struct {
	instance string
	source   netip.Addr
	what     string
}

type saying struct {
	theirs uint64 // a digest of what differed
	at     time.Time
}

// A mismatch that changes with every advert is not told with every advert.
const (
	mismatchEvery   = time.Minute
	mismatchChanged = 10 * time.Second
)

func newMismatches(size int) *mismatches {
	return &mismatches{size: size, said: make(map[mismatch]saying)}
}

// fresh tells whether a mismatch is to be told now; with once, only if it is
// new or has changed.
func (m *mismatches) fresh(now time.Time, key mismatch, theirs uint64, once bool) bool {
	last, known := m.said[key]
	switch age := now.Sub(last.at); {
	case !known:
		if len(m.said) >= m.size && !m.forget(now) {
			return false
		}
	case last.theirs == theirs && (once || age < mismatchEvery), age < mismatchChanged:
		return false
	}
	m.said[key] = saying{theirs, now}
	return true
}

// forget drops what was told long ago, and says whether there is room now.
func (m *mismatches) forget(now time.Time) bool {
	if now.Before(m.full) {
		return false
	}
	m.full = now.Add(mismatchEvery)
	for key, s := range m.said {
		if end := s.at.Add(mismatchEvery); !now.Before(end) {
			delete(m.said, key)
		} else if end.Before(m.full) {
			m.full = end
		}
	}
	return len(m.said) < m.size
}

// count counts a valid advert.
func (a *Acceptor) count(ours *peer) {
	ours.stats.Add(stats.AdvertisementRcvd)
	if a.advert.Priority == 0 {
		ours.stats.Add(stats.PriorityZeroRcvd)
	}
	if !forms(ours) {
		return
	}
	if a.advert.Checksum == wire.MessageOnly {
		ours.stats.Add(stats.ChecksumMessageOnly)
	} else {
		ours.stats.Add(stats.ChecksumPseudoHeader)
	}
}

// forms tells whether the checksum of a virtual router's adverts has two forms.
func forms(ours *peer) bool { return ours.Family == event.IPv4 && ours.Version == wire.V3 }

// compare counts and tells what differs from our configuration; the advert
// counts all the same (RFC 9568 §7.1, errata 8298 and 8300). So it does in
// VRRPv2, which may discard one with another list of addresses, and has to discard
// what an owner hears (RFC 3768 §7.1): either would make a second Active, and
// hide the first from those who could mend it.
func (a *Acceptor) compare(p *Packet, ours *peer, heard *vrrp.Heard, now time.Time) {
	ad := &a.advert
	if ad.Interval != ours.Interval {
		ours.stats.Add(stats.IntervalErrors)
		if a.fresh(ours, heard, "interval", uint64(ad.Interval), false, now) {
			a.tell(ours, heard, "interval", ad.Interval.String(), ours.Interval.String(), now)
		}
	}
	if !sameAddresses(ad.Addresses, ours.Addresses) {
		ours.stats.Add(stats.AddressListErrors)
		if a.fresh(ours, heard, "addresses", digest(ad.Addresses), false, now) {
			a.tell(ours, heard, "addresses", list(ad.Addresses), list(ours.Addresses), now)
		}
		if apart(ad.Addresses, ours.Addresses) && ad.Priority != 0 {
			a.warn(p, ours, event.WarnOtherAddresses, now, func() string {
				return fmt.Sprintf("%s advertises VRID %d on %s too, with priority %d and other addresses (%s): it is another virtual router, and "+
					"while it is heard with a priority as great as ours nobody serves %s: give one of the two another VRID",
					heard.Source, ours.VRID, p.Interface, ad.Priority, list(ad.Addresses), list(ours.Addresses))
			})
		}
	}
	if ad.FirstNotLinkLocal() {
		ours.stats.Add(stats.FirstNotLinkLocal)
		if a.fresh(ours, heard, "first-not-link-local", digest(ad.Addresses[:1]), false, now) {
			a.tell(ours, heard, "first-not-link-local", ad.Addresses[0].String(), list(ours.Addresses[:min(1, len(ours.Addresses))]), now)
		}
	}
	if ours.Priority == vrrp.Owner && ad.Priority == vrrp.Owner {
		ours.stats.Add(stats.OwnerConflicts)
		if a.fresh(ours, heard, "owner-conflict", 0, false, now) {
			a.tell(ours, heard, "owner-conflict", fmt.Sprint(ad.Priority), fmt.Sprint(ours.Priority), now)
		}
	}
	if forms(ours) && ad.Checksum != ours.Checksum {
		if a.fresh(ours, heard, "checksum", uint64(ad.Checksum), true, now) {
			a.tell(ours, heard, "checksum", ad.Checksum.String(), ours.Checksum.String(), now)
		}
	}
}

func (a *Acceptor) fresh(ours *peer, heard *vrrp.Heard, what string, theirs uint64, once bool, now time.Time) bool {
	return a.mismatches.fresh(now, mismatch{ours.Name, heard.Source, what}, theirs, once)
}

func (a *Acceptor) tell(ours *peer, heard *vrrp.Heard, what, theirs, mine string, now time.Time) {
	a.events = append(a.events, event.AdvertMismatch{
		Stamp:    event.Stamp{Cause: heard.Cause, At: now},
		Instance: ours.Name, Source: heard.Source, What: what, Theirs: theirs, Ours: mine,
	})
}

// sameAddresses compares lists without regard to order, which only eases
// comparison (RFC 9568 §5.2.9).
func sameAddresses(theirs, ours []netip.Addr) bool {
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

// apart reports whether two lists have nothing in common.
func apart(theirs, ours []netip.Addr) bool {
	return len(theirs) > 0 && len(ours) > 0 && !slices.ContainsFunc(theirs, func(ip netip.Addr) bool { return slices.Contains(ours, ip) })
}

// digest tells lists apart, without regard to order, well enough for a log.
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
