package lan

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Sent is an Ethernet frame that a host sent and the switch got.
type Sent struct {
	At                  time.Time // when the kernel got it, with a monotonic reading
	Source, Destination MAC
	Type                uint16 // EtherType
	Data                []byte // all of it, from the destination on
}

// Tap records every frame that comes out of a cable at the switch: what its
// host sent, whatever MAC it used.
type Tap struct {
	listener
	frames record[Sent]
}

// Tap begins to record; what is sent after it returns is heard. It ends with
// the Tap's Close or the LAN's.
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

// Frames lists what was heard so far, in the order in which it came.
func (t *Tap) Frames() []Sent { return t.frames.all() }
