package monitor

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// Snapshot returns the facts that the daemon would have now about the existing links of these
// names.
func Snapshot(names []string, s link.Sources, at time.Time) ([]event.Link, error) {
	if len(names) == 0 {
		return nil, nil
	}
	k := newKernel()
	all, err := k.dump(ofLinks)
	if err != nil {
		return nil, err
	}
	list, err := k.dump(ofAddresses)
	if err != nil {
		return nil, err
	}
	all.Reason, all.OfAddresses, all.Addresses = link.Initial, true, list.Addresses
	table := link.NewTable(link.TableConfig{Minter: event.NewMinter(0), Watched: names, Sources: s})
	table.Observe(all, at)
	return table.Links(names...), nil
}
