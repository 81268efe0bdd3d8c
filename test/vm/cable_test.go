package vm

import (
	"fmt"
	"time"
)

// cable is a cable of a guest, with the interface and the group at its end.
type cable struct {
	*guest
	nic   nic
	place int
	iface string // also the name of the group
}

// cable returns the guest's cable in a place.
func (g *guest) cable(place int) cable {
	return cable{g, g.nics[place], place, g.nics[place].uses(place)}
}

// pull and plug return the instant before.
func (c cable) pull() time.Time { return c.set(false) }
func (c cable) plug() time.Time { return c.set(true) }

func (c cable) set(in bool) time.Time {
	c.t.Helper()
	at := time.Now()
	c.execute(fmt.Sprintf(`{"execute":"set_link","arguments":{"name":"nic%d","up":%v}}`, c.place, in))
	return at
}

// await waits for a link event of the interface.
func (c cable) await(since time.Time, within time.Duration, event string) line {
	c.t.Helper()
	return c.wait(since, within, event+" of "+c.nic.String(), func(l line) bool { return l.Event == event && l.Interface == c.iface })
}

// moved reports whether a line is the group's transition to a state.
func (c cable) moved(l line, state string) bool {
	return l.Event == "group.transition" && l.Group == c.iface && l.To == state
}

// reaches waits until the group is in a state.
func (c cable) reaches(since time.Time, within time.Duration, state string) line {
	c.t.Helper()
	return c.wait(since, within, "transition of "+c.nic.String()+" to "+state, func(l line) bool { return c.moved(l, state) })
}

// state returns the last logged state of the group.
func (c cable) state() (state string) {
	for _, l := range c.said("group.transition") {
		if l.Group == c.iface {
			state = l.To
		}
	}
	return state
}

// monitors returns the logged monitors of the interface, in order.
func (c cable) monitors() (list []line) {
	for _, l := range c.said("link.monitor") {
		if l.Interface == c.iface {
			list = append(list, l)
		}
	}
	return list
}

// said returns all lines of an event.
func (g *guest) said(event string) (list []line) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.lines {
		if l.Event == event {
			list = append(list, l)
		}
	}
	return list
}
