package lan

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// everything lets all frames through.
var everything = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0xffff}}

// Frame is an Ethernet frame that was heard on a segment.
type Frame struct {
	At   time.Time // when the kernel got it, with a monotonic reading
	Data []byte    // from the Ethernet header on
}

// Recorder records all frames on a segment that got as far as the switch,
// whoever they were for.
type Recorder struct {
	listener
	frames record[Frame]
}

// Record begins to record; what is sent after it returns is heard. It ends with
// the Recorder's Close or the LAN's.
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

// Frames lists what was heard so far, in the order in which it came.
func (r *Recorder) Frames() []Frame { return r.frames.all() }
