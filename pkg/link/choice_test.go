package link

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ripcord/pkg/event"
	"ripcord/pkg/nic"
)

const (
	notSupported = "SIOCGMIIPHY: operation not supported"

	byReport   = "eth0 by netlink: the driver reports its carrier\n"
	byUnproven = "eth0 by mii: a transceiver answers, and the kernel has not yet announced a loss that agrees with it\n"
	byHope     = "eth0 by mii: the driver reports no carrier (operstate unknown), and the transceiver that answers has not shown a loss yet: until it has, a pulled cable may stay unseen\n"
	byProof    = "eth0 by netlink: the kernel announced the loss that the transceiver saw\n"
	byRefuted  = "eth0 by mii: the transceiver saw a loss that the kernel did not announce\n"
)

// means is the examination of the first link's driver.
func means(glink bool, noMII string) Observation {
	return Examined{nic.Device{Index: 2, ID: 1}, nic.Capabilities{Carrier: true, Known: true, GLINK: glink, NoMII: noMII}}
}

// alwaysUp is the examination of a driver known to report a carrier at all times.
func alwaysUp(noMII string) Observation {
	m := means(true, noMII).(Examined)
	m.AlwaysUp = "the host does not report it"
	return m
}

// withoutCarrier is the examination of a driver with a transceiver whose carrier is lost.
func withoutCarrier() Observation {
	m := means(true, "").(Examined)
	m.Carrier = false
	return m
}

// register is the report of the first link's transceiver.
func register(up bool) Observation {
	return &Answer{Source: event.MII, Index: 2, Birth: 1, Up: up}
}

func latched() Observation {
	return &Answer{Source: event.MII, Index: 2, Birth: 1, Up: true, Flapped: true}
}

func poll(mode Mode) Settings {
	return Settings{Monitor: mode, Poll: time.Second, Confirm: 10 * time.Millisecond}
}

