package command

import (
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// pipeRoom is the least capacity of a pipe (pipe(7)).
const pipeRoom = 64 << 10

// scratch are the buffers into which output is read.
var scratch = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// output reads what a program writes into a pipe and keeps the beginning.
type output struct {
	file *os.File
	over chan struct{} // closed when read has returned

	mu   sync.Mutex
	head []byte
	cut  bool
}

// newOutput makes the pipe. It returns the program's end as a descriptor, which must be closed
// after the program has it.
func newOutput() (o *output, end int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, -1, os.NewSyscallError("pipe2", err)
	}
	_ = unix.SetNonblock(fds[0], true) // only of our end: the program may not expect it
	return &output{file: os.NewFile(uintptr(fds[0]), "output"), over: make(chan struct{})}, fds[1], nil
}

// read reads until no process has the pipe open for writing, or until finish.
func (o *output) read() {
	defer close(o.over)
	buffer := scratch.Get().(*[16 << 10]byte)
	defer scratch.Put(buffer)
	for {
		n, err := o.file.Read(buffer[:])
		o.keep(buffer[:n])
		if err != nil {
			return
		}
	}
}

func (o *output) keep(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	room := OutputLimit - len(o.head)
	o.cut = o.cut || len(b) > room
	o.head = append(o.head, b[:min(len(b), room)]...)
}

// finish reads what is in the pipe now and closes it. A process that still has it open gets SIGPIPE
// when it writes.
func (o *output) finish() {
	_ = o.file.SetReadDeadline(time.Unix(1, 0)) // it has passed, so read returns
	<-o.over
	if raw, err := o.file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { o.drain(int(fd)) })
	}
	_ = o.file.Close()
}

// drain reads what is in the pipe, at most the capacity of a pipe: a remaining process may continue
// to write.
func (o *output) drain(fd int) {
	buffer := scratch.Get().(*[16 << 10]byte)
	defer scratch.Put(buffer)
	for total := 0; total < pipeRoom; {
		n, err := unix.Read(fd, buffer[:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 {
			return
		}
		o.keep(buffer[:n])
		total += n
	}
}

// text returns the output kept so far, and whether there was more.
func (o *output) text() (text string, cut bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimRight(strings.ToValidUTF8(string(o.head), "\uFFFD"), " \t\r\n"), o.cut
}
