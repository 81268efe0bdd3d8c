package daemon

import (
	"fmt"
	"os"
	"slices"
	"time"

	"ripcord/pkg/command"
	"ripcord/pkg/config"
	"ripcord/pkg/event"
	"ripcord/pkg/link/monitor"
	"ripcord/pkg/listing"
	"ripcord/pkg/vrrp"
)

// Advise returns the ways in which a configuration does not fit this machine, one sentence each.
func Advise(c *config.Config) ([]string, error) {
	there, err := monitor.Snapshot(Named(c), Sources(c), time.Now())
	if err != nil {
		return nil, err
	}
	return slices.Concat(adviseOwner(c), adviseAbsent(c, there), advise(c.Instances(), there), adviseOwned(c, ownAddresses()), adviseCommands(c), adviseNotify(c), adviseFences(c)), nil
}

// CheckOwner returns an error if any user but root and that of this process could change a
// configuration, and with it the commands that are run as any user.
func CheckOwner(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil // a pipe: nobody could change what was read
	}
	if err := command.CheckOwned(path); err != nil {
		return fmt.Errorf("the configuration says what is run as any user: %w", err)
	}
	return nil
}

// adviseOwner returns a sentence if others could change the configuration.
func adviseOwner(c *config.Config) []string {
	if err := CheckOwner(c.File); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// Named returns all interfaces in the configuration, once each: those of Interfaces, and those of
// addresses and routes.
func Named(c *config.Config) []string {
	all := slices.Concat(Interfaces(c), heldInterfaces(c))
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "" })
}

// adviseAbsent returns a sentence for each interface in the configuration that does not exist on
// this machine and that ripcord does not make itself.
func adviseAbsent(c *config.Config, there []event.Link) (advice []string) {
	beside := ""
	if c.Format == config.Keepalived {
		beside = "; keepalived does not start without it, unless there is dynamic_interfaces"
	}
	known := map[string]bool{"": true}
	for _, l := range there {
		known[l.Name] = true
	}
	for _, s := range c.Sets {
		if s.Device != nil {
			known[s.Device.Name] = true
		}
	}
	for _, in := range c.Instances() {
		if known[in.Interface] {
			continue
		}
		known[in.Interface] = true
		advice = append(advice, fmt.Sprintf("there is no interface %s: %s waits in Fault until there is one", in.Interface, in.Name)+beside)
	}
	for _, name := range Named(c) {
		if !known[name] {
			known[name] = true
			advice = append(advice, fmt.Sprintf("there is no interface %s: it counts as down, and nothing can be added to it, until there is one", name)+beside)
		}
	}
	return advice
}

// advise returns the ways in which the instances do not fit the links that exist. What several
// instances have in common is one sentence.
func advise(all []*vrrp.Instance, there []event.Link) (advice []string) {
	links, first := make(map[string]event.Link), make(map[int]string)
	for _, l := range there {
		links[l.Name] = l
		if other, known := first[l.Index]; known {
			advice = append(advice, fmt.Sprintf("%s and %s are one interface: use one of the names everywhere", other, l.Name))
		} else {
			first[l.Index] = l.Name
		}
	}
	var troubles []string
	names := make(map[string][]string)
	for _, in := range all {
		l, here := links[in.Interface]
		if !here {
			continue
		}
		trouble := misfit(in, l)
		if trouble == "" {
			continue
		}
		if names[trouble] == nil {
			troubles = append(troubles, trouble)
		}
		names[trouble] = append(names[trouble], in.Name)
	}
	for _, trouble := range troubles {
		advice = append(advice, listing.First(maxNamed, names[trouble])+": "+trouble)
	}
	return advice
}

// maxNamed is how many instances a sentence of advice names.
const maxNamed = 3

// misfit returns how an instance does not fit its link; empty if it does.
func misfit(in *vrrp.Instance, l event.Link) string {
	if trouble := in.Trouble(l); trouble != "" {
		return trouble
	}
	if in.IsForeign(&l) {
		return fmt.Sprintf("source %s is neither on %s nor on a loopback link: adverts are sent from it all the same", in.Source, l.Name)
	}
	source, near := in.SourceOn(l)
	if near || len(in.Unicast.Peers)+len(in.Addresses) == 0 {
		return ""
	}
	whom, do := "the virtual addresses", "add an address of that subnet, or name a source"
	if len(in.Unicast.Peers) > 0 {
		whom, do = "all of the peers", "make source and the list of peers agree"
	}
	return fmt.Sprintf("adverts are sent on %s from %s, which is not in the subnet of %s: %s", l.Name, source, whom, do)
}
