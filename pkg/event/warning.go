package event

import (
	"fmt"
	"net/netip"
)

// WarningReason names a kind of Warning, in `ripcord status` and in the metrics.
type WarningReason string

// The reasons.
const (
	// WarnAddressConflict: another station answers for an address of ours, or the address is on
	// this machine although the instance is not Active.
	WarnAddressConflict WarningReason = "address-conflict"
	// WarnProxyARP: this machine answers ARP for addresses that are not its own.
	WarnProxyARP WarningReason = "proxy-arp"
	// WarnSettings: kernel settings that a virtual MAC needs cannot be written.
	WarnSettings WarningReason = "settings"
	// WarnFirewall: addresses with `accept: false` answer, or answered, because the firewall does
	// not drop packets for them.
	WarnFirewall WarningReason = "firewall"
	// WarnOwnAddress: another router sends adverts from an address of ours.
	WarnOwnAddress WarningReason = "own-address"
	// WarnReversePath: the kernel drops packets from routers of the segment, because it has no
	// route back to them over the link (rp_filter).
	WarnReversePath WarningReason = "reverse-path"
	// WarnInputFiltered: the firewall of this machine drops adverts for the instance, so that it
	// may be Active at the same time as another router.
	WarnInputFiltered WarningReason = "input-filtered"
	// WarnNotPlaced: the instance does without an address, a route or a rule, as keepalived
	// would, because the kernel refuses it or its interface does not exist.
	WarnNotPlaced WarningReason = "not-placed"
	// WarnUnreached: no station answers an Active with a virtual MAC.
	WarnUnreached WarningReason = "unreached"
	// WarnUnheard: an Active no longer hears any station on a link where it heard some.
	WarnUnheard WarningReason = "unheard"
	// WarnFragments: adverts are larger than the MTU of their link.
	WarnFragments WarningReason = "fragments"
	// WarnOwnPeer: a unicast peer is an address of this machine.
	WarnOwnPeer WarningReason = "own-peer"
	// WarnOtherAddresses: another virtual router of the segment has our VRID.
	WarnOtherAddresses WarningReason = "other-addresses"
	// WarnInvalidAdverts: a router sends adverts without addresses, or with interval 0.
	WarnInvalidAdverts WarningReason = "invalid-adverts"
	// WarnRejectedAdverts: adverts of another router for the same virtual router are rejected, so
	// that both may be Active.
	WarnRejectedAdverts WarningReason = "rejected-adverts"
	// WarnRival: another Active goes on, and this router's adverts do not seem to reach it.
	WarnRival WarningReason = "rival"
	// WarnUnserved: this router does not serve, and it hears no Active of the virtual router.
	WarnUnserved WarningReason = "unserved"
	// WarnThirdRouter: more routers were heard than are configured.
	WarnThirdRouter WarningReason = "third-router"
	// WarnUnanswered: a question to the kernel keeps failing.
	WarnUnanswered WarningReason = "unanswered"
	// WarnControlSocket: no client reaches the daemon over its control socket.
	WarnControlSocket WarningReason = "control-socket"
	// WarnCARP: a machine of the segment uses CARP with our VRID as its id.
	WarnCARP WarningReason = "carp"
)

// Warning reports that a problem which is no fault keeps an instance from working as configured
// and needs the attention of a person, or that it is over.
type Warning struct {
	Stamp
	Instance string
	Reason   WarningReason
	// Subject distinguishes warnings with the same instance and reason: an address of ours, a
	// link. It comes from the configuration, never from another router, so that the number of
	// warnings is bounded.
	Subject string
	// Machine identifies the other machine that the warning is about, for example by its MAC, if a
	// later report may be about a different one: then the warning lasts since that report.
	Machine string
	// Routers are the addresses of the other routers that the warning is about, if they are known.
	Routers []netip.Addr
	Text    string // what is wrong, and what to do
	Over    bool
}

// WarningKey identifies a warning.
type WarningKey struct {
	Instance string
	Reason   WarningReason
	Subject  string
}

// Key returns the warning's key.
func (e Warning) Key() WarningKey { return WarningKey{e.Instance, e.Reason, e.Subject} }

func (Warning) Name() string { return "instance.warning" }

// Level returns Error while the warning is in force.
func (e Warning) Level() Level {
	if e.Over {
		return Info
	}
	return Error
}

func (e Warning) Message() string {
	if e.Over {
		return fmt.Sprintf("%s: over: %s", e.Instance, e.Text)
	}
	return fmt.Sprintf("%s: %s", e.Instance, e.Text)
}

func (e Warning) Fields() []Field {
	fields := []Field{{"instance", e.Instance}, {"reason", string(e.Reason)}}
	if e.Subject != "" {
		fields = append(fields, Field{"subject", e.Subject})
	}
	return append(fields, Field{"over", e.Over})
}
