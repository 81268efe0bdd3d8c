package keepalived

import (
	"slices"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// A commonDifference concerns every instance with some setting. It is noted once, at the first of
// them, to avoid a line for each.
type commonDifference struct {
	// where returns the places in the file that cause the difference, the best one first, or none
	// if the instance is not concerned.
	where func(g *globals, i *instance) []tree.Position
	how   string
	hint  string
}

var commonDifferences = []commonDifference{
	{
		func(_ *globals, i *instance) []tree.Position {
			if i.preemptDelay.value == 0 {
				return nil
			}
			return []tree.Position{i.preemptDelay.at}
		},
		"preempt_delay starts when the last fault of this router ends, or a weight raises its priority above that of the Active; under keepalived it starts at the first advert of lower priority. " +
			"If the Active lowers its own priority, ripcord takes over without the delay", "",
	},
	{
		func(g *globals, i *instance) []tree.Position {
			bounded := slices.ContainsFunc(i.peers, func(p peer) bool { return p.minTTL.said || p.maxTTL.said })
			checked := i.sourcesChecked.or(g.sourcesChecked)
			if len(i.peers) == 0 || bounded || !checked.said || checked.value == 1 {
				return nil // without the keyword, the file does not ask for other sources
			}
			return []tree.Position{i.peersAt, i.at}
		},
		"ripcord accepts only adverts from these peers; keepalived accepts adverts from any source while vrrp_check_unicast_src is off",
		"list every other router by the source address of its adverts",
	},
	{
		func(_ *globals, i *instance) []tree.Position {
			if len(i.peers) == 0 || i.family != 6 || i.ttl.said {
				return nil
			}
			return []tree.Position{i.peersAt, i.at}
		},
		"ripcord sends unicast adverts over IPv6 with hop limit 255; keepalived uses the kernel's default, usually 64, unless unicast_ttl is set", "",
	},
}

// noteCommon notes the common differences of the file.
func noteCommon(r *syntax.Report, g *globals, instances []*instance) {
	for _, d := range commonDifferences {
		for _, i := range instances {
			if places := d.where(g, i); len(places) > 0 {
				r.Subject = i.title()
				r.Differ(r.Free(places...), d.hint, "%s", d.how)
				break
			}
		}
	}
}