func TestChoice(t *testing.T) {
	start := observed{set: poll(Auto), observe: links(Initial, up(2, "eth0")), want: "eth0[2] up\n"}
	withMII := observed{observe: means(true, ""), want: "eth0[2] up\n" + byUnproven}
	set := func(m Mode) observed {
		return observed{set: poll(m), observe: links(Initial, up(2, "eth0")), want: "eth0[2] up\n"}
	}
	silent := observed{set: poll(Auto), observe: links(Initial, up(2, "eth0", unknown)), want: "eth0[2] up\n"}

	for name, steps := range map[string][]observed{
		"the driver reports": {start, {observe: means(true, notSupported), want: byReport},
			{observe: means(true, notSupported)}},
		"set to netlink": {set(Netlink), {observe: means(true, ""), want: "eth0 by netlink: as configured\n"}},
		"set to ethtool": {set(Ethtool), {observe: means(true, ""), want: "eth0[2] up\neth0 by ethtool: as configured\n"}},
		"set to mii":     {set(ModeMII), {observe: means(true, ""), want: "eth0[2] up\neth0 by mii: as configured\n"}},
		"set to mii in vain": {set(ModeMII),
			{observe: means(true, notSupported), want: "eth0 by netlink: mii is configured, but no transceiver can be asked (SIOCGMIIPHY: operation not supported)\n"}},
		"no source can report a loss (ne2k)": {silent,
			{observe: means(false, notSupported), want: "eth0[2] up\neth0 by none: its driver reports no carrier (operstate unknown), has no ETHTOOL_GLINK, and no transceiver can be asked (SIOCGMIIPHY: operation not supported): it is taken as up, and a pulled cable stays unseen\n"},
			{observe: means(false, notSupported)}},
		"only GLINK reports, until the driver reports (pcnet)": {silent,
			{observe: means(true, notSupported), want: "eth0[2] up\neth0 by ethtool: the driver reports no carrier (operstate unknown) and no transceiver (SIOCGMIIPHY: operation not supported), but answers ETHTOOL_GLINK\n"},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\n" + byReport + "link.down eth0 by notification\n"}},
		"a silent driver with a transceiver": {silent,
			{observe: means(false, ""), want: "eth0[2] up\n" + byHope}, {observe: register(true)},
			{observe: register(false), want: "eth0[2] out -1\neth0 by mii: the driver reports no carrier (operstate unknown), but the transceiver does\nlink.down eth0 by mii\n"},
			{observe: register(true), want: "eth0[2] up\nlink.up eth0 by mii\n"}},
		"a transceiver that reports link for good (tulip)": {silent,
			{observe: means(false, ""), want: "eth0[2] up\n" + byHope},
			{observe: register(true)}, {observe: register(true), after: time.Hour}},
		"a transceiver and GLINK that report link for good (i82550)": {start, withMII,
			{observe: register(true)}, {observe: register(true), after: time.Hour}},
		"a host that does not report it (virtio)": {start,
			{observe: alwaysUp(notSupported), want: "eth0[2] up\neth0 by none: the host does not report it: it is taken as up, and a pulled cable stays unseen\n"},
			{observe: alwaysUp(notSupported)}},
		"a driver that always reports a carrier, with a transceiver": {start, {observe: alwaysUp(""), want: "eth0[2] up\n" + byUnproven}},
		"another's means": {start, {observe: Examined{Device: nic.Device{Index: 2, ID: 7}}}, {observe: Examined{Device: nic.Device{Index: 3, ID: 1}}}},
		"who stands on another follows it": {
			{set: poll(Auto), observe: links(Initial, up(2, "eth0", on(7)), up(7, "nic")), want: "eth0[2] up\nnic[7] up\n"},
			{observe: means(true, ""), want: "eth0 by netlink: it is stacked on nic, which is watched too\n"},
			{observe: Examined{nic.Device{Index: 7, ID: 2}, nic.Capabilities{GLINK: true}}, want: "nic[7] up\nnic by mii: a transceiver answers, and the kernel has not yet announced a loss that agrees with it\n"}},

		"proven: the transceiver was first": {start, withMII, {observe: register(true)},
			{observe: register(false), want: "eth0[2] out -1\nlink.down eth0 by mii\n"},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, after: time.Second, want: "eth0[2] out\n"},
			{observe: register(false), want: "eth0[2] out\n" + byProof},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] out\n"},
			{observe: register(true), want: "eth0[2] up\nlink.up eth0 by mii\n"}},
		"proven: the kernel was first": {start, withMII, {observe: register(true)},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: register(false), want: "eth0[2] out\n" + byProof}},
		"proven: the kernel counted what it did not announce": {start, withMII, {observe: register(true)},
			{observe: register(false), want: "eth0[2] out -1\nlink.down eth0 by mii\n"},
			{observe: register(true), after: time.Second, want: "eth0[2] up\nlink.up eth0 by mii\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: time.Second, want: "eth0[2] up\n"},
			{observe: register(true), after: time.Second, want: "eth0[2] up\n" + byProof}},
		"refuted: it lasts (e1000e)": {start, withMII, {observe: register(true)},
			{observe: register(false), want: "eth0[2] out -1\nlink.down eth0 by mii\n"},
			{observe: register(false), after: creditLasts - 1},
			{observe: register(false), after: 1, want: byRefuted},
			{observe: register(true), want: "eth0[2] up\nlink.up eth0 by mii\n"},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: register(false)}},
		"refuted: it was short": {start, withMII, {observe: register(true)},
			{observe: register(false), want: "eth0[2] out -1\nlink.down eth0 by mii\n"},
			{observe: register(true), after: time.Second, want: "eth0[2] up\nlink.up eth0 by mii\n"},
			{observe: register(true), after: creditLasts, want: byRefuted}},
		"an admin proves nothing": {start, withMII, {observe: register(true)},
			{observe: LinkSeen{up(2, "eth0", adminDown, noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: register(false)},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, after: time.Minute, want: "eth0[2] out\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] out\n"},
			{observe: register(true), want: "eth0[2] up\nlink.up eth0 by mii\n"},
			{observe: means(true, "")}},
		"a register that never moves proves nothing, down or up (tulip)": {start, withMII,
			{observe: register(false), after: time.Minute},
			{observe: register(false), after: time.Minute},
			{observe: register(true)},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: register(true), after: time.Minute},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] up\nlink.up eth0 by notification\n"}},

		"an admin takes the proof of the kernel's announcement away": {start, withMII, {observe: register(true)},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", adminDown, noCarrier)}, want: "eth0[2] out\n"},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out\n"},
			{observe: register(false)},
			{observe: means(true, "")}}, // the same choice for the same reason: nothing is proven
		"and the suspicion that it does not announce": {start, withMII, {observe: register(true)},
			{observe: register(false), want: "eth0[2] out -1\nlink.down eth0 by mii\n"},
			{observe: LinkSeen{up(2, "eth0", adminDown)}, want: "eth0[2] out\n"},
			{observe: LinkSeen{up(2, "eth0")}, want: "eth0[2] out\n"},
			{observe: means(true, "")},
			{observe: register(false), after: creditLasts},
			{observe: register(false), after: creditLasts - 1},
			{observe: register(false), after: 1, want: byRefuted}},

		"a driver that has reported goes on to count as one that does": {start, {observe: means(true, notSupported), want: byReport},
			{observe: LinkSeen{up(2, "eth0", unknown)}, want: "eth0[2] up\n"},
			{observe: means(true, notSupported)}},
		"what it reports while the link is administratively down shows nothing": {
			silent,
			{observe: LinkSeen{up(2, "eth0", adminDown, noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", unknown, lost(1))}, want: "eth0[2] up\nlink.up eth0 by notification\n"},
			{observe: means(false, ""), want: "eth0[2] up\n" + byHope}},
		"the kernel announced an earlier loss, and not this one": {start, withMII, {observe: register(true)},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, want: "eth0[2] up\nlink.up eth0 by notification\n"},
			{observe: register(false), after: time.Minute, want: "eth0[2] out -1\nlink.down eth0 by mii\n"},
			{observe: register(false), after: creditLasts, want: byRefuted}},
		"a register that is down with an admin's link has shown nothing": {
			{set: poll(Auto), observe: links(Initial, up(2, "eth0", unknown)), want: "eth0[2] up\n"},
			{observe: means(false, ""), want: "eth0[2] up\n" + byHope}, {observe: register(true)},
			{observe: LinkSeen{up(2, "eth0", unknown, adminDown)}, want: "eth0[2] barred -1\nlink.down eth0 by notification\n"},
			{observe: register(false), want: "eth0[2] out\n"},
			{observe: LinkSeen{up(2, "eth0", unknown)}, want: "eth0[2] out\n"},
			{observe: means(false, "")}, // the choice is still byHope
			{observe: register(true), want: "eth0[2] up\nlink.up eth0 by mii\n"}},
		"a carrier that was not there is no loss that went unannounced": {start, withMII, {observe: register(true)},
			{observe: LinkSeen{up(2, "eth0", adminDown, noCarrier)}, want: "eth0[2] out -1\nlink.down eth0 by notification\n"},
			{observe: LinkSeen{up(2, "eth0", noCarrier)}, after: time.Minute, want: "eth0[2] out\n"},
			{observe: register(false)},
			{observe: register(false), after: creditLasts}},
		"the driver has no carrier after all when it is asked anew": {start, withMII,
			{observe: withoutCarrier(), want: "eth0[2] out -1\nlink.down eth0 by confirm\n"}},
		"nothing is chosen for a link that is administratively down": {
			{set: poll(Auto), observe: links(Initial, up(2, "eth0", adminDown)), want: "eth0[2] barred\n"},
			{observe: means(true, "")}},
		"a link that nothing stands on is not logged": {
			{set: poll(Auto), observe: links(Initial, up(2, "eth0"), up(7, "nic")), want: "eth0[2] up\nnic[7] up\n"},
			{observe: Examined{nic.Device{Index: 7, ID: 2}, nic.Capabilities{Known: true, Carrier: true, GLINK: true}}, want: "nic[7] up\n"}},

		"the latch shows a flap": {start, withMII,
			{observe: latched()}, // a flap from before
			{observe: latched(), want: "eth0[2] up -1\nlink.flapped eth0 by mii\n"},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: time.Second, want: "eth0[2] up\n"}},
		"the latch shows a flap that the kernel has announced": {start, withMII, {observe: register(true)},
			{observe: LinkSeen{up(2, "eth0", lost(1))}, after: time.Second, want: "eth0[2] up -1\nlink.flapped eth0 by notification\n"},
			{observe: latched()}},
		"the latch shows the end of a loss": {start, withMII, {observe: register(true)},
			{observe: register(false), want: "eth0[2] out -1\nlink.down eth0 by mii\n"},
			{observe: latched(), want: "eth0[2] up\nlink.up eth0 by mii\n"}},
	} {
		t.Run(name, func(t *testing.T) { play(t, steps) })
	}
}

