package validate

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"time"

	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// Packet is a packet that a raw socket delivered, with the link on which it arrived.
type Packet struct {
	Interface string
	Family    event.Family
	// Data begins with the IP header for IPv4, and behind it for IPv6.
	Data []byte
	// Path is read from the IPv6 header; over IPv4 the header stands in Data.
	Path      wire.Path
	Truncated bool      // it was longer than the buffer
	Early     bool      // it was heard before the kernel had judged its source
	Own       bool      // likewise, by the socket for what comes from addresses of ours
	From      [6]byte   // the MAC that it came from, where it is Own
	At        time.Time // when the kernel received it, but no longer ago than maxAge
	// Stamp is when the kernel received it by the wall clock, however long ago; zero: At
	// is all that is known.
	Stamp time.Time
}

// Verdict is the judgement of an Acceptor on a packet. Events is valid until the next
// call. An advert of a version that its virtual router does not speak is
// rejected, but if it is valid in its own it is Heard too: it holds a Backup back.
// So does one that is authentic but stale, if it proves that its sender is there, and
// one without addresses or with interval 0.
type Verdict struct {
	Heard vrrp.Heard
	Valid bool // else Heard is empty, and nothing may touch a timer
	Plain bool // it is valid, and differs in nothing from our configuration
	// Rejected is false too for what is silently ignored: what is our own, and what
	// another socket hears.
	Rejected bool
	Events   []event.Event
}

// Acceptor decides which adverts are believed (RFC 9568 §7.1), and counts those
// that are not, under RFC 8347's names. Its memory is bounded, whatever comes.
type Acceptor struct {
	links      links
	rejections *rejections
	mismatches *mismatches
	strangers  *strangers
	minter     *event.Minter
	wall       wire.Wall
	advert     wire.Advert // decoded into, again and again
	judged     *peer       // the instance that the last packet was for; nil: none
	message    []byte      // of which, with its trailer
	events     []event.Event
}

// New returns an acceptor for instances. book has the counters of
// each; unknown counts the adverts that belong to none. Signed adverts are compared
// with a wall clock. The instances are only read.
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

// Warn has the acceptor report warnings.
func (a *Acceptor) Warn(w *event.Warnings) { a.strangers.warnings = w }

// Withhold notes from which sources adverts on a link are to be heard early, beside
// the shared addresses.
func (a *Acceptor) Withhold(link string, sources []netip.Addr) { a.links.on(link).withheld = sources }

// Learn notes which addresses are a link's own.
func (a *Acceptor) Learn(l event.Link) { a.links.learn(l) }

// Owns reports whether an address is ours on a link.
func (a *Acceptor) Owns(link string, source netip.Addr) bool {
	return a.links.owns(a.links.on(link), source)
}

// Everywhere lists the addresses that are ours on every link, in a fixed order.
func (a *Acceptor) Everywhere() []netip.Addr {
	return slices.SortedFunc(maps.Keys(a.links.own), netip.Addr.Compare)
}

// Accept judges one packet at the instant now. The checks have the order of
// RFC 9568 §7.1; the order decides only which counter rises.
func (a *Acceptor) Accept(p *Packet, now time.Time) Verdict {
	a.events = a.events[:0]
	on := a.links.find(p.Interface)
	path, err := a.read(p, on)
	ours, incompatible := on.peer(p.Family, a.advert.VRID, path), false
	a.judged = ours
	own := a.links.owns(on, path.Source)
	if p.Own != own || !own && p.Early != on.early(p.Family, path.Source) {
		return Verdict{} // heard twice
	}
	if on.elsewhere(ours, p.Family, a.advert.VRID, path) {
		return Verdict{}
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

// Repeated counts the adverts that a vrrp.Heard stands for which a filter of the socket dropped,
// since they repeated one that was Plain.
func (a *Acceptor) Repeated(link string, f event.Family, vrid uint8, h *vrrp.Heard) {
	for _, ours := range a.links.find(link).routers(f, vrid) {
		if ours.Name != h.Instance {
			continue
		}
		ours.count(h, uint64(h.Repeats))
		ours.stats.AddN(stats.AdvertisementRepeated, uint64(h.Repeats))
	}
}

// Flush returns what was held back to keep the log short and is due to be told
// at now; with all, what is not due too. It is valid until the next call.
func (a *Acceptor) Flush(now time.Time, all bool) []event.Event {
	a.events = a.events[:0]
	a.rejections.limiter.Flush(now, all, func(r rejection, count uint64) {
		a.events = append(a.events, rejected(r, count, now))
	})
	a.strangers.forget(now)
	return a.events
}

// Next returns the instant at which Flush will have events; false where none wait.
func (a *Acceptor) Next() (time.Time, bool) {
	var next deadline.Earliest
	next.AddIf(a.rejections.limiter.Next())
	next.AddIf(a.strangers.next())
	return next.Get()
}

// Judged returns the instance for which the packet was that was judged last, whatever became
// of it; empty if it was for none.
func (a *Acceptor) Judged() string {
	if a.judged == nil {
		return ""
	}
	return a.judged.Name
}

// judge makes the checks that need the virtual router. The sender and the rules of the
// advert's own version come first: VersionError is for an advert that passes these.
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

// authenticate has the authenticator judge the message of a.advert, and reports clocks that are
// apart: with half the window left, or with none. The advert's time is compared with the
// kernel's receive stamp: after a pause adverts are read that have waited for longer than
// maxAge, and by the time of reading a clock of their sender that was ahead then would
// count as right, and its adverts since that was mended as replays.
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

// check makes the checks of an advert itself.
func (o *peer) check(a *wire.Advert) error {
	if len(o.Addresses) == 0 {
		return a.CheckBare()
	}
	return a.Check()
}

// unusable reports whether an advert is wrong in what its sender was configured to, but
// shows that the sender is there and takes itself for the Active.
func unusable(err error) bool { return err == wire.CountZero || err == wire.IntervalZero }

// fits checks that an advert is of our version, and what only VRRPv2 discards.
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
	if a.advert.Interval != ours.Interval { // RFC 3768 §7.1; v3 learns it
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

// read takes the IP header off and decodes what stands in it into a.advert.
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

// whole returns the datagram. If it was cut off its header gets the length that is left, so
// that it can be read for the counters and the log.
func (p *Packet) whole() []byte {
	if p.Truncated && len(p.Data) >= 4 {
		binary.BigEndian.PutUint16(p.Data[2:], uint16(len(p.Data)))
	}
	return p.Data
}

// Received turns the kernel's receive stamp, which is by the wall clock, into an
// instant of the monotonic clock: only the stamp's age counts, within 0 and
// maxAge, and so a step of the wall clock moves no timer (docs/architecture.md#time).
func Received(now, stamp time.Time) time.Time {
	return now.Add(-min(max(now.Sub(stamp), 0), maxAge))
}

const maxAge = time.Second
