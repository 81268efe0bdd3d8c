package monitor

import "ripcord/pkg/hint"

// OpenHints has the kernel report changes of its carrier flags, which takes CAP_BPF and
// CAP_PERFMON; a Monitor needs neither for what it returns.
func OpenHints() Hints {
	source, err := hint.Open()
	if err != nil {
		return Hints{Why: err.Error()}
	}
	return Hints{Source: source, Way: source.Way()}
}
