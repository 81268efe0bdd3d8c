package keepalived

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// An address is one entry of virtual_ipaddress.
type address struct {
	prefix    netip.Prefix
	at        tree.Position
	device    syntax.Word
	label     syntax.Word
	scope     syntax.Word
	broadcast syntax.Word
	preferred number
	follow
}

// prefixIn parses an address. Without a prefix length it gets that of a single host.
func prefixIn(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), true
	}
	a, bits, ok := strings.Cut(text, "/")
	if !ok {
		return netip.Prefix{}, false
	}
	parsed, err := netip.ParseAddr(a)
	n, err2 := strconv.Atoi(bits)
	if err != nil || err2 != nil || parsed.Zone() != "" || n < 0 || n > parsed.BitLen() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(parsed, n), true
}

// hostOf parses the address of a router. Like keepalived it takes the first address of a range or
// network: 192.0.2.1 of 192.0.2.1-9 or 192.0.2.1/24.
func hostOf(text string) (netip.Addr, bool) {
	if n := strings.IndexAny(text, "-/"); n >= 0 {
		text = text[:n]
	}
	a, err := netip.ParseAddr(text)
	return a, err == nil && a.Zone() == ""
}

// hostIn parses the address of a router. It notes an address that is followed by more, and, if the
// word is not an address, what happens instead.
func hostIn(r *syntax.Report, w syntax.Word, instead string) (netip.Addr, bool) {
	a, ok := hostOf(w.Text)
	switch {
	case !ok:
		r.Ignore(w.Position, "", "%s is not an IP address: %s", syntax.Show(w.Text), instead)
	case strings.ContainsAny(w.Text, "-/"):
		r.Ignore(w.Position, "", "%s is not a single address: ripcord uses %s", syntax.Show(w.Text), a)
	}
	return a, ok
}

// lenientPrefix parses an address or network. An invalid prefix length counts as that of a single
// host.
func lenientPrefix(r *syntax.Report, w syntax.Word) (netip.Prefix, bool) {
	if p, ok := prefixIn(w.Text); ok {
		return p, true
	}
	host, length, _ := strings.Cut(w.Text, "/")
	p, ok := prefixIn(host)
	if !ok {
		return netip.Prefix{}, false
	}
	digits := length[:len(length)-len(strings.TrimLeft(length, "0123456789"))]
	if n, err := strconv.Atoi(digits); err == nil && n <= p.Bits() {
		p = netip.PrefixFrom(p.Addr(), n)
	}
	r.Ignore(w.Position, "write a number of bits", "%s is not a prefix length: ripcord uses %d", syntax.Show(length), p.Bits())
	return p, true
}

// readAddresses reads one address per line, with options as in ip addr.
func (i *instance) readAddresses(r *syntax.Report, s *syntax.Statement, into *[]address, extra bool) {
	for _, entry := range s.Block {
		a, ok := addressIn(r, entry)
		if !ok || !extra && !i.isOf(r, familyOf(a.prefix.Addr()), a.at, syntax.Show(entry.Word(0))) {
			continue
		}
		if i.holds[a.prefix.Addr()] {
			r.Differ(a.at, "leave one out", "%s is given twice: ripcord adds and advertises it once", syntax.Show(entry.Word(0)))
			continue
		}
		i.holds[a.prefix.Addr()] = true
		*into = append(*into, a)
	}
}

