package event

// AdvertFilter reports, once at the start, whether the kernel counts the adverts that repeat the
// last one of their Active.
type AdvertFilter struct {
	Stamp
	Why string // why it does not; empty if it does
}

func (AdvertFilter) Name() string { return "advert.filter" }

func (AdvertFilter) Level() Level { return Info }

func (e AdvertFilter) Message() string {
	if e.Why != "" {
		return "the kernel does not count adverts that repeat the last one, by eBPF, so each one is read: " + e.Why
	}
	return "the kernel counts adverts that repeat the last one, by eBPF filters, while this router is Backup"
}

func (e AdvertFilter) Fields() []Field {
	if e.Why != "" {
		return []Field{{"attachment", "none"}, {"why", e.Why}}
	}
	return []Field{{"attachment", "ebpf"}}
}
