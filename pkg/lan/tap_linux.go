package lan

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Sent is an Ethernet frame that a host sent and the switch received.
type Sent struct {
	At                  time.Time // when the kernel received it, with a monotonic reading
	Source, Destination MAC
	Type                uint16 // EtherType
	Data                []byte // the whole frame, from the destination on
}

// Tap records every frame that arrives at the switch by a cable: what the host sent, from any MAC.
type Tap struct {
	listener
	frames record[Sent]
}

// Tap starts a recording, which includes everything sent after Tap returns. It ends with the Tap's
// Close or the LAN's.
func (c *Cable) Tap() (*Tap, error) {
	socket, err := c.lan.sw.listen(c.far, everything)
	if err != nil {
		return nil, fmt.Errorf("tap the cable of %s of host %s: %w", c.ifname, c.host.name, err)
	}
	t := &Tap{listener: listener{socket: socket}}
	t.hear(t.heard)
	c.lan.onClose(t.cut)
	return t, nil
}

func (t *Tap) heard(f frame) {
	if len(f.data) < 14 {
		return
	}
	data := append([]byte(nil), f.data...)
	t.frames.add(Sent{
		At: f.at, Destination: MAC(data[:6]), Source: MAC(data[6:12]), Type: binary.BigEndian.Uint16(data[12:]), Data: data,
	})
}

// Frames returns the frames received so far, in order.
func (t *Tap) Frames() []Sent { return t.frames.all() }
