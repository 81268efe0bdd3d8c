package keepalived

import (
	"net/netip"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// An instance holds the settings of a vrrp_instance.
type instance struct {
	name    syntax.Word
	at      tree.Position
	group   *group
	heading string // the name in problems of an instance without a name

	state, iface, vrid     syntax.Word
	priority, version      number
	interval, preemptDelay length
	nopreempt, misses      number
	family                 int // 4 or 6, by the first setting that determines it; 0: none did
	authType, authPass     syntax.Word
	hmac                   *hmac
	source                 syntax.Word
	sourceKeyword          string // the keyword that set it
	trackSource            number
	unicast                string // the keyword that allows unicast adverts
	peers                  []peer
	peersAt                tree.Position // the place of unicast_peer
	ttl                    number
	addresses, extra       []address
	routeLines, ruleLines  []*syntax.Statement // read when all else is known
	routes, rules          []*tree.Node
	tracked                []tracked
	devices                []device
	dontTrack, accept      number
	strict, version2       number // version2: v3_checksum_as_v2
	vmac                   vmac
	delay, refresh         length
	repeat                 number
	lowerUnanswered        number // lower_prio_no_advert
	sourcesChecked         number // check_unicast_src
	ownerDeaf              number // owner_ignore_adverts
	withoutAddresses       number // no_virtual_ipaddress
	faultWithoutPeer       number // unicast_fault_no_peer
	idle                   bool   // keepalived would keep it in FAULT for good, with its group
	notify                 notify
	multicast              multicastGroup
	holds                  map[netip.Addr]bool
	bad                    bool // a part of it was refused
}

// peer is one unicast peer.
type peer struct {
	address        netip.Addr
	at             tree.Position
	minTTL, maxTTL number
}

// A notify holds the commands of transitions.
type notify struct {
	master, backup, fault, stop, any command
}

// hmac is an auth_hmac block.
type hmac struct {
	at     tree.Position
	keys   []hmacKey
	active number
	mode   syntax.Word
	replay syntax.Word
	window length
}

type hmacKey struct {
	id    number
	value syntax.Word
}

// title is what problems call the instance.
// isStatic reports whether it stands for what is held for no instance.
func (i *instance) isStatic() bool { return i.heading != "" }

func (i *instance) title() string {
	if i.heading != "" {
		return i.heading
	}
	return titled("vrrp_instance", i.name.Text)
}

// isOf records the setting that determines the family of the instance, and reports whether it
// agrees with the first one.
func (i *instance) isOf(r *syntax.Report, family int, at tree.Position, what string) bool {
	if i.family == 0 {
		i.family = family
	}
	if i.family != family {
		r.Ignore(at, "", "%s is IPv%d, but the instance is IPv%d: it is left out", what, family, i.family)
		return false
	}
	return true
}

// familyOf returns 4 or 6.
func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}
