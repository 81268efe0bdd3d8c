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

// Epoll waits for many descriptors, or for its alarm. The epoll itself is waited for
// by Go's own poller: a goroutine that sleeps in the kernel keeps a processor of
// Go's, and with it awake the thread that takes processors back, which costs a
// Backup a sixth of its CPU time.
type Epoll struct {
	*Alarm
	file  *os.File // of the epoll
	epoll int      // its descriptor, while file is open
	raw   syscall.RawConn
	until time.Time // Wait returns then; zero: never

	events [64]unix.EpollEvent
	event  unix.EpollEvent
	ready  int // of events
	errno  unix.Errno
	look   func(fd uintptr) (done bool)
}

// OpenEpoll returns an epoll that waits for its alarm alone.
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
	_ = unix.SetNonblock(fd, true) // for os.File to wait for it; it does not fail
	p.epoll, p.file = fd, os.NewFile(uintptr(fd), "epoll")
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return fmt.Errorf("make an epoll: %w", err)
	}
	return p.add(p.fd, unix.EPOLLIN)
}

// watched are the events to wait for: reported once until it is asked again, after its turn.
// Packets that come meanwhile wake nobody.
const watched = unix.EPOLLIN | unix.EPOLLONESHOT

// Watch adds a descriptor; closing it takes it out again.
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

// Wait sleeps until something is to be read, the alarm rings, or the timeout is
// over (none where it is negative); it yields each descriptor to be read, a little
// later if it is to linger, unless the alarm rings.
func (p *Epoll) Wait(timeout, linger time.Duration, yield func(fd int)) error {
	err := p.sleep(timeout)
	if err == nil && linger > 0 && !p.rung.Load() {
		time.Sleep(linger)
		p.more()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil // what is ready, or was rung, is found by the next Wait
	}
	if err != nil {
		return fmt.Errorf("wait in epoll: %w", err)
	}
	for _, e := range p.events[:p.ready] {
		if int(e.Fd) == p.fd {
			p.reset() // before anything is looked at
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

// again asks for a descriptor that was reported. It may be closed by now.
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

// lookOnce sees what is ready.
func (p *Epoll) lookOnce(uintptr) (done bool) {
	p.ready, p.errno = 0, 0
	p.more()
	return p.ready > 0 || p.errno != 0
}

// more sees what has become ready beside what was. It never waits, so Go's scheduler
// is not told of the call, which would wake the thread that takes processors back.
func (p *Epoll) more() {
	room := p.events[p.ready:]
	if len(room) == 0 {
		return
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&room[0])), uintptr(len(room)), 0, 0, 0)
	switch errno {
	case 0:
		p.ready += int(n)
	case unix.EINTR: // which a call that does not wait never gives
	default:
		p.errno = errno
	}
}

// Close frees the descriptors, but not those that are watched.
func (p *Epoll) Close() error {
	var err error
	if p.file != nil {
		err = p.file.Close()
	}
	return errors.Join(err, p.Alarm.close())
}
