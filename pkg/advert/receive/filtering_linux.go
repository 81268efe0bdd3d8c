package receive

import (
	"slices"

	"ripcord/pkg/advert/repeats"
	"ripcord/pkg/repeatfilter"
	"ripcord/pkg/vrrp"
)

// OpenFiltering prepares the kernel to drop repeated adverts for instances, if any of them is
// eligible. It needs CAP_BPF; a Receiver does not need that for the result.
func OpenFiltering(instances []*vrrp.Instance) Filtering {
	if !slices.ContainsFunc(instances, repeats.Eligible) {
		return Filtering{}
	}
	table, err := repeatfilter.Open(len(instances))
	if err != nil {
		return Filtering{Why: err.Error()}
	}
	return Filtering{Filter: table}
}
