package advert

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// poller waits for packets on many ports, or for its alarm.
type poller struct {
	*alarm
	epoll  int
	events [64]unix.EpollEvent
}

func openPoller() (*poller, error) {
	a, err := openAlarm()
	if err != nil {
		return nil, err
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		_ = a.close()
		return nil, fmt.Errorf("make an epoll: %w", err)
	}
	p := &poller{alarm: a, epoll: fd}
	if err := p.watch(a.fd); err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

// watch adds a descriptor; closing it takes it out again.
func (p *poller) watch(fd int) error {
	err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	if err != nil {
		return fmt.Errorf("add a socket to an epoll: %w", err)
	}
	return nil
}

// wait sleeps until something is to be read, the alarm rings, or the timeout is
// over (none where it is negative); it yields each descriptor to be read.
func (p *poller) wait(timeout time.Duration, yield func(fd int)) error {
	ms := -1
	if timeout >= 0 {
		ms = int(min((timeout+time.Millisecond-1)/time.Millisecond, time.Hour/time.Millisecond))
	}
	n, err := unix.EpollWait(p.epoll, p.events[:], ms)
	p.reset()
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for adverts: %w", err)
	}
	for _, e := range p.events[:n] {
		if int(e.Fd) != p.fd {
			yield(int(e.Fd))
		}
	}
	return nil
}

func (p *poller) close() error { return errors.Join(unix.Close(p.epoll), p.alarm.close()) }