// TestBeside requires that the reason of the choice says how the link is asked, only if it is
// asked.
func TestBeside(t *testing.T) {
	for name, c := range map[string]struct {
		set  Settings
		of   Observation
		want string
	}{
		"polled and confirmed": {poll(Auto), means(true, ""), byUnproven[len("eth0 by mii: "):len(byUnproven)-1] +
			"; polled every 1s, and asked by ETHTOOL_GLINK every 10ms while an instance on it is Backup or Active"},
		"not polled": {Settings{Monitor: Auto, Confirm: 10 * time.Millisecond}, means(true, ""), byUnproven[len("eth0 by mii: "):len(byUnproven)-1] +
			"; asked by ETHTOOL_GLINK every 10ms while an instance on it is Backup or Active"},
		"not confirmed": {Settings{Monitor: Netlink}, means(true, ""), "as configured; asked by ETHTOOL_GLINK before a group goes Active"},
		"without GLINK": {Settings{Monitor: Netlink}, means(false, ""), "as configured; asked by RTM_GETLINK (the driver has no ETHTOOL_GLINK) before a group goes Active"},
		"not at all":    {poll(Auto), alwaysUp(notSupported), "the host does not report it: it is taken as up, and a pulled cable stays unseen"},
	} {
		t.Run(name, func(t *testing.T) {
			table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: c.set})
			table.Observe(links(Initial, up(2, "eth0")), time.Unix(1000, 0))
			out := table.Observe(c.of, time.Unix(1001, 0))
			if len(out.Events) != 1 || out.Events[0].(event.LinkMonitored).Why != c.want {
				t.Errorf("%+v, want %q", out.Events, c.want)
			}
		})
	}
}

