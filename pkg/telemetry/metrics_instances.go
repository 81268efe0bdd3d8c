package telemetry

import (
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
)

// instances returns the metrics of each virtual router, and of all together.
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
		ofInstance("last_standing", "1 while the virtual router is Active alone, with priority 1, though its group is not: nobody else serves its segment, and another segment may be without a router.",
			func(i *instance) float64 { return truth(i.LastStanding) }),
		{"instance_fault", "1 for each fault that is present: its source (a link, an instance) and its reason. A fault that has ended has no series.", gauge, faults},
		ofInstance("missing", "How much could not be put in place of what the virtual router should hold. It advertises priority 1 as long as others may do better; the log's instance.impaired and ripcord status say what is missing and why.",
			func(i *instance) float64 { return float64(len(i.Missing)) }),
		{"instance_warning", "1 for each warning in force: something that is no fault keeps the virtual router from working as configured; a person has to act. The log's instance.warning and ripcord status say what to do. One that is over has no series.", gauge, warnings},
		{"static_warning", "Likewise for the addresses, routes and rules that are held for no instance.", gauge, staticWarnings},
		shared("adverts_rejected_total", "Adverts for this VRID that were discarded, by RFC 8347's name of the error: its packet-length-errors and invalid-type-pkts-rcvd (reason type), and this instance's part of the router's ip-ttl-errors, version-errors and checksum-errors; RFC 2787's names for the authentication of VRRPv2, and auth-… for that by HMAC. Somebody speaks VRRP wrongly; the log's advert.rejected says who.", "reason", stats.Rejected),
		shared("adverts_mismatched_total", "Adverts that differ from our configuration and are believed all the same (but VRRPv2 discards an interval-error): RFC 8347's interval-errors and address-list-errors, and first-not-link-local, owner-conflict. The routers are not configured alike; the log's advert.mismatch says how.", "reason", stats.Mismatched),
		shared("adverts_checksum_total", "Valid adverts over IPv4 by the form of their checksum: pseudo-header, or rfc9568, which leaves that out.", "form", stats.Form),
		{"adverts_rejected_total", "Adverts that were discarded, on all links, for a VRID of ours or not: RFC 8347's checksum-errors, version-errors, vrid-errors (VRIDs of others: normal where several routers share a segment) and ip-ttl-errors of the router; flood: dropped by the kernel unread while a link was flooded.", counter, rejected},
	}
	for c, d := range stats.All {
		if d.Metric == stats.Alone {
			all = append(all, alone(c, d))
		}
	}
	return all
}

// ofInstance returns a gauge with one series for each instance.
func ofInstance(name, help string, value func(*instance) float64) family {
	return family{"instance_" + name, help, gauge, func(p *page, s *scrape) {
		for i := range s.instances {
			p.put(value(&s.instances[i]), s.instances[i].labels)
		}
	}}
}

// alone returns the metric of one counter of each instance.
func alone(c stats.Counter, d stats.Definition) family {
	return family{"instance_" + d.Label + "_total", d.Help, counter, func(p *page, s *scrape) {
		for _, i := range s.instances {
			if i.stats != nil {
				p.put(float64(i.stats.Get(c)), i.labels)
			}
		}
	}}
}

// shared returns a metric of several counters of each instance, which a label distinguishes.
func shared(name, help, by string, metric stats.Metric) family {
	return family{"instance_" + name, help, counter, func(p *page, s *scrape) {
		for _, i := range s.instances {
			if i.stats == nil {
				continue
			}
			for c, d := range stats.All {
				if d.Metric == metric && !d.Daemon {
					p.put(float64(i.stats.Get(c)), i.labels, by, d.Label)
				}
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

func staticWarnings(p *page, s *scrape) {
	for _, w := range s.static {
		p.put(1, "", "reason", string(w.Reason), "subject", w.Subject)
	}
}

// rejected writes the rejected adverts of the daemon as a whole.
func rejected(p *page, s *scrape) {
	for c, d := range stats.All {
		if d.Metric == stats.Rejected {
			p.put(float64(s.total(c)), "", "reason", d.Label)
		}
	}
}
