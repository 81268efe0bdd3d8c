package validate

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Packet is a packet from a socket, with the link on which it arrived.
type Packet struct {
	Interface string
	Family    event.Family
	// Data begins with the IP header for IPv4, and after it for IPv6.
	Data []byte
	// Path comes from the IPv6 header; over IPv4 the header is in Data.
	Path      wire.Path
	Truncated bool      // it was longer than the buffer
	Early     bool      // it was read from a packet socket, before the kernel had checked its source
	From      [6]byte   // the source MAC, if Early is set
	At        time.Time // when the kernel received it, at most maxAge ago
	// Stamp is when the kernel received it on the wall clock, however long ago; zero if only At
	// is known.
	Stamp time.Time
}

// Verdict is the result of checking a packet. Events is valid until the next call. An advert of a
// version that its virtual router does not speak is rejected, but if it is valid in its own
// version it is also Heard: it keeps a Backup waiting. The same holds for an advert that is
// authentic but stale, if it proves that its sender is present, and for one without addresses or
// with interval 0.
type Verdict struct {
	Heard vrrp.Heard
	Valid bool // otherwise Heard is empty, and must not change a timer
	Plain bool // it is valid, and equal to our configuration
	// Rejected is false as well for packets that are silently ignored: our own, and those that
	// another socket receives.
	Rejected bool
	Own      bool // its source is an address of ours
	Events   []event.Event
}

// Acceptor decides which adverts are accepted (RFC 9568 §7.1), and counts rejected ones under RFC
// 8347's names. Its memory is bounded, whatever arrives.
type Acceptor struct {
	links      links
	rejections *rejections
	mismatches *mismatches
	strangers  *strangers
	minter     *event.Minter
	wall       wire.Wall
	advert     wire.Advert // reused for decoding
	judged     *peer       // the instance of the last packet; nil if there is none
	message    []byte      // the message of the last packet, with its trailer
	events     []event.Event
}

// New returns an acceptor for the given instances. book has the counters of each instance;
// unknown counts the adverts of other virtual routers. wall is the clock for signed adverts. The
// instances are only read.
func New(instances []*vrrp.Instance, book stats.Book, unknown *stats.Counters, minter *event.Minter, wall wire.Wall) *Acceptor {
	book = stats.OrEmpty(book)
	keys := spareKeys + keysEach*len(instances)
	a := &Acceptor{
		links: newLinks(), minter: minter, wall: wall,
		rejections: newRejections(keys, unknown), mismatches: newMismatches(keys), strangers: newStrangers(minter),
	}
	for _, in := range instances {
		p := &peer{Instance: in, stats: book.Of(in.Name), authenticator: newAuthenticator(in, wall)}
		if p.stats == nil {
			p.stats = unknown
		}
		a.links.on(in.Interface).add(p)
	}
	return a
}

// Warn sets the recipient of warnings.
func (a *Acceptor) Warn(w *event.Warnings) { a.strangers.warnings = w }

// Withhold sets the sources whose adverts are read early on a link, in addition to the shared
// addresses.
func (a *Acceptor) Withhold(link string, sources []netip.Addr) { a.links.on(link).withheld = sources }

// Learn records the addresses of a link.
func (a *Acceptor) Learn(l event.Link) { a.links.learn(l) }

// Owns reports whether an address is this router's on a link.
func (a *Acceptor) Owns(link string, source netip.Addr) bool {
	return a.links.owns(a.links.on(link), source)
}

