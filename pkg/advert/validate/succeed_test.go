package validate

import (
	"testing"
	"time"

	"ripcord/pkg/vrrp"
)

// TestAcceptorSucceeds checks that an instance that stays keeps its replay window: an advert that
// was received before a reload cannot be replayed after it.
func TestAcceptorSucceeds(t *testing.T) {
	in := virtual4()
	in.HMAC = &vrrp.HMAC{Keys: nil, Active: 1, Window: 5 * time.Second}
	b := newBench(in)
	authenticator := b.Acceptor.links.on(in.Interface).routers(in.Family, in.VRID)[0].authenticator
	same := in
	same.Priority = 77
	next := b.Acceptor.Succeed([]*vrrp.Instance{&same}, b.stats)
	if got := next.links.on(in.Interface).routers(in.Family, in.VRID)[0]; got.authenticator != authenticator || got.Priority != 77 {
		t.Error("with another priority alone the authenticator is another")
	}
	other := in
	other.HMAC = &vrrp.HMAC{Active: 2, Window: 5 * time.Second}
	next = next.Succeed([]*vrrp.Instance{&other}, b.stats)
	if got := next.links.on(in.Interface).routers(in.Family, in.VRID)[0]; got.authenticator == authenticator {
		t.Error("with another key the authenticator is the same")
	}
}
