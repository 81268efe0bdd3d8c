package addr

import (
	"testing"

	"ripcord/pkg/event"
)

// Into a tunnel (tun, WireGuard, GRE), or a link without ARP, no frame of ARP or
// neighbor discovery is sent, and nobody is asked there: adverts prove the segment.
func TestNoFramesWithoutARP(t *testing.T) {
	for name, change := range map[string]func(*event.Link){
		"a tunnel":           func(l *event.Link) { l.HardwareAddr = [6]byte{} },
		"a link without ARP": func(l *event.Link) { l.NoARP = true },
		"a segment":          nil,
	} {
		link, want := whole, 0
		if change != nil {
			change(&link)
		} else {
			want = 1
		}
		var b burst
		for what, add := range map[string]func(){
			"announce 4": func() { b.announce("a", Address{Prefix: vip4}, link) },
			"announce 6": func() { b.announce("a", Address{Prefix: vip6}, link) },
			"ask 4":      func() { b.ask(link, host4) },
			"ask 6":      func() { b.ask(link, host6) },
			"probe 4":    func() { b.probe(link, vip4.Addr()) },
			"probe 6":    func() { b.probe(link, vip6.Addr()) },
		} {
			b.reset()
			if add(); len(b.frames) != want {
				t.Errorf("%s, %s: %d frames, want %d", name, what, len(b.frames), want)
			}
		}
		s := newStations(watched)
		s.see(link)
		s.notice(sighting(host4))
		if _, asked := s.ask("eth0", during); len(asked) != want {
			t.Errorf("%s: %v are asked", name, asked)
		}
	}
}
