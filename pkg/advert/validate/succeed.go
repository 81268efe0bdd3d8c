package validate

import (
	"reflect"
	"slices"

	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
)

// Succeed returns an acceptor for other instances that keeps what this one knows of senders and
// links.
func (a *Acceptor) Succeed(instances []*vrrp.Instance, book stats.Book) *Acceptor {
	next := New(instances, book, a.rejections.unknown, a.minter, a.wall)
	next.strangers, next.rejections, next.mismatches = a.strangers, a.rejections, a.mismatches
	next.strangers.keep(instances)
	for name, on := range next.links.byName {
		was := a.links.byName[name]
		if was == nil {
			continue
		}
		on.withheld = was.withheld
		for _, all := range append(append([]routers{}, on.four...), on.six...) {
			for _, p := range all {
				same := func(o *peer) bool { return o.Name == p.Name }
				if before := was.routers(p.Family, p.VRID); slices.ContainsFunc(before, same) {
					p.follow(before[slices.IndexFunc(before, same)])
				}
			}
		}
	}
	return next
}

// follow copies what is known of the senders of the same virtual router.
func (p *peer) follow(was *peer) {
	p.returned = was.returned
	if reflect.DeepEqual(p.HMAC, was.HMAC) && len(p.Unicast.Peers) == len(was.Unicast.Peers) {
		p.authenticator = was.authenticator
	}
}
