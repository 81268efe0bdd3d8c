package receive

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// TestMembershipsThatCannotBeRead checks that a list of memberships that cannot be read is reported
// while that lasts: without it, a Backup would not notice that it is deaf.
func TestMembershipsThatCannotBeRead(t *testing.T) {
	e := idle(t, on("eth0")...)
	now := time.Now()
	e.cfg.Now = func() time.Time { return now }
	for _, w := range e.wanted {
		if !w.packet() {
			w.port = &port{}
		}
	}
	unreadable := errors.New("open /proc/net/igmp6: permission denied")
	e.members = func(f event.Family, _ []netip.Addr) (map[membership]bool, error) {
		if f == event.IPv6 {
			return nil, unreadable
		}
		return nil, nil
	}
	audit := func() {
		for range 5 {
			e.audit()
			now = now.Add(time.Second)
		}
	}
	audit()
	all := e.cfg.Warnings.Of(event.MachineName)
	if len(all) != 1 || all[0].Subject != string(event.AskMemberships6) {
		t.Errorf("reported are %+v", all)
	}
	unreadable = nil
	audit()
	if all := e.cfg.Warnings.Of(event.MachineName); len(all) != 0 {
		t.Errorf("%+v is still reported although the list can be read", all)
	}
}
