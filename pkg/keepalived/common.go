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
		"preempt_delay starts when the last fault of this router ends; under keepalived it starts at the first advert of lower priority. " +
			"After a change of priority by a weight, ripcord takes over without the delay", "",
	},
	{
		func(g *globals, i *instance) []tree.Position {
			bounded := slices.ContainsFunc(i.peers, func(p peer) bool { return p.minTTL.said || p.maxTTL.said })
			if len(i.peers) == 0 || bounded || i.sourcesChecked.or(g.sourcesChecked).value == 1 {
				return nil
			}
			return []tree.Position{i.peersAt, i.at}
		},
		"ripcord accepts only adverts from these peers; keepalived accepts adverts from any source unless check_unicast_src is set",
		"list every other router by the source address of its adverts",
	},
	{
		func(_ *globals, i *instance) []tree.Position {
			if len(i.peers) == 0 || i.source.Text == "" || i.trackSource.said {
				return nil
			}
			return []tree.Position{i.sourceAt}
		},
		"while this machine does not have the source address, the instance is in Fault; keepalived becomes MASTER then, since it receives no advert", "",
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

// noteCommands notes, once, how notify commands run.
func noteCommands(r *syntax.Report, instances []*instance, groups []*group) {
	r.Subject = ""
	var places, instead []tree.Position
	for _, i := range instances {
		places = append(places, i.notify.places()...)
		instead = append(instead, i.at)
	}
	for _, g := range groups {
		places = append(places, g.notify.places()...)
	}
	if len(places) == 0 {
		return
	}
	slices.SortFunc(places, tree.Position.Compare)
	r.Differ(r.Free(append(places, instead...)...), "", "ripcord runs notify commands one after the other; it ends a command that runs for over a minute while the next transition waits, "+
		"and background processes of a command end with ripcord (docs/notify.md)")
}

// places returns the places of the commands.
func (n *notify) places() (places []tree.Position) {
	for _, c := range []command{n.master, n.backup, n.fault, n.stop, n.any} {
		if c.said {
			places = append(places, c.at)
		}
	}
	return places
}
