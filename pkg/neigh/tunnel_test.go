package neigh

import (
	"testing"

	"ripcord/pkg/event"
)

// TestNoFramesWithoutARP requires that no frame of ARP or neighbor discovery is sent into a tunnel
// (tun, WireGuard, GRE) or a link without ARP, and that no station is asked there: adverts prove
// the segment.
func TestNoFramesWithoutARP(t *testing.T) {
	for name, change := range map[string]func(*event.Link){
		"a tunnel":           func(l *event.Link) { l.HardwareAddr = [6]byte{} },
		"a link without ARP": func(l *event.Link) { l.NoARP = true },
		"a segment":          nil,
	} {
		link, want := usable, 0
		if change != nil {
			change(&link)
		} else {
			want = 1
		}
		var b Batch
		for what, add := range map[string]func(){
			"announce 4": func() { b.Announce(link, vip4) },
			"announce 6": func() { b.Announce(link, vip6) },
			"ask 4":      func() { b.Ask(link, host4) },
			"ask 6":      func() { b.Ask(link, host6) },
			"probe 4":    func() { b.Probe(link, vip4) },
			"probe 6":    func() { b.Probe(link, vip6) },
		} {
			b.Reset()
			if add(); len(b.Frames()) != want {
				t.Errorf("%s, %s: %d frames, want %d", name, what, len(b.Frames()), want)
			}
		}
		s := stationsOf(watched...)
		s.setLink(link)
		s.notice(sighting(host4))
		if _, asked := s.ask("eth0", during); len(asked) != want {
			t.Errorf("%s: %v are asked", name, asked)
		}
	}
}
