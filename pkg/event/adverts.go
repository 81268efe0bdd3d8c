package event

import (
	"fmt"
	"net/netip"
	"time"
)

// AdvertRejected reports that adverts were discarded on receipt. Instance is
// empty where the VRID is not one of ours. One line stands for Count adverts.
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

// ownAddress is wire.OwnAddress: another router sends from our address.
const ownAddress = "own-address"

// Level returns Warn, and Error where another router has our address.
func (e AdvertRejected) Level() Level {
	if e.Reason == ownAddress {
		return Error
	}
	return Warn
}

func (e AdvertRejected) Message() string {
	if e.Reason == ownAddress {
		return fmt.Sprintf("rejected %s from %s on %s: that is our own address, and we did not send them: give each router its own",
			count(int(e.Count), "advert"), e.Source, e.Interface)
	}
	return fmt.Sprintf("rejected %s from %s on %s: %s", count(int(e.Count), "advert"), e.Source, e.Interface, e.Reason)
}

func (e AdvertRejected) Fields() []Field {
	fields := []Field{{"interface", e.Interface}}
	if e.Instance != "" {
		fields = append(fields, Field{"instance", e.Instance})
	}
	return append(fields, Field{"vrid", e.VRID}, Field{"source", e.Source.String()},
		Field{"reason", e.Reason}, Field{"count", e.Count})
}

// AdvertSent reports that the kernel took a first advert or a resignation.
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
	// Silent is true if so many have failed that the routers there take this one for gone.
	Silent bool
}

func (AdvertFailed) Name() string { return "advert.failed" }

// Level returns Warn, and Error where the instance is silent.
func (e AdvertFailed) Level() Level {
	if e.Silent {
		return Error
	}
	return Warn
}

func (e AdvertFailed) Message() string {
	if e.Silent {
		return fmt.Sprintf("%s could not send %s in a row, and counts as gone: %s", e.Instance, count(e.Count, "advert"), e.Err)
	}
	return fmt.Sprintf("%s could not send its adverts: %s", e.Instance, e.Err)
}

func (e AdvertFailed) Fields() []Field {
	return []Field{{"instance", e.Instance}, {"error", e.Err}, {"count", e.Count}}
}

// AdvertMismatch reports that a valid advert differs from our configuration, which RFC 9568
// §7.1 wants logged and not discarded.
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

// AdvertRival reports that another Active was heard while Active.
type AdvertRival struct {
	Stamp
	Virtual
	Source   netip.Addr
	Priority uint8
	// Unheard is true if a rival of lower priority goes on although we advertise: our adverts
	// do not seem to reach it.
	Unheard bool
	// Version is its version of VRRP if that is not ours, so that neither can yield to the
	// other; else 0.
	Version uint8
	// Skewed is true where it is authentic and its time is not ours, so that neither
	// believes the other.
	Skewed bool
	// Invalid is true where its adverts have no addresses, or the interval 0.
	Invalid bool
}

func (AdvertRival) Name() string { return "advert.rival" }

// Level returns Warn, and Error if the rival does not receive our adverts, or cannot believe them.
func (e AdvertRival) Level() Level {
	if e.Unheard || e.Version != 0 || e.Skewed || e.Invalid {
		return Error
	}
	return Warn
}

func (e AdvertRival) Message() string {
	if e.Version != 0 {
		return fmt.Sprintf("%s: %s is Active too, with priority %d, and speaks VRRPv%d: give all routers one version",
			e.Virtual.Name, e.Source, e.Priority, e.Version)
	}
	if e.Skewed {
		return fmt.Sprintf("%s: %s is Active too, with priority %d, by another clock: set the clocks of all routers", e.Virtual.Name, e.Source, e.Priority)
	}
	if e.Invalid {
		return fmt.Sprintf("%s: %s is Active too, with priority %d, and its adverts have no addresses or the interval 0: mend its configuration", e.Virtual.Name, e.Source, e.Priority)
	}
	if e.Unheard {
		return fmt.Sprintf("%s: %s goes on as Active with priority %d: our adverts do not seem to reach it", e.Virtual.Name, e.Source, e.Priority)
	}
	return fmt.Sprintf("%s: %s is Active too, with priority %d", e.Virtual.Name, e.Source, e.Priority)
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
