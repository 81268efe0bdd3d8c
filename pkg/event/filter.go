package event

// AdvertFilter reports whether the kernel counts the adverts that repeat the last one of their
// Active, once at the start.
type AdvertFilter struct {
	Stamp
	Why string // why it does not; empty: it does
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
		return []Field{{"way", "none"}, {"why", e.Why}}
	}
	return []Field{{"way", "ebpf"}}
}
