package telemetry

import "ripcord/pkg/event"

// notifyResults are the results of notify commands, in the order in which they are counted.
var notifyResults = [...]event.NotifyResult{event.NotifyDone, event.NotifyFailed, event.NotifyKilled, event.NotifyUnrun}

// counted returns the metrics that Metrics itself counts, for the whole daemon.
func (m *Metrics) counted() []family {
	return []family{
		{"link_reaction_seconds", "Time from reading the loss of a link from the kernel or the NIC until its group changed its state. Above 0.01 the machine is overloaded and failovers are late.", durations, m.reaction.series},
		{"advert_lateness_seconds", "Delay of an advert: time from its planned instant until the kernel had it. Above one interval, Backups count it as missed. Look for CPU starvation, a paused virtual machine, swapping.", durations, m.lateness.series},
		{"link_resyncs_total", "Comparisons of the link table with the kernel, by reason: overrun (netlink messages were lost, since links changed faster than ripcord could read), audit (periodic).", counter, func(p *page, _ *scrape) {
			p.put(float64(m.overruns.Load()), "", "reason", "overrun")
			p.put(float64(m.audits.Load()), "", "reason", "audit")
		}},
		ofDaemon("link_resync_differences_total", "Changes of links or addresses that were found only by such a comparison. If this grows, the kernel's notifications are not reliable on this machine.", m.differences.Load),
		ofDaemon("engine_stalls_total", "Times that the process or the machine was stopped for too long while Active (virtual machine pause, SIGSTOP, overload). ripcord then sent nothing for one interval and listened for another Active.", m.stalls.Load),
		ofDaemon("engine_lease_losses_total", "Times that an instance stopped its adverts and released its addresses because the main loop hung. This is a bug of ripcord or a heavily overloaded machine: keep the log.", m.leases.Load),
		ofDaemon("control_listen_failures_total", "Failures to open control.listen, counted once per reason: another program uses the port, or its address is not on this machine. See control.failed in the log; ripcord tries again each second.", m.listenFailures.Load),
		{"notify_runs_total", "Notify commands that ended, by result: done (exit status 0), failed (another exit status), killed (after its timeout), unrun (could not be started). See notify.ran in the log.", counter, func(p *page, _ *scrape) {
			for i, result := range notifyResults {
				p.put(float64(m.notified[i].Load()), "", "result", string(result))
			}
		}},
		ofDaemon("notify_merged_total", "Transitions whose notify commands were skipped, because the commands of earlier transitions were still running when the next transition came. The last transition of each instance and group is never skipped.", m.merged.Load),
		ofDaemon("runner_lost_total", "Times that the process that runs check, notify and fence commands was lost. Meanwhile checks keep their states and no command runs. ripcord restarts it. See runner.lost in the log.", func() uint64 { return m.cfg.Source.Runner().Lost }),
		{"kernel_questions_failed_total", "Failures of questions to the kernel that ripcord repeats until they are answered, by question. Some failures do no harm; ripcord_machine_warning shows questions that keep failing.", counter, func(p *page, _ *scrape) {
			for _, f := range m.cfg.Source.Unanswered() {
				p.put(float64(f.Count), "", "question", string(f.Question))
			}
		}},
		{"runner_unkept", "1 if no process would restart the runner, since the one that would has ended: restart ripcord. 0 otherwise.", gauge, func(p *page, _ *scrape) {
			p.put(truth(m.cfg.Source.Runner().Unkept), "")
		}},
		{"runner_ready", "1 while the process that runs check, notify and fence commands is ready, 0 otherwise.", gauge, func(p *page, _ *scrape) {
			ready := 0.0
			if r := m.cfg.Source.Runner(); r.Ready && r.Err == "" {
				ready = 1
			}
			p.put(ready, "")
		}},
		ofDaemon("notify_fifo_lines_lost_total", "Lines lost because the FIFO for transitions was full: no program reads it, or the reader is too slow.", m.cfg.FIFOLinesLost),
	}
}

// ofDaemon returns a counter with one series, for the whole daemon.
func ofDaemon(name, help string, count func() uint64) family {
	return family{name, help, counter, func(p *page, _ *scrape) { p.put(float64(count()), "") }}
}
