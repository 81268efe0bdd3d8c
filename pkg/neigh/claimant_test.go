package neigh

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// TestClaimantIsARouter requires that the warning about a claim names the router that made it, and
// what to do there: the router is asked for its MAC before the claim is confirmed.
func TestClaimantIsARouter(t *testing.T) {
	for _, c := range []struct {
		name  string
		heard bool // its adverts were accepted
		warn  event.WarningReason
		want  string
	}{
		{"a machine", false, "", "find that machine: if it is another router, it may be Active too (see ripcord status on both in a few seconds); otherwise remove the address from it"},
		{"a former Active", true, "", "that machine is the router 192.0.2.12, whose adverts this router received earlier: if ripcord does not run there any more, run `ripcord clean` there"},
		{"rejected", false, event.WarnRejectedAdverts, "that machine is the router 192.0.2.12, whose adverts this router rejects: see rejected-adverts"},
		{"rejected now", true, event.WarnRejectedAdverts, "see rejected-adverts"},
		{"another warning", false, event.WarnOtherAddresses, "that machine is the router 192.0.2.12: see other-addresses"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, onLink())
			r.hold()
			r.pass(2 * time.Second)
			if c.heard {
				r.adverts = []Advert{{Instance: "a", Source: host4, At: r.now}}
				r.pass(advertsEvery)
			}
			if c.warn != "" {
				r.warnings.Report(event.Warning{Stamp: event.Stamp{At: r.now}, Instance: "a", Reason: c.warn, Routers: []netip.Addr{host4}})
			}
			r.take()
			r.claim(vip4, otherMAC)
			r.pass(confirmAfter)
			question := fmt.Sprintf("%d:%x", eth0, wire.AppendARPRequest(nil, ownMAC, own4, host4))
			if sent := r.take(); slices.Contains(sent, question) != (c.heard || c.warn != "") {
				t.Errorf("sent %v", sent)
			}
			r.claim(host4, otherMAC)
			r.claim(vip4, otherMAC)
			all := r.warnings.All()
			if last := all[len(all)-1]; last.Reason != event.WarnAddressConflict || !strings.Contains(last.Text, c.want) {
				t.Errorf("the last warning is %q, want %q", last.Text, c.want)
			}
		})
	}
}

// TestConflictLastsSinceItsMachine requires that a conflict lasts since the machine in its text
// claimed the address.
func TestConflictLastsSinceItsMachine(t *testing.T) {
	r := newRig(t, onLink())
	r.hold()
	for _, mac := range [][6]byte{otherMAC, {2, 0, 0, 0, 0, 0x98}} {
		first := r.now
		for range 4 {
			r.claim(vip4, mac)
			r.pass(confirmAfter)
		}
		if since := r.warnings.All()[0].At; since.Before(first) {
			t.Errorf("the conflict with %x lasts since %v before it", mac, first.Sub(since))
		}
	}
}
