package daemon

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/link/monitor"
	"ripcord/pkg/vrrp"
)

// Advise returns what in a configuration is not as it should be on this machine, a sentence
// each. A link that is not there may be meant for another machine, and is left out.
func Advise(c *config.Config) ([]string, error) {
	there, err := monitor.Snapshot(interfaces(c), sources(c), time.Now())
	if err != nil {
		return nil, err
	}
	return slices.Concat(advise(instances(c), there), adviseCommands(c), adviseNotify(c), adviseFences(c)), nil
}

// advise is Advise for what is known of the links.
func advise(all []*vrrp.Instance, there []event.Link) (advice []string) {
	links, first := make(map[string]event.Link), make(map[int]string)
	for _, l := range there {
		links[l.Name] = l
		if other, known := first[l.Index]; known {
			advice = append(advice, fmt.Sprintf("%s and %s are one interface: name it in one way", other, l.Name))
		} else {
			first[l.Index] = l.Name
		}
	}
	for _, in := range all {
		l, here := links[in.Interface]
		if !here {
			continue
		}
		if trouble := in.Trouble(l); trouble != "" {
			advice = append(advice, in.Name+": "+trouble)
		} else if source, near := in.SourceOn(l); !near && len(in.Unicast.Peers)+len(in.Addresses) > 0 {
			whom, do := "its virtual addresses", "add an address of that subnet, or name a source"
			if len(in.Unicast.Peers) > 0 {
				whom, do = "all of its peers", "see that source and what the peers list agree"
			}
			advice = append(advice, fmt.Sprintf("%s: its adverts leave %s from %s, which is not in the subnet of %s: %s", in.Name, l.Name, source, whom, do))
		}
	}
	return advice
}
