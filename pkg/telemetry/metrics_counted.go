package telemetry

import "github.com/prometheus/client_golang/prometheus"

// counted describes what Metrics count themselves, for the whole daemon.
type counted struct{ reaction, lateness, resyncs, differences, stalls, leases *prometheus.Desc }

func newCounted() *counted {
	return &counted{
		reaction: desc("link_reaction_seconds", "From the instant at which the loss of a link was read from the kernel or the NIC to the move of the group that uses it. Above 0.01 the machine is overloaded: failovers are late."),
		lateness: desc("advert_lateness_seconds", "How long after its instant the kernel had an advert. Beyond one interval a Backup begins to count it as missed; look for CPU starvation, a paused virtual machine, swapping."),
		resyncs:  desc("link_resyncs_total", "Comparisons of the link table with the kernel, by reason: overrun (netlink messages were lost: link changes come faster than they can be read), audit (periodic).", "reason"),
		differences: desc("link_resync_differences_total",
			"Changes of links or addresses that only such a comparison found. If it grows, the kernel's notifications cannot be relied upon here."),
		stalls: desc("engine_stalls_total", "Times that an Active woke too late to go on as such: the process, or the whole machine, stood still (virtual machine pause, SIGSTOP, overload). It was silent for an interval and listened for another Active."),
		leases: desc("engine_lease_losses_total", "Times that the adverts and addresses of an instance were given up since the loop that leads it hung. It is a bug of ripcord or a machine far beyond its load: keep the log."),
	}
}

func (c *counted) describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.reaction, c.lateness, c.resyncs, c.differences, c.stalls, c.leases} {
		out <- d
	}
}

func (c *counted) collect(m *Metrics, out chan<- prometheus.Metric) {
	out <- m.reaction.metric(c.reaction)
	out <- m.lateness.metric(c.lateness)
	out <- counter(c.resyncs, m.overruns.Load(), "overrun")
	out <- counter(c.resyncs, m.audits.Load(), "audit")
	out <- counter(c.differences, m.differences.Load())
	out <- counter(c.stalls, m.stalls.Load())
	out <- counter(c.leases, m.leases.Load())
}
