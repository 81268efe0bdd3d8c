package lan

import (
	"fmt"
	"slices"
	"sync"
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
	frames  record[Frame]
	socket  *packetSocket
	once    sync.Once
	running sync.WaitGroup
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
	r := &Recorder{socket: socket}
	r.running.Go(r.run)
	s.lan.onClose(r.Close)
	return r, nil
}

func (r *Recorder) run() {
	for {
		f, err := r.socket.receive()
		if err != nil {
			return // closed, or the end of what there is
		}
		r.frames.add(Frame{At: f.at, Data: slices.Clone(f.data)})
	}
}

// Frames lists what was heard so far, in the order in which it came.
func (r *Recorder) Frames() []Frame { return r.frames.all() }

// inFlight is how long a frame may be on its way through the kernel.
const inFlight = 50 * time.Millisecond

// Close ends the recording with what was sent until now; it stays. It may be
// called again.
func (r *Recorder) Close() {
	r.once.Do(func() {
		if err := r.socket.setDeadline(time.Now().Add(inFlight)); err == nil {
			r.running.Wait()
		}
		r.socket.close()
		r.running.Wait()
	})
}
