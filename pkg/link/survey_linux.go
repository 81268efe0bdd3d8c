package link

import (
	"time"

	"ripcord/pkg/event"
)

// Survey returns what the daemon would know of the links of these names now, without
// those that are not there.
func Survey(names []string, s Sources, at time.Time) ([]event.Link, error) {
	k := newKernel()
	all, err := k.dump(ofLinks)
	if err != nil {
		return nil, err
	}
	addresses, err := k.dump(ofAddresses)
	if err != nil {
		return nil, err
	}
	all.Reason, all.OfAddresses, all.Addresses = Initial, true, addresses.Addresses
	table := NewTable(event.NewMinter(0), names, func(string) Settings { return Settings{} })
	table.sourcesAre(s)
	table.Observe(all, at)
	if len(names) == 0 {
		return nil, nil
	}
	return table.Links(names...), nil
}
