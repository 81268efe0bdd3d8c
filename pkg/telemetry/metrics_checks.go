package telemetry

import "ripcord/pkg/track"

// checks returns the metrics of each check.
func checks() []family {
	return []family{
		ofCheck("up", gauge, "1 if the check passes; 0 if it fails or has no result yet. ripcord_instance_fault and ripcord_instance_effective_priority show the effect on instances.",
			func(k *check) float64 { return truth(k.State == track.Up) }),
		ofCheck("value", gauge, "The value that a file check adds to the priority; 0 for other checks.",
			func(k *check) float64 { return float64(k.Value) }),
		ofCheck("last_change_timestamp_seconds", gauge, "Time of the last state change of the check, in seconds since 1970.",
			func(k *check) float64 { return seconds(k.Since) }),
		ofCheck("runs_total", counter, "Runs of the check with a result. If this does not grow, the check hangs: see timeout and interval.",
			func(k *check) float64 { return float64(k.Runs) }),
		ofCheck("failures_total", counter, "Failed runs, including those that did not change the state because of rise and fall. See check.changed in the log and ripcord status for the reason.",
			func(k *check) float64 { return float64(k.Failed) }),
		ofCheck("skipped_total", counter, "Runs that were skipped because the previous run was not finished, or that had no result, for example while ripcord runner is lost. If this grows while ripcord_runner_ready is 1, the check takes longer than its interval.",
			func(k *check) float64 { return float64(k.Skipped) }),
	}
}

// ofCheck returns a metric with one series for each check.
func ofCheck(name string, of kind, help string, value func(*check) float64) family {
	return family{"check_" + name, help, of, func(p *page, s *scrape) {
		for i := range s.checks {
			p.put(value(&s.checks[i]), s.checks[i].labels)
		}
	}}
}