// Accept checks a packet at the instant now. The checks are in the order of RFC 9568 §7.1; the
// order only decides which counter is incremented.
func (a *Acceptor) Accept(p *Packet, now time.Time) Verdict {
	a.events = a.events[:0]
	on := a.links.find(p.Interface)
	path, err := a.read(p, on)
	ours, incompatible := on.peer(p.Family, a.advert.VRID, path), false
	a.judged = ours
	own := a.links.owns(on, path.Source)
	if p.Early != (own || on.early(p.Family, path.Source)) {
		return Verdict{Own: own} // it is read from another socket, too
	}
	if on.elsewhere(ours, p.Family, a.advert.VRID, path) {
		return Verdict{Own: own}
	}
	if own {
		return a.acceptOwn(p, on, ours, path, err, now)
	}
	if err == nil {
		var f finding
		f, err = a.judge(ours, path, p, now)
		incompatible = err == wire.VersionError || f.alive
	}
	if IsCARP(err, a.message) {
		err = wire.CARP
	}
	if err != nil {
		if ours != nil && !a.strangers.report(p, ours, path.Source, err, now) {
			r := refusal{ours: ours, link: p.Interface, path: path, reason: reasonOf(err), advert: &a.advert, message: a.message}
			a.strangers.refuse(p, &r, now)
		}
		a.events = a.rejections.reject(a.events, p, path.Source, a.advert.VRID, ours, err, now)
		if !incompatible {
			return Verdict{Events: a.events, Rejected: true}
		}
	}
	heard := vrrp.Heard{
		Cause: a.minter.Cause(p.At), Instance: ours.Name, Source: path.Source, Version: a.advert.Version,
		Priority: a.advert.Priority, Interval: a.advert.Interval, Checksum: a.advert.Checksum,
		Stale: err == wire.AuthStale, Invalid: unusable(err),
	}
	plain := false
	if !incompatible {
		ours.count(&heard, 1)
		a.strangers.believe(ours.Name, path.Source, now)
		set := differences(&a.advert, ours)
		if plain = set == 0; !plain {
			a.events = a.mismatches.report(a.events, set, &a.advert, ours, &heard, now)
			if set&(1<<ofAddresses) != 0 {
				a.strangers.reportOtherAddresses(p, ours, &a.advert, &heard, now)
			}
		}
	}
	return Verdict{Heard: heard, Valid: true, Plain: plain, Events: a.events, Rejected: incompatible}
}

// Repeated counts the adverts that h stands for, which a filter of the socket dropped because
// they repeated a Plain one.
func (a *Acceptor) Repeated(link string, f event.Family, vrid uint8, h *vrrp.Heard) {
	for _, ours := range a.links.find(link).routers(f, vrid) {
		if ours.Name != h.Instance {
			continue
		}
		ours.count(h, uint64(h.Repeats))
		ours.stats.AddN(stats.AdvertisementRepeated, uint64(h.Repeats))
	}
}

// Flush returns the events that were delayed to keep the log short and are due at now; with all,
// also those that are not due. The result is valid until the next call.
func (a *Acceptor) Flush(now time.Time, all bool) []event.Event {
	a.events = a.events[:0]
	a.rejections.limiter.Flush(now, all, func(r rejection, count uint64) {
		a.events = append(a.events, rejected(r, count, now))
	})
	a.strangers.forget(now)
	return a.events
}

// Next returns the instant at which Flush will have events; false if none are delayed.
func (a *Acceptor) Next() (time.Time, bool) {
	var next deadline.Earliest
	next.AddIf(a.rejections.limiter.Next())
	next.AddIf(a.strangers.next())
	return next.Get()
}

// Judged returns the name of the instance to which the last packet belonged, whatever the
// verdict; empty if it belonged to none.
func (a *Acceptor) Judged() string {
	if a.judged == nil {
		return ""
	}
	return a.judged.Name
}

// judge makes the checks that need the virtual router. The sender and the rules of the advert's
// own version are checked first: VersionError means that the advert passes these.
func (a *Acceptor) judge(ours *peer, path wire.Path, p *Packet, now time.Time) (f finding, err error) {
	if ours == nil {
		return f, wire.VRIDError
	}
	if err := ours.meets(path); err != nil {
		return f, err
	}
	invalid := ours.check(&a.advert)
	if invalid != nil && !unusable(invalid) {
		return f, invalid
	}
	if ours.authenticator != nil {
		if f, err = a.authenticate(ours, path.Source, p, now); err != nil {
			return f, err
		}
	}
	if invalid != nil {
		f.alive = true
		return f, invalid
	}
	return f, a.fits(ours)
}

