package telemetry

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// instances describes what is told of each virtual router, and of all together.
type instances struct {
	state, moved, priority, effective, faults, fault *prometheus.Desc
	simple                                           []tallied
	rejected, mismatched, form, all                  *prometheus.Desc
}

// tallied is a counter that has a metric of its own.
type tallied struct {
	vrrp.Counter
	desc *prometheus.Desc
}

// labelled is a counter that shares its metric with others.
type labelled struct {
	vrrp.Counter
	label string
}

// The counters that share a metric, by the words of the log (wire.Reason) where
// it has them, and so by RFC 8347's error names.
var (
	// rejections of adverts for a VRID of ours.
	rejections = []labelled{
		{vrrp.IPTTLErrors, string(wire.IPTTLError)},
		{vrrp.VersionErrors, string(wire.VersionError)},
		{vrrp.InvalidTypeRcvd, string(wire.TypeError)},
		{vrrp.PacketLengthErrors, string(wire.PacketLengthError)},
		{vrrp.ChecksumErrors, string(wire.ChecksumError)},
		{vrrp.CountZeroErrors, string(wire.CountZero)},
		{vrrp.IntervalZeroErrors, string(wire.IntervalZero)},
		{vrrp.InvalidAuthType, string(wire.InvalidAuthType)},
		{vrrp.AuthTypeMismatch, string(wire.AuthTypeMismatch)},
		{vrrp.AuthMissing, string(wire.AuthMissing)},
		{vrrp.AuthMalformed, string(wire.AuthMalformed)},
		{vrrp.AuthStale, string(wire.AuthStale)},
		{vrrp.AuthUnknownKey, string(wire.AuthUnknownKey)},
		{vrrp.AuthInvalidHMAC, string(wire.AuthInvalidHMAC)},
		{vrrp.AuthReplays, string(wire.AuthReplay)},
		{vrrp.PeerErrors, "peer"},
		{vrrp.AuthFailures, string(wire.AuthFailure)},
	}
	// foreign ones are counted for the router as a whole only.
	foreign = []labelled{{vrrp.VRIDErrors, string(wire.VRIDError)}, {vrrp.FloodDrops, string(wire.Flood)}}

	mismatches = []labelled{
		{vrrp.IntervalErrors, string(wire.IntervalError)},
		{vrrp.AddressListErrors, "address-list-error"},
		{vrrp.FirstNotLinkLocal, "first-not-link-local"},
		{vrrp.OwnerConflicts, "owner-conflict"},
	}
	forms = []labelled{
		{vrrp.ChecksumPseudoHeader, wire.PseudoHeader.String()},
		{vrrp.ChecksumMessageOnly, wire.MessageOnly.String()},
	}
)

