package lan

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/mmsg"
)

// Flood sends the same frames repeatedly, as a hostile or broken station does.
type Flood struct {
	socket *packetSocket
	sent   atomic.Int64
	quit   chan struct{}
	once   sync.Once
	done   chan struct{}
	err    error // of the loop; read it after done
}

// floodTick is the time between two batches of a flood.
const floodTick = time.Millisecond

// Flood sends Ethernet frames from an interface of the host until Stop, in turn, perSecond of them
// per second.
func (h *Host) Flood(ifname string, perSecond int, frames ...[]byte) (*Flood, error) {
	link, err := h.Link(ifname)
	if err != nil {
		return nil, err
	}
	socket, err := h.listen(link.Index, []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}})
	if err != nil {
		return nil, err
	}
	f := &Flood{socket: socket, quit: make(chan struct{}), done: make(chan struct{})}
	h.lan.onClose(func() { _ = f.Stop() })
	go f.run(newVolley(frames), perSecond)
	return f, nil
}

func (f *Flood) run(v *volley, perSecond int) {
	defer close(f.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tick := time.NewTicker(floodTick)
	defer tick.Stop()
	for began := time.Now(); ; {
		select {
		case <-tick.C:
		case <-f.quit:
			return
		}
		// A late tick does not send all missed frames in one burst.
		owed := int(time.Since(began).Seconds()*float64(perSecond)) - int(f.sent.Load())
		owed = min(owed, 4*perSecond/int(time.Second/floodTick))
		n, err := f.socket.sendAll(v, owed)
		f.sent.Add(int64(n))
		if err != nil {
			f.err = err
			return
		}
	}
}

// Sent returns the number of frames sent.
func (f *Flood) Sent() int { return int(f.sent.Load()) }

// Stop ends the flood and returns the error that ended it earlier, if any.
func (f *Flood) Stop() error {
	f.once.Do(func() {
		close(f.quit)
		<-f.done
		f.socket.close()
	})
	return f.err
}

// volley is a ring of frames for sendmmsg(2).
type volley struct {
	frames [][]byte
	iovs   []unix.Iovec
	msgs   []mmsg.Message
	next   int
}

func newVolley(frames [][]byte) *volley {
	v := &volley{frames: frames, iovs: make([]unix.Iovec, len(frames)), msgs: make([]mmsg.Message, len(frames))}
	for i, b := range frames {
		v.iovs[i].Base = &b[0]
		v.iovs[i].SetLen(len(b))
		v.msgs[i].Header.Iov = &v.iovs[i]
		v.msgs[i].Header.SetIovlen(1)
	}
	return v
}

// sendAll sends count frames of the volley. Frames that the interface has no room for count as
// sent, because a flood need not be complete.
func (s *packetSocket) sendAll(v *volley, count int) (sent int, err error) {
	stop := s.raw.Control(func(fd uintptr) {
		for sent < count {
			batch := v.msgs[v.next:min(len(v.msgs), v.next+count-sent)]
			n, errno := mmsg.Send(int(fd), batch)
			switch errno {
			case 0:
			case unix.EAGAIN, unix.ENOBUFS:
				n = len(batch)
			default:
				err = fmt.Errorf("flood: %w", errno)
				return
			}
			v.next = (v.next + n) % len(v.msgs)
			sent += n
		}
	})
	return sent, errors.Join(stop, err)
}
