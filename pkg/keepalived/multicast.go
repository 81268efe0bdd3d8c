package keepalived

import (
	"net/netip"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// A multicastGroup is a multicast group and its place in the file.
type multicastGroup struct {
	netip.Addr
	at tree.Position
}

// standardGroups are the multicast groups of VRRP, by family.
var standardGroups = map[int]netip.Addr{4: netip.MustParseAddr("224.0.0.18"), 6: netip.MustParseAddr("ff02::12")}

// groupTo reads the multicast group of all instances of a family.
func groupTo(family int) func(*translator, *syntax.Statement, *globals) {
	return func(t *translator, s *syntax.Statement, g *globals) {
		w := s.Words[1]
		switch a, ok := hostIn(t.Report, w, s.Keyword()+" is left out"); {
		case !ok:
		case !a.IsMulticast() || familyOf(a) != family:
			t.Ignore(w.Position, "", "%s is not a multicast group of IPv%d: %s is left out", syntax.Show(w.Text), family, s.Keyword())
		default:
			g.multicast[family] = multicastGroup{a, w.Position}
		}
	}
}

// readMulticast reads the multicast group of an instance.
func readMulticast(t *translator, s *syntax.Statement, i *instance) {
	w := s.Words[1]
	a, ok := hostIn(t.Report, w, s.Keyword()+" is left out")
	if !ok {
		return
	}
	i.multicast = multicastGroup{}
	switch isOf := i.isOf(t.Report, familyOf(a), w.Position, s.Keyword()+" "+a.String()); {
	case !isOf:
	case !a.IsMulticast(), a.Is6() && !a.IsLinkLocalMulticast():
		kind := "multicast group"
		if a.Is6() {
			kind = "link-local multicast group"
		}
		t.Ignore(w.Position, "", "%s is not a %s: %s is left out", a, kind, s.Keyword())
	default:
		i.multicast = multicastGroup{a, w.Position}
	}
}

// complete determines the multicast group of an instance: its own, or that of all instances of its
// family. The group is invalid if it is that of RFC 9568, or if the adverts are unicast.
func (m *multicastGroup) complete(r *syntax.Report, of *instance, ofAll multicastGroup) {
	unicast := len(of.peers) > 0
	switch {
	case unicast && m.IsValid():
		r.Ignore(m.at, "", "mcast_dst_ip has no effect with unicast_peer")
	case !m.IsValid():
		*m = ofAll
	}
	if unicast || m.Addr == standardGroups[of.family] {
		*m = multicastGroup{}
	}
}