func newInstances() *instances {
	of := func(name, help string, more ...string) *prometheus.Desc {
		return desc("instance_"+name, help, append([]string{"instance", "interface", "vrid", "family"}, more...)...)
	}
	return &instances{
		state:     of("state", "1 for the state that the virtual router is in, 0 for the others: initialize, backup, active (RFC 8347's master), fault.", "state"),
		moved:     of("last_transition_timestamp_seconds", "When the state last changed, in seconds since 1970."),
		priority:  of("priority", "The configured priority; 255: the owner of the addresses."),
		effective: of("effective_priority", "The priority that is advertised: RFC 8347bis' effective-priority."),
		faults:    of("faults", "How many faults keep the virtual router itself from serving; ripcord_instance_fault names them. 0 in the state fault: another member of its group has them."),
		fault:     of("fault", "1 for each fault that is present: its source (a link, an instance) and its reason. A fault that has ended has no series.", "source", "reason"),

		simple: []tallied{
			{vrrp.Transitions, of("transitions_total", "Changes of the state, of any kind. If it grows by itself, the virtual router flaps.")},
			{vrrp.ActiveTransitions, of("active_transitions_total", "Times that the virtual router became Active: RFC 8347's master-transitions.")},
			{vrrp.AdvertisementRcvd, of("adverts_received_total", "Valid adverts of others: RFC 8347's advertisement-rcvd. A Backup whose count stands still will soon be Active.")},
			{vrrp.AdvertisementSent, of("adverts_sent_total", "Adverts that the kernel took, resignations too: RFC 8347's advertisement-sent. An Active whose count stands still is about to lose its addresses.")},
			{vrrp.PriorityZeroRcvd, of("priority_zero_received_total", "Resignations of others: RFC 8347's priority-zero-pkts-rcvd.")},
			{vrrp.PriorityZeroSent, of("priority_zero_sent_total", "Own resignations: RFC 8347's priority-zero-pkts-sent.")},
		},
		rejected: of("adverts_rejected_total", "Adverts for this VRID that were discarded, by RFC 8347's name of the error: its packet-length-errors and invalid-type-pkts-rcvd (reason type), and this instance's part of the router's ip-ttl-errors, version-errors and checksum-errors; RFC 2787's names for the authentication of VRRPv2, and auth-… for that by HMAC. Somebody speaks VRRP wrongly; the log's advert.rejected says who.", "reason"),
		mismatched: of("adverts_mismatched_total",
			"Adverts that differ from our configuration and are believed all the same (but VRRPv2 discards an interval-error): RFC 8347's interval-errors and address-list-errors, and first-not-link-local, owner-conflict. The routers are not configured alike; the log's advert.mismatch says how.", "reason"),
		form: of("adverts_checksum_total", "Valid adverts over IPv4 by the form of their checksum: pseudo-header, or rfc9568, which leaves that out.", "form"),
		all:  desc("adverts_rejected_total", "Adverts that were discarded, on all links, for a VRID of ours or not: RFC 8347's checksum-errors, version-errors, vrid-errors (VRIDs of others: normal where several routers share a segment) and ip-ttl-errors of the router; flood: dropped by the kernel unread while a link was flooded.", "reason"),
	}
}

func (i *instances) describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		i.state, i.moved, i.priority, i.effective, i.faults, i.fault, i.rejected, i.mismatched, i.form, i.all,
	} {
		out <- d
	}
	for _, s := range i.simple {
		out <- s.desc
	}
}

func (i *instances) collect(source Source, out chan<- prometheus.Metric) {
	totals := make(map[vrrp.Counter]uint64)
	add := func(s *vrrp.Stats) {
		for c, n := range s.Each {
			totals[c] += n
		}
	}
	add(source.Unknown())
	for _, g := range source.Groups() {
		for _, m := range g.Members {
			i.status(&m, out)
			if stats := source.Stats(m.Instance.Instance); stats != nil {
				i.statistics(stats, identity(&m), out)
				add(stats)
			}
		}
	}
	for _, f := range foreign {
		out <- counter(i.all, totals[f.Counter], f.label)
	}
	for _, r := range rejections {
		out <- counter(i.all, totals[r.Counter], r.label)
	}
}

// identity is the values of the labels that every metric of an instance bears.
func identity(m *vrrp.InstanceStatus) []string {
	v := m.Instance.Virtual
	return []string{v.Instance, v.Interface, strconv.Itoa(int(v.VRID)), v.Family.String()}
}

// status tells what the snapshot says.
func (i *instances) status(m *vrrp.InstanceStatus, out chan<- prometheus.Metric) {
	who := identity(m)
	for s := event.Initialize; s <= event.Fault; s++ {
		out <- truth(i.state, s == m.State, append(who, s.String())...)
	}
	out <- gauge(i.moved, seconds(m.Since), who...)
	out <- gauge(i.priority, float64(m.Instance.Priority), who...)
	out <- gauge(i.effective, float64(m.EffectivePriority), who...)
	out <- gauge(i.faults, float64(len(m.Faults)), who...)
	for _, f := range m.Faults {
		out <- gauge(i.fault, 1, append(who, f.Source, string(f.Reason))...)
	}
}

// statistics tells what has been counted.
func (i *instances) statistics(s *vrrp.Stats, who []string, out chan<- prometheus.Metric) {
	for _, c := range i.simple {
		out <- counter(c.desc, s.Get(c.Counter), who...)
	}
	for desc, all := range map[*prometheus.Desc][]labelled{i.rejected: rejections, i.mismatched: mismatches, i.form: forms} {
		for _, c := range all {
			out <- counter(desc, s.Get(c.Counter), append(who, c.label)...)
		}
	}
}
