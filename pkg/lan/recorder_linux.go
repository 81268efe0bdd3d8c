package lan

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// everything passes all frames.
var everything = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0xffff}}

// Frame is an Ethernet frame received on a segment.
type Frame struct {
	At   time.Time // when the kernel received it, with a monotonic reading
	Data []byte    // from the Ethernet header on
}

// Recorder records all frames on a segment that reach the switch, whatever their destination.
type Recorder struct {
	listener
	frames record[Frame]
}

// Record starts a recording, which includes everything sent after Record returns. It ends with the
// Recorder's Close or the LAN's.
func (s *Segment) Record() (*Recorder, error) {
	socket, err := s.lan.sw.listen(s.index, everything)
	if err != nil {
		return nil, fmt.Errorf("record segment %s: %w", s.name, err)
	}
	if err := socket.promiscuous(s.index); err != nil {
		socket.close()
		return nil, fmt.Errorf("record segment %s: %w", s.name, err)
	}
	r := &Recorder{listener: listener{socket: socket}}
	r.hear(func(f frame) { r.frames.add(Frame{At: f.at, Data: slices.Clone(f.data)}) })
	s.lan.onClose(r.cut)
	return r, nil
}

// Frames returns the frames received so far, in order.
func (r *Recorder) Frames() []Frame { return r.frames.all() }
