package wakeup

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Epoll waits for many descriptors, or for its alarm. Go's own poller waits for the epoll
// descriptor: a goroutine that sleeps in the kernel keeps one of Go's processors, and keeps the
// thread awake that takes processors back, which costs a Backup a sixth of its CPU time.
type Epoll struct {
	*Alarm
	file  *os.File // of the epoll
	epoll int      // its descriptor, while file is open
	raw   syscall.RawConn
	until time.Time // Wait returns then; zero for never

	events [64]unix.EpollEvent
	event  unix.EpollEvent
	ready  int // of events
	errno  unix.Errno
	look   func(fd uintptr) (done bool)
}

// OpenEpoll returns an epoll that only waits for its alarm.
func OpenEpoll() (*Epoll, error) {
	a, err := openAlarm()
	if err != nil {
		return nil, err
	}
	p := &Epoll{Alarm: a}
	p.look = p.lookOnce
	if err := p.open(); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Epoll) open() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make an epoll: %w", err)
	}
	_ = unix.SetNonblock(fd, true) // so that os.File can wait for it; it does not fail
	p.epoll, p.file = fd, os.NewFile(uintptr(fd), "epoll")
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return fmt.Errorf("make an epoll: %w", err)
	}
	return p.add(p.fd, unix.EPOLLIN)
}

// watched are the events to wait for: each is reported once until it is requested again, after it
// was handled. Packets that arrive meanwhile cause no wake-up.
const watched = unix.EPOLLIN | unix.EPOLLONESHOT

// Watch adds a descriptor; closing the descriptor removes it.
func (p *Epoll) Watch(fd int) error { return p.add(fd, watched) }

func (p *Epoll) add(fd int, events uint32) error {
	var failed error
	err := p.raw.Control(func(epoll uintptr) {
		failed = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("add a socket to an epoll: %w", err)
	}
	return nil
}

// Wait sleeps until a descriptor is readable, the alarm rings, or the timeout is over (there is
// none if it is negative). It yields each readable descriptor, a little later if it is to linger,
// unless the alarm rings.
func (p *Epoll) Wait(timeout, linger time.Duration, yield func(fd int)) error {
	err := p.sleep(timeout)
	if err == nil && linger > 0 && !p.rung.Load() {
		time.Sleep(linger)
		p.more()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // the next Wait finds what is ready, or was rung
	}
	if err != nil {
		return fmt.Errorf("wait in epoll: %w", err)
	}
	for _, e := range p.events[:p.ready] {
		if int(e.Fd) == p.fd {
			p.reset() // before the caller examines anything
		}
	}
	for _, e := range p.events[:p.ready] {
		if fd := int(e.Fd); fd != p.fd {
			yield(fd)
			p.again(fd)
		}
	}
	return nil
}

// again requests the events of a descriptor that was reported. It may be closed by now.
func (p *Epoll) again(fd int) {
	p.event = unix.EpollEvent{Events: watched, Fd: int32(fd)}
	_, _, _ = unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.epoll), unix.EPOLL_CTL_MOD, uintptr(fd), uintptr(unsafe.Pointer(&p.event)), 0, 0)
}

func (p *Epoll) sleep(timeout time.Duration) error {
	var until time.Time
	if timeout >= 0 {
		until = time.Now().Add(timeout)
	}
	if until != p.until {
		p.until = until
		if err := p.file.SetReadDeadline(until); err != nil {
			return err
		}
	}
	if err := p.raw.Read(p.look); err != nil {
		return err
	}
	if p.errno != 0 {
		return p.errno
	}
	return nil
}

// lookOnce records what is ready.
func (p *Epoll) lookOnce(uintptr) (done bool) {
	p.ready, p.errno = 0, 0
	p.more()
	return p.ready > 0 || p.errno != 0
}

// more adds what has become ready since. It never waits, so it bypasses Go's scheduler, whose
// entry would wake the thread that takes processors back.
func (p *Epoll) more() {
	room := p.events[p.ready:]
	if len(room) == 0 {
		return
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&room[0])), uintptr(len(room)), 0, 0, 0)
	switch errno {
	case 0:
		p.ready += int(n)
	case unix.EINTR: // which a call that does not wait never returns
	default:
		p.errno = errno
	}
}

// Close closes the epoll and the alarm, but not the watched descriptors.
func (p *Epoll) Close() error {
	var err error
	if p.file != nil {
		err = p.file.Close()
	}
	return errors.Join(err, p.Alarm.close())
}
