package lan

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// ErrClosed is the error of every call on a closed namespace.
var ErrClosed = errors.New("the namespace is closed")

// closing bounds each wait of Close.
const closing = 5 * time.Second

// Namespace is a network namespace without a name, which lives as long as a thread of its own. It
// is safe for concurrent use.
type Namespace struct {
	name string
	jobs chan func()
	quit chan struct{}
	over chan struct{} // closed when the thread accepts no more jobs
	once sync.Once

	tid  int
	id   string   // as the link /proc/PID/ns/net reads: "net:[4026532000]"
	file *os.File // for IFLA_NET_NS_FD
	conn *rtnetlink.Conn
}

// NewNamespace makes a namespace whose loopback is up and whose settings (reverse path filter,
// duplicate address detection, …) do not depend on the machine. Only errors use the name.
func NewNamespace(name string) (*Namespace, error) {
	n := &Namespace{
		name: name,
		jobs: make(chan func()),
		quit: make(chan struct{}),
		over: make(chan struct{}),
	}
	born := make(chan error, 1)
	go n.thread(born)
	if err := <-born; err != nil {
		return nil, fmt.Errorf("make network namespace %s: %w", name, err)
	}
	return n, nil
}

// thread runs the thread of the namespace. It never unlocks the thread, so that the runtime ends it
// together with the goroutine.
func (n *Namespace) thread(born chan<- error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		// The main thread never ends, and /proc/self shows its namespace. This goroutine keeps it
		// occupied until another goroutine has got another thread.
		second := make(chan error, 1)
		go n.thread(second)
		err := <-second
		runtime.UnlockOSThread()
		born <- err
		return
	}
	defer close(n.over)
	if err := n.enter(); err != nil {
		n.release()
		born <- err
		return
	}
	born <- nil
	for {
		select {
		case job := <-n.jobs:
			job()
		case <-n.quit:
			return
		}
	}
}

func (n *Namespace) enter() (err error) {
	n.tid = unix.Gettid()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("unshare: %w (root is needed, with CAP_SYS_ADMIN)", err)
	}
	if n.file, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	if n.id, err = os.Readlink("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	if n.conn, err = rtnetlink.Dial(&netlink.Config{Strict: true}); err != nil {
		return fmt.Errorf("open rtnetlink: %w", err)
	}
	if err := defaults(); err != nil {
		return err
	}
	return n.setUp(1, true) // the loopback has ifindex 1 in every namespace
}

func (n *Namespace) release() {
	if n.conn != nil {
		n.conn.Close()
	}
	if n.file != nil {
		n.file.Close()
	}
}

// Name returns the name of the namespace.
func (n *Namespace) Name() string { return n.name }

// Do runs f on the namespace's thread and returns its error. The sockets that f opens, and the
// files below /proc/sys/net, belong to the namespace. Only one f runs at a time, but f may call Do.
// It must not end its goroutine, as testing's FailNow does, because that ends the namespace.
func (n *Namespace) Do(f func() error) error {
	select {
	case <-n.over:
		return fmt.Errorf("namespace %s: %w", n.name, ErrClosed)
	default:
	}
	if unix.Gettid() == n.tid {
		return f()
	}
	result := make(chan error, 1)
	job := func() {
		err := fmt.Errorf("namespace %s: the function ended its goroutine, and the namespace", n.name)
		defer func() { result <- err }()
		err = f()
	}
	select {
	case n.jobs <- job:
		return <-result
	case <-n.over:
		return fmt.Errorf("namespace %s: %w", n.name, ErrClosed)
	}
}

// Start starts a command in the namespace. The command is killed with the namespace, and with the
// calling process, however that ends; Start sets its Pdeathsig. The caller waits for it, as for any
// command.
func (n *Namespace) Start(cmd *exec.Cmd) error {
	return n.Do(func() error {
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		// The kernel sends the signal when the starting thread ends, which is the namespace's own.
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("start in namespace %s: %w", n.name, err)
		}
		return nil
	})
}

// Close kills every process in the namespace, ends its thread and releases it. A socket that was
// opened in the namespace keeps it alive until it is closed. Further calls do nothing.
func (n *Namespace) Close() error {
	var err error
	n.once.Do(func() {
		err = sweep(n)
		close(n.quit)
		select {
		case <-n.over:
		case <-time.After(closing):
			err = errors.Join(err, fmt.Errorf("namespace %s: its thread is busy: a function given to Do has not returned", n.name))
		}
		n.release()
	})
	return err
}

// listen opens a packet socket that receives the frames that pass the filter, from its return on.
func (n *Namespace) listen(index int, filter []unix.SockFilter) (*packetSocket, error) {
	var fd int
	err := n.Do(func() (err error) {
		// Without a protocol it receives nothing until it is bound, when its filter is in place.
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		return err
	})
	if err == nil {
		if err = prepare(fd, index, filter); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("namespace %s: open a packet socket on interface %d: %w", n.name, index, err)
	}
	s := &packetSocket{file: os.NewFile(uintptr(fd), "packet socket")}
	s.raw, err = s.file.SyscallConn()
	return s, err
}
