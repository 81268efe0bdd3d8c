package control

import (
	"testing"
	"time"
)

func TestFaultText(t *testing.T) {
	for _, c := range []struct{ reason, trouble, want string }{
		{"interface-down", "no carrier", "eth0 cannot be used: no carrier"},
		{"interface-down", "", "eth0 cannot be used"},
		{"no-primary-ip-address", "", "eth0 has no address from which to send adverts"},
		{"send-failed", "", "its adverts cannot be sent"},
		{"address-lost", "", "its addresses cannot be held"},
		{"stalled", "", "the daemon did not run for a while"},
		{"something-new", "", "eth0: something-new"},
	} {
		if got := faultText(Fault{Source: "eth0", Reason: c.reason}, c.trouble, false); got != c.want {
			t.Errorf("%s: %q, want %q", c.reason, got, c.want)
		}
	}
	until := time.Date(2026, 11, 27, 23, 48, 1, 0, time.Local)
	for forwards, want := range map[bool]string{
		false: "eth1 has to prove that its segment forwards",
		true:  "the segment of eth1 forwards again; adverts of its Active are waited for",
	} {
		want += ", until " + until.Format("15:04:05 MST") + " at the latest"
		if got := faultText(Fault{Source: "eth1", Reason: "recovery", Until: &until}, "", forwards); got != want {
			t.Errorf("recovery: %q, want %q", got, want)
		}
	}
	const released = "released by hand (ripcord resume edge ends it)"
	if got := faultText(Fault{Source: "edge", Reason: "released", Error: released}, "", false); got != released {
		t.Errorf("released: %q, want %q", got, released)
	}
}
