package repeats

import "ripcord/pkg/vrrp"

// Allowed records the last order for each instance, by name: whether the router allows its repeated
// adverts to be dropped.
type Allowed map[string]bool

// Keep drops the orders for instances that a reload has removed, or whose name now belongs to
// another virtual router.
func (a Allowed) Keep(before, next []*vrrp.Instance) {
	byName := make(map[string]*vrrp.Instance, len(next))
	for _, in := range next {
		byName[in.Name] = in
	}
	for _, in := range before {
		if now := byName[in.Name]; now == nil || !now.Same(in) {
			delete(a, in.Name)
		}
	}
}
