package telemetry

import (
	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// tallied is a counter that has a metric of its own.
type tallied struct {
	vrrp.Counter
	name, help string
}

// labelled is a counter that shares its metric with others.
type labelled struct {
	vrrp.Counter
	label string
}

// simple are the counters that have a metric of their own.
var simple = []tallied{
	{vrrp.Transitions, "transitions_total", "Changes of the state, of any kind. If it grows by itself, the virtual router flaps."},
	{vrrp.ActiveTransitions, "active_transitions_total", "Times that the virtual router became Active: RFC 8347's master-transitions."},
	{vrrp.AdvertisementRcvd, "adverts_received_total", "Valid adverts of others: RFC 8347's advertisement-rcvd. A Backup whose count stands still will soon be Active."},
	{vrrp.AdvertisementSent, "adverts_sent_total", "Adverts that the kernel took, resignations too: RFC 8347's advertisement-sent. An Active whose count stands still is about to lose its addresses."},
	{vrrp.PriorityZeroRcvd, "priority_zero_received_total", "Resignations of others: RFC 8347's priority-zero-pkts-rcvd."},
	{vrrp.PriorityZeroSent, "priority_zero_sent_total", "Own resignations: RFC 8347's priority-zero-pkts-sent."},
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

// instances are the metrics of each virtual router, and of all together.
func instances() []family {
	all := []family{
		{"instance_state", "1 for the state that the virtual router is in, 0 for the others: initialize, backup, active (RFC 8347's master), fault.", gauge, states},
		ofInstance("last_transition_timestamp_seconds", "When the state last changed, in seconds since 1970.",
			func(i *instance) float64 { return seconds(i.Since) }),
		ofInstance("priority", "The configured priority; 255: the owner of the addresses.",
			func(i *instance) float64 { return float64(i.Instance.Priority) }),
		ofInstance("effective_priority", "The priority that is advertised: RFC 8347bis' effective-priority.",
			func(i *instance) float64 { return float64(i.EffectivePriority) }),
		ofInstance("faults", "How many faults keep the virtual router itself from serving; ripcord_instance_fault names them. 0 in the state fault: another member of its group has them.",
			func(i *instance) float64 { return float64(len(i.Faults)) }),
		{"instance_fault", "1 for each fault that is present: its source (a link, an instance) and its reason. A fault that has ended has no series.", gauge, faults},
		{"instance_warning", "1 for each warning in force: something that is no fault keeps the virtual router from working as configured; a person has to act. The log's instance.warning and ripcord status say what to do. One that is over has no series.", gauge, warnings},
		shared("adverts_rejected_total", "Adverts for this VRID that were discarded, by RFC 8347's name of the error: its packet-length-errors and invalid-type-pkts-rcvd (reason type), and this instance's part of the router's ip-ttl-errors, version-errors and checksum-errors; RFC 2787's names for the authentication of VRRPv2, and auth-… for that by HMAC. Somebody speaks VRRP wrongly; the log's advert.rejected says who.", "reason", rejections),
		shared("adverts_mismatched_total", "Adverts that differ from our configuration and are believed all the same (but VRRPv2 discards an interval-error): RFC 8347's interval-errors and address-list-errors, and first-not-link-local, owner-conflict. The routers are not configured alike; the log's advert.mismatch says how.", "reason", mismatches),
		shared("adverts_checksum_total", "Valid adverts over IPv4 by the form of their checksum: pseudo-header, or rfc9568, which leaves that out.", "form", forms),
		{"adverts_rejected_total", "Adverts that were discarded, on all links, for a VRID of ours or not: RFC 8347's checksum-errors, version-errors, vrid-errors (VRIDs of others: normal where several routers share a segment) and ip-ttl-errors of the router; flood: dropped by the kernel unread while a link was flooded.", counter, rejected},
	}
	for _, c := range simple {
		all = append(all, c.family())
	}
	return all
}

// ofInstance is a gauge of which each instance has one.
func ofInstance(name, help string, value func(*instance) float64) family {
	return family{"instance_" + name, help, gauge, func(p *page, s *scrape) {
		for i := range s.instances {
			p.put(value(&s.instances[i]), s.instances[i].labels)
		}
	}}
}

func (c tallied) family() family {
	return family{"instance_" + c.name, c.help, counter, func(p *page, s *scrape) {
		for _, i := range s.instances {
			if i.stats != nil {
				p.put(float64(i.stats.Get(c.Counter)), i.labels)
			}
		}
	}}
}

// shared is a metric of several counters of each instance, told apart by a label.
func shared(name, help, by string, all []labelled) family {
	return family{"instance_" + name, help, counter, func(p *page, s *scrape) {
		for _, i := range s.instances {
			if i.stats == nil {
				continue
			}
			for _, c := range all {
				p.put(float64(i.stats.Get(c.Counter)), i.labels, by, c.label)
			}
		}
	}}
}

func states(p *page, s *scrape) {
	for _, i := range s.instances {
		for state := event.Initialize; state <= event.Fault; state++ {
			p.put(truth(state == i.State), i.labels, "state", state.String())
		}
	}
}

func faults(p *page, s *scrape) {
	for _, i := range s.instances {
		for _, f := range i.Faults {
			p.put(1, i.labels, "reason", string(f.Reason), "source", f.Source)
		}
	}
}

func warnings(p *page, s *scrape) {
	for _, i := range s.instances {
		for _, w := range i.warnings {
			p.put(1, i.labels, "reason", string(w.Reason), "subject", w.Subject)
		}
	}
}

// rejected tells of the router as a whole.
func rejected(p *page, s *scrape) {
	for _, all := range [][]labelled{foreign, rejections} {
		for _, c := range all {
			p.put(float64(s.total(c.Counter)), "", "reason", c.label)
		}
	}
}
