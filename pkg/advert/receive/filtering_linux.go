package receive

import (
	"slices"

	"ripcord/pkg/advert/repeats"
	"ripcord/pkg/repeatfilter"
	"ripcord/pkg/vrrp"
)

// OpenFiltering has the kernel be ready to drop repeated adverts for instances, if that is wanted
// for any of them. It takes CAP_BPF; a Receiver does not need that for what it returns.
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
