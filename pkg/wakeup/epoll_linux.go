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
// thread awake that takes processors back, which costs a Backup a sixth of its CPU time. Timeouts
// end by a timerfd: for a timer of Go, the poller wakes up to a millisecond early, then once more,
// and Go's monitor thread wakes each time.
type Epoll struct {
	*Alarm
	file  *os.File // of the epoll
	epoll int      // its descriptor, while file is open
	raw   syscall.RawConn
	timer int       // the timerfd
	armed time.Time // when the timer expires; zero if it has

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
	p := &Epoll{Alarm: a, timer: -1}
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
	if p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return fmt.Errorf("make a timerfd: %w", err)
	}
	// The timer need not be read: it is reported once each time it expires.
	return errors.Join(p.add(p.fd, unix.EPOLLIN), p.add(p.timer, unix.EPOLLIN|unix.EPOLLET))
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
// unless the alarm rings. It may return earlier for no reason.
func (p *Epoll) Wait(timeout, linger time.Duration, yield func(fd int)) error {
	if err := p.sleep(timeout); err != nil {
		return fmt.Errorf("wait in epoll: %w", err)
	}
	if linger > 0 && p.readable() && !p.rung.Load() {
		time.Sleep(linger)
		if p.more(); p.errno != 0 {
			return fmt.Errorf("wait in epoll: %w", p.errno)
		}
	}
	for _, e := range p.events[:p.ready] {
		switch int(e.Fd) {
		case p.fd:
			p.reset() // before the caller examines anything
		case p.timer:
			p.armed = time.Time{}
		}
	}
	for _, e := range p.events[:p.ready] {
		if fd := int(e.Fd); fd != p.fd && fd != p.timer {
			yield(fd)
			p.again(fd)
		}
	}
	return nil
}

// readable reports whether a watched descriptor is readable.
func (p *Epoll) readable() bool {
	for _, e := range p.events[:p.ready] {
		if fd := int(e.Fd); fd != p.fd && fd != p.timer {
			return true
		}
	}
	return false
}

// again requests the events of a descriptor that was reported. It may be closed by now.
func (p *Epoll) again(fd int) {
	p.event = unix.EpollEvent{Events: watched, Fd: int32(fd)}
	_, _, _ = unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.epoll), unix.EPOLL_CTL_MOD, uintptr(fd), uintptr(unsafe.Pointer(&p.event)), 0, 0)
}

func (p *Epoll) sleep(timeout time.Duration) error {
	if timeout == 0 {
		p.lookOnce(0)
	} else {
		p.arm(timeout)
		if err := p.raw.Read(p.look); err != nil {
			return err
		}
	}
	if p.errno != 0 {
		return p.errno
	}
	return nil
}

// arm sets the timer, unless it expires earlier: an early wake-up now and then costs less than
// setting the timer before each sleep.
func (p *Epoll) arm(timeout time.Duration) {
	if timeout < 0 {
		return
	}
	if until := time.Now().Add(timeout); p.armed.IsZero() || until.Before(p.armed) {
		p.armed = until
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(timeout))}
		_ = unix.TimerfdSettime(p.timer, 0, &spec, nil) // cannot fail: our descriptor, a valid time
	}
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
	if p.timer >= 0 {
		err = errors.Join(err, unix.Close(p.timer))
	}
	return errors.Join(err, p.Alarm.close())
}
