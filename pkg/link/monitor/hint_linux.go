package monitor

import "ripcord/pkg/hint"

// OpenHints attaches the programs that report changes of the kernel's carrier flags. That takes
// CAP_BPF and CAP_PERFMON; a Monitor that uses the result needs neither.
func OpenHints() Hints {
	source, err := hint.Open()
	if err != nil {
		return Hints{Why: err.Error()}
	}
	return Hints{Source: source, Attachment: source.Attachment()}
}
