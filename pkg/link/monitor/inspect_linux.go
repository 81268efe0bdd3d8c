package monitor

import (
	"fmt"
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/nic"
)

// Inspect asks the NICs of these names, or all but the loopback if names is empty, for everything
// that they can report. It asks each once. It returns an error if the kernel cannot be asked or a
// name has no NIC. The report says which questions lack CAP_NET_ADMIN.
func Inspect(names []string, at time.Time) ([]nic.Report, error) {
	k := newKernel()
	dump, err := k.dump(ofLinks)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(dump.Links, func(s link.Seen) bool { return s.Has(name) }) {
			return nil, fmt.Errorf("there is no interface %s: ripcord link without a name shows all", name)
		}
	}
	all := make([]string, len(dump.Links))
	for i, s := range dump.Links {
		all[i] = s.Name
	}
	hints := OpenHints()
	if hints.Source != nil {
		defer func() { _ = hints.Source.Close() }()
	}
	table := link.NewTable(link.TableConfig{
		Minter: event.NewMinter(0), Watched: all, Default: link.Settings{Monitor: link.Auto, Hint: true}, Hints: hints.known(),
	})
	dump.Reason = link.Initial
	table.Observe(dump, at)
	client := nic.NewClient()
	defer client.Close()
	var reports []nic.Report
	for _, s := range dump.Links {
		if wanted(s, names) {
			reports = append(reports, inspect(client, table, hints, s, at))
		}
	}
	return reports, nil
}

func wanted(s link.Seen, names []string) bool {
	if len(names) == 0 {
		return s.Name != "lo"
	}
	return slices.ContainsFunc(names, s.Has)
}

// inspect asks one NIC, and asks the table which monitor auto would choose for it.
func inspect(client *nic.Client, table *link.Table, hints Hints, s link.Seen, at time.Time) nic.Report {
	device := table.Underneath(nil, 0, s.Name)[0].Device
	report, can := client.Inspect(device, nic.Report{
		Name: s.Name, Index: s.Index, AdminUp: s.AdminUp, Carrier: s.LowerUp,
		OperState: s.OperState.String(), UpCount: s.UpCount, DownCount: s.DownCount,
	})
	for hints.Source != nil && hints.Source.Pending() { // they show whether the driver answered from the kernel's flag
		if record, err := hints.Source.Next(); err == nil {
			table.Observe(link.Hinted{Record: record}, at)
		}
	}
	table.Observe(link.Examined{Device: device, Capabilities: can}, at)
	report.Monitor, report.Why = table.Monitor(s.Index)
	report.Hint, report.HintWhy = table.Hinting(s.Index)
	if can.NoPermission {
		report.Why += "; but whether a transceiver could report it is not known without CAP_NET_ADMIN"
	}
	return report
}
