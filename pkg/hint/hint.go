// Package hint makes the kernel report at once on which link the carrier has changed, with two
// eBPF programs of a dozen instructions. The kernel's own notification may come a second later.
//
// A Record is a hint: it names the link that should be asked, but not the answer. Open needs
// CAP_BPF and CAP_PERFMON, and the kernel's BTF; the result needs none of them.
package hint

import "time"

// Kind is the kernel's action.
type Kind uint32

const (
	// Changed means that the kernel has changed its carrier flag of the link. The flag has its
	// new value when the record is made.
	Changed Kind = iota + 1
	// Flagged means that the link's driver answers ETHTOOL_GLINK from that flag alone, so its
	// answer changes only with a record of Changed. It is reported once for each link, when the
	// link is first asked.
	Flagged
)

// Record is one report of the kernel.
type Record struct {
	Index int // the ifindex, in the network namespace of this process
	Kind  Kind
	At    time.Time // when it happened
}
