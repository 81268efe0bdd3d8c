package notify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/command"
)

const (
	fifoMode = 0o640
	// fifoRetry is the period of attempts to open or write a FIFO that cannot be opened or is full.
	fifoRetry = time.Second
	// maxFIFOLines is the number of lines that wait before only the last of each name is kept.
	maxFIFOLines = 1024
)

// FIFO writes a line for each transition into a named pipe, which it makes if there is none. A pipe
// that nobody reads takes some 1,600 lines (64 KiB). Then the last line of each name waits until
// there is room; those in between are lost and counted.
type FIFO struct {
	path   string
	owner  *command.User
	make   func() error // makes the pipe, or gives it to this process
	report func(FIFOReport)
	wake   chan struct{} // holds one, after a Write
	lost   atomic.Uint64

	mu      sync.Mutex
	waiting []line
	full    bool // only the last line of each name is kept

	// The fields below belong to Run.
	file     *os.File
	raw      syscall.RawConn
	reported string // the error of the last report
}

type line struct {
	Subject
	text string
}

// FIFOReport reports that the FIFO cannot be written, or can be again (Err is nil).
type FIFOReport struct {
	Path string
	Err  error
	Lost uint64 // the number of lines ever lost
}

// ErrUnread is the error of a FIFO that is full.
var ErrUnread = errors.New("nobody reads it")

// NewFIFO returns a FIFO. making makes it if there is none, or if one of root's cannot be opened:
// see MakeFIFO. An existing one is used as it is, if it belongs to root, to the daemon's user or to
// owner. Reports come from the goroutine that calls Run; they must not block.
func NewFIFO(path string, owner *command.User, making func() error, report func(FIFOReport)) *FIFO {
	return &FIFO{path: path, owner: owner, make: making, report: report, wake: make(chan struct{}, 1)}
}

// MakeFIFO makes a FIFO that belongs to the user with the number writer, who writes it, and the
// group of owner (nil: that of this process), with mode 0640: so its writer can reopen it without
// CAP_DAC_OVERRIDE. An existing one of root's is given to that user.
func MakeFIFO(path string, owner *command.User, writer int) error {
	if err := unix.Mkfifo(path, fifoMode); err != nil && err != unix.EEXIST {
		return fmt.Errorf("the FIFO %s cannot be made: %w", path, err)
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("the FIFO %s cannot be opened: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	switch err := unix.Fstat(fd, &stat); {
	case err != nil:
		return err
	case stat.Mode&unix.S_IFMT != unix.S_IFIFO || stat.Nlink != 1:
		return notFIFO(path)
	case int(stat.Uid) != os.Geteuid() && int(stat.Uid) != writer:
		return nil // another user's, which is used as it is or not at all
	}
	group := os.Getegid()
	if owner != nil {
		group = int(owner.GID)
	}
	// This applies to the descriptor, whatever the path leads to by now, and sets the mode whatever
	// the umask is.
	if err := unix.Fchownat(fd, "", writer, group, unix.AT_EMPTY_PATH); err != nil {
		return fmt.Errorf("the FIFO %s cannot be given to user %d and group %d: %w", path, writer, group, err)
	}
	if err := unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), fifoMode); err != nil {
		return fmt.Errorf("the FIFO %s cannot be given mode %04o: %w", path, fifoMode, err)
	}
	return nil
}

// Lost returns how many lines were lost because nobody read.
func (f *FIFO) Lost() uint64 { return f.lost.Load() }

// Write queues the line of a transition.
func (f *FIFO) Write(t Transition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, line{t.subject(), t.Line()})
	if f.full || len(f.waiting) > maxFIFOLines {
		f.keepLast()
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// keepLast drops all waiting lines except the last of each name.
func (f *FIFO) keepLast() {
	last := make(map[Subject]int, len(f.waiting))
	for i, l := range f.waiting {
		last[l.Subject] = i
	}
	f.lost.Add(uint64(len(f.waiting) - len(last)))
	i := -1
	f.waiting = slices.DeleteFunc(f.waiting, func(l line) bool { i++; return last[l.Subject] != i })
}

// Run writes lines until ctx is done, and then as many more as there is room for.
func (f *FIFO) Run(ctx context.Context) error {
	defer f.close()
	for {
		f.flush(ctx)
		var retry <-chan time.Time
		if _, ok := f.first(); ok {
			retry = time.After(fifoRetry)
		}
		select {
		case <-ctx.Done():
			f.flush(ctx)
			return nil
		case <-f.wake:
		case <-retry:
		}
	}
}

// flush writes the waiting lines, and waits for room up to fifoRetry.
func (f *FIFO) flush(ctx context.Context) {
	for {
		l, ok := f.first()
		if !ok {
			return
		}
		err := f.open()
		if err == nil {
			err = f.write(ctx, l.text)
		}
		f.changed(err)
		if err != nil {
			return
		}
		f.remove(l)
	}
}

func (f *FIFO) first() (l line, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == 0 {
		return l, false
	}
	return f.waiting[0], true
}

// remove removes a line that was written, unless a later one of its name has already replaced it.
func (f *FIFO) remove(l line) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) > 0 && f.waiting[0] == l {
		f.waiting = f.waiting[1:]
	}
}