// authenticate makes the authenticator check the message of a.advert, and reports clocks that
// differ: by more than half the window, or by more than all of it. The advert's time is compared
// with the kernel's receive stamp: after a pause adverts are read that have waited longer than
// maxAge. Compared with the time of reading, a sender's clock that was ahead would count as
// right, and its adverts after a correction as replays.
func (a *Acceptor) authenticate(ours *peer, source netip.Addr, p *Packet, now time.Time) (finding, error) {
	clock := ours.authenticator.replay.clock(p.At)
	if !p.Stamp.IsZero() {
		clock = wire.SequenceAt(p.Stamp)
	}
	f, err := ours.authenticator.judge(a.message, a.advert.Signed, source, p.At, clock)
	stale, window := err == wire.AuthStale, ours.authenticator.replay.window
	if f.authentic && f.skew.Abs() > window/2 && (stale || err == nil) {
		what, digest := "skew", uint64(0)
		if stale {
			what = "stale"
		}
		if a.mismatches.fresh(now, mismatch{ours.Name, source, what}, digest, false) {
			a.events = append(a.events, event.AuthSkew{
				Stamp: event.Stamp{At: now}, Instance: ours.Name, Source: source,
				Skew: f.skew, Window: window, Rejected: stale, Old: stale && !f.alive,
			})
		}
	}
	return f, err
}

// check checks the advert itself.
func (o *peer) check(a *wire.Advert) error {
	if len(o.Addresses) == 0 {
		return a.CheckBare()
	}
	return a.Check()
}

// unusable reports whether the advert is invalid because of its sender's configuration, but shows
// that the sender is present and is Active.
func unusable(err error) bool { return err == wire.CountZero || err == wire.IntervalZero }

// fits checks that an advert has our version, and makes the checks that only VRRPv2 requires.
func (a *Acceptor) fits(ours *peer) error {
	if a.advert.Version != ours.Version {
		return wire.VersionError
	}
	if ours.Version != wire.V2 {
		return nil
	}
	if err := ours.Auth.Admits(a.advert.Auth); err != nil {
		return err
	}
	if a.advert.Interval != ours.Interval { // RFC 3768 §7.1; VRRPv3 learns it
		return wire.IntervalError
	}
	return nil
}

// meets checks that an advert was sent to the multicast group or unicast, as configured.
func (o *peer) meets(path wire.Path) error {
	switch peers := o.Unicast.Peers; {
	case len(peers) == 0 && path.Dest != o.MulticastGroup():
		return wire.NotMulticast
	case len(peers) > 0 && path.Dest.IsMulticast():
		return wire.NotUnicast
	case len(peers) > 0 && !slices.Contains(peers, path.Source):
		return wire.NotAPeer
	}
	return nil
}

// read removes the IP header and decodes the message into a.advert.
func (a *Acceptor) read(p *Packet, on *linkPeers) (wire.Path, error) {
	path, message := p.Path, p.Data
	if p.Family == event.IPv4 {
		header, payload, err := wire.SplitIPv4(p.whole())
		if err != nil {
			a.advert = wire.Advert{Addresses: a.advert.Addresses[:0]}
			return path, err
		}
		path, message = header.Path(), payload
	}
	if len(message) > 1 {
		if ours := on.peer(p.Family, message[1], path); ours != nil {
			path.Least, path.Trailer = int(ours.Unicast.MinTTL), ours.authenticator != nil
		}
	}
	a.message = message
	err := a.advert.Decode(message, path)
	if p.Truncated && err != wire.IPTTLError {
		err = wire.Truncated
	}
	return path, err
}

// whole returns the datagram. If it was truncated its header gets the remaining length, so that
// it can be decoded for the counters and the log.
func (p *Packet) whole() []byte {
	if p.Truncated && len(p.Data) >= 4 {
		binary.BigEndian.PutUint16(p.Data[2:], uint16(len(p.Data)))
	}
	return p.Data
}

// Received converts the kernel's receive stamp, which is on the wall clock, to an instant on the
// monotonic clock: only the stamp's age is used, within 0 and maxAge, so a step of the wall clock
// moves no timer (docs/architecture.md#time).
func Received(now, stamp time.Time) time.Time {
	return now.Add(-min(max(now.Sub(stamp), 0), maxAge))
}

const maxAge = time.Second
