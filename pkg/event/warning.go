package event

import "fmt"

// WarningReason names a kind of Warning, in status and in the metrics.
type WarningReason string

// The reasons.
const (
	// WarnAddressConflict: another station answers for an address of ours, or the
	// address stands on this machine though we are not Active.
	WarnAddressConflict WarningReason = "address-conflict"
	// WarnProxyARP: this machine answers ARP for addresses that are not its own.
	WarnProxyARP WarningReason = "proxy-arp"
	// WarnSettings: settings of the kernel that a virtual MAC needs cannot be written.
	WarnSettings WarningReason = "settings"
	// WarnFirewall: addresses whose accept is false answer, or answered, since the
	// firewall does not drop what comes for them.
	WarnFirewall WarningReason = "firewall"
	// WarnOwnAddress: another router sends adverts from an address of ours.
	WarnOwnAddress WarningReason = "own-address"
	// WarnReversePath: the kernel drops what routers of the segment send, since it has
	// no route back to them over the link (rp_filter).
	WarnReversePath WarningReason = "reverse-path"
	// WarnInputFiltered: the firewall of this machine drops adverts that arrive for the
	// instance, so that it may be Active beside another router.
	WarnInputFiltered WarningReason = "input-filtered"
	// WarnNotPlaced: the instance does without an address, a route or a rule, as keepalived
	// would, since the kernel refuses it or its interface does not exist.
	WarnNotPlaced WarningReason = "not-placed"
	// WarnUnreached: nobody answers an Active that has a virtual MAC.
	WarnUnreached WarningReason = "unreached"
	// WarnUnheard: an Active hears no station any more on a link where it heard some.
	WarnUnheard WarningReason = "unheard"
	// WarnFragments: adverts are larger than the MTU of their link.
	WarnFragments WarningReason = "fragments"
	// WarnOwnPeer: a unicast peer is an address of this machine.
	WarnOwnPeer WarningReason = "own-peer"
	// WarnOtherAddresses: another virtual router of the segment has our VRID.
	WarnOtherAddresses WarningReason = "other-addresses"
	// WarnInvalidAdverts: a router sends adverts without addresses, or with interval 0.
	WarnInvalidAdverts WarningReason = "invalid-adverts"
	// WarnRejectedAdverts: the adverts of another router for the same virtual router are
	// rejected, so that both may be Active.
	WarnRejectedAdverts WarningReason = "rejected-adverts"
	// WarnThirdRouter: more routers were heard than the configuration says there are.
	WarnThirdRouter WarningReason = "third-router"
	// WarnCARP: a machine of the segment speaks CARP with our VRID for its id.
	WarnCARP WarningReason = "carp"
)

// Warning reports that something which is no fault keeps an instance from working as
// its configuration promises, and that a person has to act; or that it is over.
type Warning struct {
	Stamp
	Instance string
	Reason   WarningReason
	// Subject distinguishes warnings of one instance and reason: an address of ours, a
	// link. It comes from the configuration, never from a stranger, so that the number
	// of warnings is bounded.
	Subject string
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

// Level returns Error while it is in force.
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
