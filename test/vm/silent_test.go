package vm

import (
	"testing"
	"time"
)

// silent are NICs that give no information about their cable.
var silent = []nic{
	{ // no means at all
		device: "ne2k_pci", modules: []string{"ne2k-pci"},
		monitor: "none", why: "it is taken as up, and a pulled cable stays unseen",
	},
	{ // no notification, and GLINK always reports a link
		name: "virtio,status=off", device: "virtio-net-pci,status=off", modules: []string{"virtio_pci", "virtio_net"},
		monitor: "none", why: "virtio without VIRTIO_NET_F_STATUS): it is taken as up, and a pulled cable stays unseen",
	},
	{ // the transceiver answers, but always reports a link
		device: "tulip", modules: []string{"tulip"},
		monitor: "mii", why: "has not shown a loss",
	},
	{ // so does GLINK
		device: "i82550", modules: []string{"e100"},
		monitor: "mii", why: "the kernel has not yet announced a loss that agrees with it",
	},
	{
		device: "i82559a", modules: []string{"e100"},
		monitor: "mii", why: "the kernel has not yet announced a loss that agrees with it",
	},
}

// TestSilent checks that the log says once if nothing reports the link, or if the source has never
// been seen to report a change, and that the link counts as up.
func TestSilent(t *testing.T) {
	p := need(t)
	t.Parallel()
	var lans []*lanSwitch
	for range silent {
		lans = append(lans, newSwitch(t))
	}
	g := boot(t, p, host{nics: silent, number: 11, priority: 150, links: alone}, lans...)
	for place := range silent {
		g.cable(place).reaches(time.Time{}, 10*time.Second, "active")
	}
	pulled := time.Now()
	for place := range silent {
		g.cable(place).pull()
	}
	if l, ok := g.look(pulled, 4*time.Second, func(l line) bool { return l.Event == "link.down" || l.Event == "group.transition" }); ok {
		t.Errorf("%s tells of the loss (%s): is the test's NIC still one that cannot?", l.Source, l.Msg)
	}
	for place, n := range silent {
		if left := lans[place].since(11, pulled.Add(time.Second)); len(left) > 0 {
			t.Errorf("%v: %d adverts passed through a cable that was out", n, len(left))
		}
	}
	plugged := time.Now()
	for place := range silent {
		g.cable(place).plug()
	}
	time.Sleep(time.Second)
	for place, n := range silent {
		if len(lans[place].since(11, plugged)) == 0 {
			t.Errorf("%v: no adverts after the cable was back, want them to have gone on", n)
		}
		g.cable(place).watched()
		// If the driver can be polled, a second line says that the kernel's hints are used, too.
		said := g.cable(place).monitors()
		if len(said) == 0 || len(said) > 2 || len(said) == 2 && said[0].Msg == said[1].Msg {
			t.Errorf("%v: what watches it was said as %v, want one line, or one before and one with hints", n, said)
		}
	}
}
