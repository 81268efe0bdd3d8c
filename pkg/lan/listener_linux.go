package lan

import (
	"sync"
	"time"
)

// listener hands on what a socket hears, on a goroutine of its own.
type listener struct {
	socket  *packetSocket
	once    sync.Once
	running sync.WaitGroup
}

// hear begins; the data of a frame is good until each returns.
func (l *listener) hear(each func(frame)) {
	l.running.Go(func() {
		for {
			f, err := l.socket.receive()
			if err != nil {
				return // closed, or the end of what there is
			}
			each(f)
		}
	})
}

// inFlight is how long a frame may be on its way through the kernel.
const inFlight = 50 * time.Millisecond

// Close ends it with what was sent until now; what was heard stays. It may be called
// again.
func (l *listener) Close() {
	l.once.Do(func() {
		if err := l.socket.setDeadline(time.Now().Add(inFlight)); err == nil {
			l.running.Wait()
		}
		l.shut()
	})
}

// cut ends it at once: the LAN goes, and nobody looks any more.
func (l *listener) cut() { l.once.Do(l.shut) }

func (l *listener) shut() {
	l.socket.close()
	l.running.Wait()
}
