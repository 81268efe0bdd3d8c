package telemetry

import "ripcord/pkg/event"

// notifyResults are the results of notify commands, in the order in which they are counted.
var notifyResults = [...]event.NotifyResult{event.NotifyDone, event.NotifyFailed, event.NotifyKilled, event.NotifyUnrun}

// counted returns the metrics that Metrics itself counts, for the whole daemon.
func (m *Metrics) counted() []family {
	return []family{
		{"link_reaction_seconds", "From the instant at which the loss of a link was read from the kernel or the NIC to the move of the group that uses it. Above 0.01 the machine is overloaded: failovers are late.", durations, m.reaction.series},
		{"advert_lateness_seconds", "How long after its instant the kernel had an advert. Beyond one interval a Backup begins to count it as missed; look for CPU starvation, a paused virtual machine, swapping.", durations, m.lateness.series},
		{"link_resyncs_total", "Comparisons of the link table with the kernel, by reason: overrun (netlink messages were lost: link changes come faster than they can be read), audit (periodic).", counter, func(p *page, _ *scrape) {
			p.put(float64(m.overruns.Load()), "", "reason", "overrun")
			p.put(float64(m.audits.Load()), "", "reason", "audit")
		}},
		ofDaemon("link_resync_differences_total", "Changes of links or addresses that only such a comparison found. If it grows, the kernel's notifications cannot be relied upon here.", m.differences.Load),
		ofDaemon("engine_stalls_total", "Times that an Active woke too late to go on as such: the process, or the whole machine, stood still (virtual machine pause, SIGSTOP, overload). It was silent for an interval and listened for another Active.", m.stalls.Load),
		ofDaemon("engine_lease_losses_total", "Times that the adverts and addresses of an instance were given up since the loop that leads it hung. It is a bug of ripcord or a machine far beyond its load: keep the log.", m.leases.Load),
		ofDaemon("control_listen_failures_total", "Reasons for which control.listen could not be opened: another program has the port, or its address is on a link that is not there. The log's control.failed says which; it is tried again each second.", m.listenFailures.Load),
		{"notify_runs_total", "Notify commands that have ended, by result: done (exit status 0), failed (another), killed (its timeout was over), unrun (it could not be started). The log's notify.ran says which and why.", counter, func(p *page, _ *scrape) {
			for i, result := range notifyResults {
				p.put(float64(m.notified[i].Load()), "", "result", string(result))
			}
		}},
		ofDaemon("notify_merged_total", "Transitions for which no notify command ran, since the commands for earlier ones took longer than it took for the next to come. The last one of each instance and group is never left out.", m.merged.Load),
		ofDaemon("runner_lost_total", "Times that the process which runs checks, notify and fence commands was lost. Meanwhile checks keep their states and no command runs. The log's runner.lost says why; it comes back by itself.", func() uint64 { return m.cfg.Source.Runner().Lost }),
		{"runner_unkept", "1 if nobody would start that process again, else 0: the process that would has ended, and ripcord has to be restarted.", gauge, func(p *page, _ *scrape) {
			p.put(truth(m.cfg.Source.Runner().Unkept), "")
		}},
		{"runner_ready", "1 while the process that runs checks, notify and fence commands is ready, else 0.", gauge, func(p *page, _ *scrape) {
			ready := 0.0
			if r := m.cfg.Source.Runner(); r.Ready && r.Err == "" {
				ready = 1
			}
			p.put(ready, "")
		}},
		ofDaemon("notify_fifo_lines_lost_total", "Lines that the FIFO for transitions had no room for: nobody reads it, or the reader is too slow.", m.cfg.FIFOLinesLost),
	}
}

// ofDaemon returns a counter with one series, for the whole daemon.
func ofDaemon(name, help string, count func() uint64) family {
	return family{name, help, counter, func(p *page, _ *scrape) { p.put(float64(count()), "") }}
}
