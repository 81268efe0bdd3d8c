package event

import (
	"fmt"
	"net/netip"
	"time"
)

// AdvertRejected reports that adverts were discarded on receipt. Instance is empty if no instance
// here has the VRID. One event may stand for Count adverts.
type AdvertRejected struct {
	Stamp
	Instance  string
	Interface string
	VRID      uint8
	Source    netip.Addr
	Reason    string // RFC 8347's error names, or our own: see wire.Reason
	Count     uint64
}

func (AdvertRejected) Name() string { return "advert.rejected" }

// Level returns Warn, and Error if another router has an address of this router.
func (e AdvertRejected) Level() Level {
	if e.Reason == ownAddress {
		return Error
	}
	return Warn
}

func (e AdvertRejected) Message() string {
	adverts, from := Count(int(e.Count), "advert"), e.Source.String()
	if e.VRID != 0 {
		adverts += fmt.Sprintf(" of VRID %d", e.VRID)
	}
	if e.Source.IsUnspecified() { // many senders, or one that is not known
		from = "other machines"
	}
	what := rejections[e.Reason].what
	if e.Reason != ownAddress {
		what += " (" + e.Reason + ")"
	}
	return fmt.Sprintf("rejected %s from %s on %s: %s: %s", adverts, from, e.Interface, what, RejectionRemedy(e.Reason, e.Source, e.Interface))
}

func (e AdvertRejected) Fields() []Field {
	fields := []Field{{"interface", e.Interface}}
	if e.Instance != "" {
		fields = append(fields, Field{"instance", e.Instance})
	}
	return append(fields, Field{"vrid", e.VRID}, Field{"source", e.Source.String()},
		Field{"reason", e.Reason}, Field{"count", e.Count})
}

// AdvertSent reports that the kernel accepted a first advert, a resignation or a probe.
type AdvertSent struct {
	Stamp
	Instance string
	Kind     string        // "first", "resign", "probe"
	Took     time.Duration // from the order to the frame handed to the kernel
}

func (AdvertSent) Name() string { return "advert.sent" }

func (AdvertSent) Level() Level { return Info }

func (e AdvertSent) Message() string {
	return fmt.Sprintf("%s sent its %s advert", e.Instance, e.Kind)
}

func (e AdvertSent) Fields() []Field {
	return []Field{{"instance", e.Instance}, {"kind", e.Kind}, {"took_us", e.Took.Microseconds()}}
}

// AdvertFailed reports that the kernel refused adverts.
type AdvertFailed struct {
	Stamp
	Instance string
	Err      string
	Count    int // in a row to one destination
	// Silent is set if so many have failed that the routers at the destination count this one as
	// gone.
	Silent bool
}

func (AdvertFailed) Name() string { return "advert.failed" }

// Level returns Warn, and Error if the instance is silent.
func (e AdvertFailed) Level() Level {
	if e.Silent {
		return Error
	}
	return Warn
}

func (e AdvertFailed) Message() string {
	if e.Silent {
		return fmt.Sprintf("%s could not send %s in a row, so other routers may take over: %s", e.Instance, Count(e.Count, "advert"), e.Err)
	}
	return fmt.Sprintf("%s could not send its adverts: %s", e.Instance, e.Err)
}

func (e AdvertFailed) Fields() []Field {
	return []Field{{"instance", e.Instance}, {"error", e.Err}, {"count", e.Count}}
}

// AdvertMismatch reports that a valid advert differs from the configuration, which must be logged
// but not discarded (RFC 9568 §7.1).
type AdvertMismatch struct {
	Stamp
	Instance string
	Source   netip.Addr
	What     string // "interval", "addresses", "checksum", "first-not-link-local", "owner-conflict"
	Theirs   string
	Ours     string
}

func (AdvertMismatch) Name() string { return "advert.mismatch" }

func (AdvertMismatch) Level() Level { return Warn }

func (e AdvertMismatch) Message() string {
	return fmt.Sprintf("%s: %s advertises the %s %s, this instance uses %s: configure both routers alike", e.Instance, e.Source, e.What, e.Theirs, e.Ours)
}

func (e AdvertMismatch) Fields() []Field {
	return []Field{
		{"instance", e.Instance}, {"source", e.Source.String()}, {"what", e.What},
		{"theirs", e.Theirs}, {"ours", e.Ours},
	}
}

// AdvertRival reports that an Active instance heard another Active.
type AdvertRival struct {
	Stamp
	Virtual
	Source   netip.Addr
	Priority uint8
	// Unheard is set if a rival of lower priority remains Active although this router advertises:
	// our adverts do not seem to reach it.
	Unheard bool
	// Version is the rival's VRRP version if that differs from ours, so that neither can yield to
	// the other; otherwise 0.
	Version uint8
	// Skewed is set if the rival's adverts are authentic but their time differs, so that each
	// router rejects the other's.
	Skewed bool
	// Invalid is set if the rival's adverts have no addresses, or the interval 0.
	Invalid bool
}

func (AdvertRival) Name() string { return "advert.rival" }

// Level returns Warn, and Error if the rival does not receive our adverts, or does not accept
// them.
func (e AdvertRival) Level() Level {
	if e.Unheard || e.Version != 0 || e.Skewed || e.Invalid {
		return Error
	}
	return Warn
}

func (e AdvertRival) Message() string {
	if e.Version != 0 {
		return fmt.Sprintf("%s: %s is Active too, with priority %d, and uses VRRPv%d: configure the same version on all routers",
			e.Virtual.Name, e.Source, e.Priority, e.Version)
	}
	if e.Skewed {
		return fmt.Sprintf("%s: %s is Active too, with priority %d, and its clock differs: synchronize the clocks of all routers", e.Virtual.Name, e.Source, e.Priority)
	}
	if e.Invalid {
		return fmt.Sprintf("%s: %s is Active too, with priority %d, and its adverts have no addresses or the interval 0: correct its configuration", e.Virtual.Name, e.Source, e.Priority)
	}
	if e.Unheard {
		return fmt.Sprintf("%s: %s remains Active with priority %d: our adverts do not seem to reach it: look for a filter of IP protocol 112 on that router, and between the two", e.Virtual.Name, e.Source, e.Priority)
	}
	return fmt.Sprintf("%s: %s is Active too, with priority %d: it should yield to the next advert of this router", e.Virtual.Name, e.Source, e.Priority)
}

// Warning returns the warning that lasts as long as a rival which does not receive our adverts goes
// on; false for other rivals: they yield in a moment, or the receiver warns of them.
func (e AdvertRival) Warning() (w Warning, ok bool) {
	return Warning{Stamp: e.Stamp, Instance: e.Virtual.Name, Reason: WarnRival, Routers: []netip.Addr{e.Source}, Text: fmt.Sprintf(
		"%s goes on as Active with priority %d: our adverts do not seem to reach it, and both serve: look for a filter of IP protocol 112 on that router, "+
			"and between the two", e.Source, e.Priority)}, e.Unheard
}

func (e AdvertRival) Fields() []Field {
	fields := append(e.Virtual.Fields(), Field{"source", e.Source.String()}, Field{"priority", e.Priority})
	if e.Unheard {
		fields = append(fields, Field{"unheard", true})
	}
	if e.Version != 0 {
		fields = append(fields, Field{"version", e.Version})
	}
	if e.Skewed {
		fields = append(fields, Field{"skewed", true})
	}
	if e.Invalid {
		fields = append(fields, Field{"invalid", true})
	}
	return fields
}