// changed reports an error once, and its end.
func (f *FIFO) changed(err error) {
	f.mu.Lock()
	if f.full = errors.Is(err, ErrUnread); f.full {
		f.keepLast()
	}
	f.mu.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != f.reported {
		f.reported = text
		f.report(FIFOReport{f.path, err, f.lost.Load()})
	}
}

// write writes a line: all of it or nothing, since it is shorter than PIPE_BUF.
func (f *FIFO) write(ctx context.Context, text string) error {
	var err error
	try := func(fd uintptr) (done bool) {
		for {
			if _, err = unix.Write(int(fd), []byte(text)); err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	}
	if failed := f.raw.Control(func(fd uintptr) { try(fd) }); failed != nil || err != unix.EAGAIN {
		return errors.Join(failed, err)
	}
	f.changed(f.unread())
	_ = f.file.SetWriteDeadline(time.Now().Add(fifoRetry))
	defer func() { _ = f.file.SetWriteDeadline(time.Time{}) }()
	defer context.AfterFunc(ctx, func() { _ = f.file.SetWriteDeadline(time.Unix(1, 0)) })()
	if failed := f.raw.Write(try); failed != nil {
		return f.unread()
	}
	return err
}

func (f *FIFO) unread() error {
	return fmt.Errorf("the FIFO %s is full: %w; the last line of each name is kept", f.path, ErrUnread)
}

// open opens the FIFO, again if another program has removed or replaced it. It is opened for
// reading, too: then it needs no reader, and its content stays when a reader ends.
func (f *FIFO) open() error {
	if f.file != nil {
		if f.current() {
			return nil
		}
		f.close()
	}
	fd, err := f.openFile()
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) {
		if err := f.make(); err != nil {
			return err
		}
		fd, err = f.openFile()
	}
	if err != nil {
		return f.explain(err)
	}
	if err := f.check(fd); err != nil {
		_ = unix.Close(fd)
		return err
	}
	file := os.NewFile(uintptr(fd), f.path)
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return err
	}
	f.file, f.raw = file, raw
	return nil
}

// openFile opens only a FIFO: opening a device has effects.
func (f *FIFO) openFile() (int, error) {
	var stat unix.Stat_t
	if err := unix.Lstat(f.path, &stat); err != nil {
		return -1, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		return -1, unix.EEXIST
	}
	return unix.Open(f.path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

func notFIFO(path string) error {
	return fmt.Errorf("%s exists and is not a FIFO: remove it, or give another path", path)
}

func (f *FIFO) explain(err error) error {
	if errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ELOOP) {
		return notFIFO(f.path)
	}
	return fmt.Errorf("the FIFO %s cannot be opened: %w", f.path, err)
}

// check returns an error if the opened file is not a FIFO, or belongs to a user that is not
// trusted.
func (f *FIFO) check(fd int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	owners := []uint32{0, uint32(os.Geteuid())}
	if f.owner != nil {
		owners = append(owners, f.owner.UID)
	}
	switch {
	case stat.Mode&unix.S_IFMT != unix.S_IFIFO:
		return f.explain(unix.EEXIST)
	case !slices.Contains(owners, stat.Uid):
		return fmt.Errorf("the FIFO %s belongs to user %d: remove it, or give another path", f.path, stat.Uid)
	}
	return nil
}

// current reports whether the path still leads to the open file.
func (f *FIFO) current() bool {
	there, err := os.Lstat(f.path)
	if err != nil {
		return false
	}
	here, err := f.file.Stat()
	return err == nil && os.SameFile(there, here)
}

func (f *FIFO) close() {
	if f.file != nil {
		_ = f.file.Close()
		f.file = nil
	}
}