// addressIn parses one address with its options.
func addressIn(r *syntax.Report, s *syntax.Statement) (a address, ok bool) {
	if len(s.Words) == 0 {
		return a, false
	}
	a.at = s.At()
	if a.prefix, ok = lenientPrefix(r, s.Words[0]); !ok {
		r.Ignore(a.at, "", "%s is not an IP address: it is left out", syntax.Show(s.Word(0)))
		return a, false
	}
	if why := unholdable(a.prefix); why != "" {
		r.Differ(a.at, "", "%s is %s, which cannot be a virtual address: ripcord neither adds nor advertises it", syntax.Show(s.Word(0)), why)
		return a, false
	}
	six := a.prefix.Addr().Is6()
	for n := 1; n < len(s.Words); n++ {
		w := s.Words[n]
		value := func() (syntax.Word, bool) {
			if n++; n == len(s.Words) {
				r.Ignore(w.Position, "", "%s has no value: the address %s is left out", w.Text, s.Word(0))
				return syntax.Word{}, false
			}
			return s.Words[n], true
		}
		switch w.Text {
		case "dev":
			if a.device, ok = value(); ok && !isLink(a.device.Text) {
				r.Ignore(a.device.Position, "write the name of the interface; an alias such as eth0:1 is a label", "%s cannot be the name of an interface: the address %s is left out", syntax.Show(a.device.Text), s.Word(0))
				ok = false
			}
		case "label":
			a.label, ok = value()
			const longest = 15
			switch {
			case ok && len(a.label.Text) > longest:
				r.Ignore(a.label.Position, "", "the label has more than %d characters: the address %s is left out", longest, s.Word(0))
				return a, false
			case ok && (six || a.label.Text == ""):
				r.Ignore(w.Position, "", "an IPv6 address has no label: the label is left out")
				a.label = syntax.Word{}
			case ok && strings.ContainsFunc(a.label.Text, func(c rune) bool { return c <= ' ' || c > '~' }):
				r.Differ(a.label.Position, "write a label of printable ASCII without blanks", "ripcord adds %s without the label %s", s.Word(0), syntax.Show(a.label.Text))
				a.label = syntax.Word{}
			}
		case "scope":
			a.scope, ok = value()
			if ok && six {
				r.Ignore(w.Position, "", "an IPv6 address has no scope in keepalived.conf: the scope is left out")
				a.scope = syntax.Word{}
			} else if ok && !isScope(a.scope.Text) {
				r.Ignore(a.scope.Position, "", "%s is not a scope: it is left out", syntax.Show(a.scope.Text))
				a.scope = syntax.Word{}
			}
		case "brd", "broadcast":
			if a.broadcast, ok = value(); ok {
				a.broadcast, ok = a.broadcastOf(r)
			}
		case "no_track":
			a.untracked = true
		case "track_group":
			a.trackGroup, ok = value()
		case "peer":
			var peer syntax.Word
			if peer, ok = value(); ok {
				a.withoutPeer(r, peer)
			}
		case "preferred_lft":
			var lifetime syntax.Word
			if lifetime, ok = value(); ok && six {
				a.preferred = preferredFor(r, lifetime)
			}
		case "home", "-nodad", "mngtmpaddr", "noprefixroute", "autojoin", "use_vmac":
			if w.Text != "-nodad" { // which has no visible effect
				r.Differ(w.Position, "", "ripcord adds the address without %s", w.Text)
			}
		default:
			r.Ignore(w.Position, "write one address a line", "%s is not an option of an address: it is left out", syntax.Show(w.Text))
		}
		if !ok {
			return a, false
		}
	}
	return a, true
}

// preferredFor reads how long the router may use an address as the source of its own traffic: 1
// means for ever, 0 never.
func preferredFor(r *syntax.Report, w syntax.Word) number {
	n, err := strconv.ParseUint(w.Text, 10, 32)
	switch {
	case w.Text == "forever":
	case err != nil:
		r.Ignore(w.Position, "write forever or 0", "%s is not a lifetime: ripcord uses 0, so the address is deprecated", syntax.Show(w.Text))
		return number{0, w.Position, true}
	case n == 0:
		return number{0, w.Position, true}
	default:
		r.Differ(w.Position, "", "ripcord makes the address preferred forever, not for %d seconds", n)
	}
	return number{1, w.Position, true}
}

