package lan

import (
	"sync"
	"time"
)

// listener passes on the frames that a socket receives, on a goroutine of its own.
type listener struct {
	socket  *packetSocket
	once    sync.Once
	running sync.WaitGroup
}

// hear starts the listener. The data of a frame is valid until each returns.
func (l *listener) hear(each func(frame)) {
	l.running.Go(func() {
		for {
			f, err := l.socket.receive()
			if err != nil {
				return // closed, or no more frames
			}
			each(f)
		}
	})
}

// inFlight bounds the time that a frame spends in the kernel.
const inFlight = 50 * time.Millisecond

// Close ends the listener after the frames sent so far; what it received stays. It may be called
// again.
func (l *listener) Close() {
	l.once.Do(func() {
		if err := l.socket.setDeadline(time.Now().Add(inFlight)); err == nil {
			l.running.Wait()
		}
		l.close()
	})
}

// cut ends the listener at once: the LAN is closed, and nobody reads the frames.
func (l *listener) cut() { l.once.Do(l.close) }

// close closes the socket, and waits until the goroutine has ended.
func (l *listener) close() {
	l.socket.close()
	l.running.Wait()
}