// TestChoiceReplans requires that the examination of a link, and another choice, make the plans out
// of date.
func TestChoiceReplans(t *testing.T) {
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: poll(Auto)})
	at := time.Unix(1000, 0)
	replans := func(what string, want bool, o Observation) {
		t.Helper()
		at = at.Add(time.Second)
		if got := table.Observe(o, at).Replan; got != want {
			t.Errorf("%s: replan %v, want %v", what, got, want)
		}
	}
	replans("a link", true, links(Initial, up(2, "eth0")))
	unasked := means(true, notSupported).(Examined)
	unasked.Known = false
	replans("an examination with the same result", true, unasked)
	replans("a transceiver", true, means(true, ""))
	replans("the register", false, register(true))
	table.Observe(LinkSeen{up(2, "eth0", noCarrier)}, at)
	replans("its loss proves that the kernel announces losses: the link is not polled", true, register(false))
}

// TestPolls tests which links are polled, and until when.
func TestPolls(t *testing.T) {
	table := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: poll(Auto)})
	at := time.Unix(1000, 0)
	observe := func(os ...Observation) {
		for _, o := range os {
			at = at.Add(time.Second)
			table.Observe(o, at)
		}
	}
	expect := func(what string, want ...Poll) {
		t.Helper()
		if diff := cmp.Diff(want, table.Polls(nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	mii := Poll{Target{Device: nic.Device{Index: 2, ID: 1, Name: "eth0"}, Every: time.Second, MII: true}, event.MII}

	observe(links(Initial, up(2, "eth0"), up(3, "eth1")))
	if fresh := table.Unexamined(nil); len(fresh) != 1 || fresh[0].Name != "eth0" {
		t.Errorf("unexamined %+v", fresh)
	}
	expect("before the link is examined")
	observe(means(true, ""))
	if fresh := table.Unexamined(nil); len(fresh) != 0 {
		t.Errorf("unexamined %+v", fresh)
	}
	expect("unproven", mii)
	observe(register(true), LinkSeen{up(2, "eth0", noCarrier)}, register(false))
	mii.MII = false
	expect("proven, but the report must be taken back", mii)
	observe(register(true))
	expect("taken back")
	observe(LinkSeen{up(2, "eth0", lost(1), adminDown)})
	if fresh := table.Unexamined(nil); len(fresh) != 0 {
		t.Errorf("unexamined while down %+v", fresh)
	}
	observe(LinkSeen{up(2, "eth0", lost(1))})
	if fresh := table.Unexamined(nil); len(fresh) != 1 {
		t.Errorf("unexamined after it was set up %+v", fresh)
	}
}
