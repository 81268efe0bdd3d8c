package advert

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller waits for packets on many ports, or for its alarm. Its epoll is waited for
// by Go's own poller: a goroutine that sleeps in the kernel keeps a processor of
// Go's, and with it awake the thread that takes processors back, which costs a
// Backup a sixth of its CPU time.
type poller struct {
	*alarm
	file  *os.File // of the epoll
	raw   syscall.RawConn
	until time.Time // wait returns then; zero: never

	events [64]unix.EpollEvent
	ready  int // of events
	errno  unix.Errno
	look   func(fd uintptr) (done bool)
}

func openPoller() (*poller, error) {
	a, err := openAlarm()
	if err != nil {
		return nil, err
	}
	p := &poller{alarm: a}
	p.look = p.lookOnce
	if err := p.open(); err != nil {
		_ = p.close()
		return nil, err
	}
	return p, nil
}

func (p *poller) open() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make an epoll: %w", err)
	}
	_ = unix.SetNonblock(fd, true) // for os.File to wait for it; it does not fail
	p.file = os.NewFile(uintptr(fd), "epoll")
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return fmt.Errorf("make an epoll: %w", err)
	}
	return p.watch(p.fd)
}

// watch adds a descriptor; closing it takes it out again.
func (p *poller) watch(fd int) error {
	var failed error
	err := p.raw.Control(func(epoll uintptr) {
		failed = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("add a socket to an epoll: %w", err)
	}
	return nil
}

// wait sleeps until something is to be read, the alarm rings, or the timeout is
// over (none where it is negative); it yields each descriptor to be read.
func (p *poller) wait(timeout time.Duration, yield func(fd int)) error {
	err := p.sleep(timeout)
	p.reset()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for adverts: %w", err)
	}
	for _, e := range p.events[:p.ready] {
		if int(e.Fd) != p.fd {
			yield(int(e.Fd))
		}
	}
	return nil
}

func (p *poller) sleep(timeout time.Duration) error {
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

// lookOnce sees what is ready. It never waits, so Go's scheduler is not told of the
// call, which would wake the thread that takes processors back.
func (p *poller) lookOnce(fd uintptr) (done bool) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	p.ready, p.errno = 0, errno
	if errno == 0 {
		p.ready = int(n)
	}
	if errno == unix.EINTR { // which a call that does not wait never gives
		p.errno = 0
	}
	return p.ready > 0 || p.errno != 0
}

func (p *poller) close() error {
	var err error
	if p.file != nil {
		err = p.file.Close()
	}
	return errors.Join(err, p.alarm.close())
}