// withoutPeer notes how an address differs without its peer: keepalived gives it the prefix length
// of the peer, and the connected route leads to the peer's network.
func (a address) withoutPeer(r *syntax.Report, w syntax.Word) {
	peer, ok := prefixIn(w.Text)
	switch {
	case !ok || familyOf(peer.Addr()) != familyOf(a.prefix.Addr()):
		r.Ignore(w.Position, "", "%s is not an IPv%d address: ripcord adds the address without a peer", syntax.Show(w.Text), familyOf(a.prefix.Addr()))
	case a.prefix.IsSingleIP():
		r.Differ(w.Position, "add a route to it to virtual_routes", "ripcord adds the address without its peer, as %s, so there is no connected route to %s", a.prefix, peer.Masked())
	case a.prefix.Masked() == peer.Masked():
		r.Differ(w.Position, "", "ripcord adds the address without its peer, as %s, with the same connected route to %s", a.prefix, peer.Masked())
	default:
		r.Differ(w.Position, "leave out the prefix length, which keepalived ignores, and add a route to the peer to virtual_routes",
			"ripcord adds the address without its peer, as %s, with a connected route to %s instead of %s", a.prefix, a.prefix.Masked(), peer.Masked())
	}
}

// unholdable returns why no router can hold an address, or an empty string if one can.
func unholdable(p netip.Prefix) string {
	switch a := p.Addr(); {
	case a.IsUnspecified():
		return "the unspecified address"
	case a.IsMulticast():
		return "a multicast group"
	case a.IsLoopback():
		return "a loopback address"
	case p.Bits() == 0:
		return "an address with prefix length 0"
	}
	return ""
}

// broadcastOf returns the broadcast address of an IPv4 address: the given one, or the highest (+)
// or lowest (-) address of its network.
func (a address) broadcastOf(r *syntax.Report) (syntax.Word, bool) {
	w := a.broadcast
	p := a.prefix
	switch b, err := netip.ParseAddr(w.Text); {
	case p.Addr().Is6():
		r.Ignore(w.Position, "", "IPv6 has no broadcast addresses: %s is left out", p)
		return syntax.Word{}, false
	case (w.Text == "+" || w.Text == "-") && p.Bits() > 30:
		r.Ignore(w.Position, "", "the network of %s has no broadcast address: ripcord sets none", p)
		return syntax.Word{}, true
	case w.Text == "+" || w.Text == "-":
		bytes := p.Masked().Addr().As4()
		for n := p.Bits(); n < 32 && w.Text == "+"; n++ {
			bytes[n/8] |= 0x80 >> (n % 8)
		}
		w.Text = netip.AddrFrom4(bytes).String()
		return w, true
	case err != nil || !b.Is4():
		r.Ignore(w.Position, "", "%s is not a broadcast address: %s is left out", syntax.Show(w.Text), p)
		return syntax.Word{}, false
	}
	return w, true
}

func isScope(text string) bool {
	n, err := strconv.Atoi(text)
	return slices.Contains([]string{"global", "site", "link", "host", "nowhere"}, text) || err == nil && n >= 0 && n <= 255
}

// tree returns the address as an entry of addresses.
func (a address) tree(title string) *tree.Node {
	plain := scalar(a.prefix.String(), a.at)
	plain.Name = title + ": " + syntax.Show(a.prefix.Addr().String())
	m := newMap(a.at, plain.Name)
	m.text("address", a.at, a.prefix.String())
	if a.device.Text != "" {
		m.text("interface", a.device.Position, a.device.Text)
	}
	if a.label.Text != "" {
		m.text("label", a.label.Position, a.label.Text)
	}
	if a.scope.Text != "" && a.scope.Text != "global" {
		m.text("scope", a.scope.Position, a.scope.Text)
	}
	if a.broadcast.Text != "" {
		m.text("broadcast", a.broadcast.Position, a.broadcast.Text)
	}
	if a.preferred.said {
		m.text("preferred", a.preferred.at, strconv.FormatBool(a.preferred.value == 1))
	}
	if len(m.Entries) == 1 {
		return plain
	}
	return m.Node
}
