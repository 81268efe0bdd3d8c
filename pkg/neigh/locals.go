package neigh

import "ripcord/pkg/event"

// localLink is a link of this machine.
type localLink struct {
	index int
	mac   [6]byte
}

// locals maps the names of this machine's links to their ifindex and MAC. An address that is
// claimed at one of these MACs is not claimed by another station.
type locals map[string]localLink

func (l locals) set(link event.Link) {
	if link.Index == 0 {
		delete(l, link.Name)
		return
	}
	l[link.Name] = localLink{link.Index, link.HardwareAddr}
}

func (l locals) has(mac [6]byte) bool {
	for _, link := range l {
		if link.mac == mac {
			return true
		}
	}
	return false
}

func (l locals) byIndex(index int) (name string, link localLink) {
	for name, link := range l {
		if link.index == index {
			return name, link
		}
	}
	return "", localLink{}
}
