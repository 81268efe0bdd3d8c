package link

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// Look asks the NICs of these names, or all but the loopback where there are
// none, for all they can tell. It asks each once, and fails where the kernel
// cannot be asked or there is no NIC of a name. What needs CAP_NET_ADMIN and is
// refused stands in the answer.
func Look(names []string, at time.Time) ([]NIC, error) {
	k := newKernel()
	dump, err := k.dump(ofLinks)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(dump.Links, func(s Seen) bool { return s.has(name) }) {
			return nil, fmt.Errorf("there is no interface %s: ripcord link without a name shows all", name)
		}
	}
	all := make([]string, len(dump.Links))
	for i, s := range dump.Links {
		all[i] = s.Name
	}
	table := NewTable(event.NewMinter(0), all, func(string) Settings { return Settings{Monitor: Auto} })
	dump.Reason = Initial
	table.Observe(dump, at)
	asker := &driver{}
	defer asker.close()
	var nics []NIC
	for _, s := range dump.Links {
		if wanted(s, names) {
			nics = append(nics, asker.look(table, s, at))
		}
	}
	return nics, nil
}

func wanted(s Seen, names []string) bool {
	if len(names) == 0 {
		return s.Name != "lo"
	}
	return slices.ContainsFunc(names, s.has)
}

// look asks one NIC, and the table what auto would choose for it.
func (a *driver) look(table *Table, s Seen, at time.Time) NIC {
	nic := describeNIC(s)
	target := table.Underneath(nil, 0, s.Name)[0]
	means := Means{Index: target.Index, Birth: target.Birth}

	if up, err := a.glink(s.Name); err != nil {
		nic.GLINK.Error = fmt.Sprintf("ETHTOOL_GLINK: %v", err)
	} else {
		nic.GLINK.Up, means.GLINK = &up, true
	}
	nic.Driver, _ = a.driverInfo(s.Name)
	if why, err := a.reason(target); err != nil {
		nic.Extended.Error = err.Error()
	} else {
		nic.Extended.State = why
	}
	refused := false
	if err := a.openMII(); err != nil {
		nic.MII.Error = err.Error()
	} else if x, err := a.mii.Probe(s.Index); err != nil {
		nic.MII.Error, refused = err.Error(), errors.Is(err, unix.EPERM)
	} else {
		nic.MII.Transceiver, nic.MII.Up, nic.MII.Flapped = &x, &x.Beat.Up, x.Beat.Flapped
	}
	means.NoMII, means.Blind = nic.MII.Error, a.blind(target)
	table.Observe(means, at)
	nic.Monitor, nic.Why = table.Choice(s.Index)
	if refused {
		nic.Why += "; but whether a transceiver could tell is not known without CAP_NET_ADMIN"
	}
	return nic
}
