package telemetry

import (
	"ripcord/pkg/event"
	"ripcord/pkg/stats"
)

// instances returns the metrics of each virtual router, and of all together.
func instances() []family {
	all := []family{
		{"instance_state", "1 for the current state of the virtual router, 0 for the others: initialize, backup, active (RFC 8347: master), fault.", gauge, states},
		ofInstance("last_transition_timestamp_seconds", "Time of the last state change, in seconds since 1970.",
			func(i *instance) float64 { return seconds(i.Since) }),
		ofInstance("priority", "The configured priority. 255: the owner of the addresses.",
			func(i *instance) float64 { return float64(i.Instance.Priority) }),
		ofInstance("effective_priority", "The advertised priority (RFC 8347bis: effective-priority).",
			func(i *instance) float64 { return float64(i.EffectivePriority) }),
		ofInstance("faults", "Number of faults of the virtual router itself; ripcord_instance_fault names them. 0 in the state fault means that another member of its group has a fault.",
			func(i *instance) float64 { return float64(len(i.Faults)) }),
		ofInstance("last_standing", "1 while the virtual router is Active alone, with priority 1, although its group is not: no other router serves its segment, and another segment may be without a router.",
			func(i *instance) float64 { return truth(i.LastStanding) }),
		{"instance_fault", "1 for each current fault, with its source (a link, an instance) and its reason. A fault that has ended has no series.", gauge, faults},
		ofInstance("missing", "Number of addresses, routes and rules that the virtual router should hold but lacks. It advertises priority 1 while another router may do better. See instance.impaired in the log and ripcord status.",
			func(i *instance) float64 { return float64(len(i.Missing)) }),
		{"instance_warning", "1 for each current warning: the virtual router does not work as configured, but this is no fault. An operator must act. See instance.warning in the log and ripcord status. A warning that has ended has no series.", gauge, warnings},
		{"static_warning", "1 for each current warning about static addresses, routes and rules.", gauge, staticWarnings},
		{"machine_warning", "1 for each current warning about the machine, which concerns all virtual routers: a question to the kernel keeps failing, or the control socket cannot be opened.", gauge, machineWarnings},
		shared("adverts_rejected_total", "Rejected adverts for this VRID, by RFC 8347's name of the error: packet-length-errors and invalid-type-pkts-rcvd (reason type), and this instance's part of ip-ttl-errors, version-errors and checksum-errors; RFC 2787's names for the authentication of VRRPv2, and auth-… for HMAC. See advert.rejected in the log for the sender.", "reason", stats.Rejected),
		shared("adverts_mismatched_total", "Accepted adverts that differ from our configuration (VRRPv2 rejects an interval-error): RFC 8347's interval-errors and address-list-errors, and first-not-link-local, owner-conflict. The routers have different configurations: see advert.mismatch in the log.", "reason", stats.Mismatched),
		shared("adverts_checksum_total", "Valid adverts over IPv4 by the form of their checksum: pseudo-header, or rfc9568 (without it).", "form", stats.Form),
		{"adverts_rejected_total", "Rejected adverts on all links, for configured and other VRIDs: RFC 8347's checksum-errors, version-errors, vrid-errors (VRIDs of others: normal if several virtual routers share a segment) and ip-ttl-errors of the router; flood: dropped by the kernel, unread, while a link was flooded.", counter, rejected},
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

func staticWarnings(p *page, s *scrape) { p.warnings(s.static) }

func machineWarnings(p *page, s *scrape) { p.warnings(s.machine) }

// warnings writes warnings that belong to no instance.
func (p *page) warnings(all []event.Warning) {
	for _, w := range all {
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
