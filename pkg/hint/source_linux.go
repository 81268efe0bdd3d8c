package hint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"ripcord/pkg/bpf"
	"ripcord/pkg/confine"
)

// The programs run before these functions of the kernel. Both have a struct net_device as their
// argument.
const (
	// changing is called by netif_carrier_off and netif_carrier_on when the flag has its new
	// value, and only if it had another one.
	changing = "linkwatch_fire_event"
	// flagging is the function with which a driver without an answer of its own answers
	// ETHTOOL_GLINK.
	flagging = "ethtool_op_get_link"
)

const (
	ringSize  = 64 << 10 // bytes, for 2,700 records: a cable may have thousands of VLANs
	onceLinks = 1024     // links for which it is remembered that Flagged was reported
)

// Source is the source of hints. One goroutine reads; Close ends reading.
type Source struct {
	attachment string
	maps       []*ebpf.Map
	links      []link.Link
	reader     *ringbuf.Reader // reads present records without waiting
	ready      *os.File        // the ring, for the poller of Go
	raw        syscall.RawConn
	record     ringbuf.Record // reused
}

// Open attaches the programs, for the network namespace of this thread. If the kernel or the
// rights of the process do not permit it, the error has the reason.
func Open() (*Source, error) {
	// This is checked first: a service manager may kill a process for a bpf(2) that it does not
	// permit.
	if !confine.Has(unix.CAP_BPF, unix.CAP_PERFMON) && !confine.Has(unix.CAP_SYS_ADMIN) {
		return nil, errors.New("CAP_BPF and CAP_PERFMON are required")
	}
	usable, refused := permitted()
	if len(usable) == 0 {
		return nil, refusal(refused)
	}
	defer debug.FreeOSMemory() // the kernel's BTF is large, and is not needed any more
	var stat unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &stat); err != nil {
		return nil, fmt.Errorf("the network namespace: %w", err)
	}
	types := btf.NewCache() // reading them takes 50 ms and more
	l, err := findLayout(types)
	if err != nil {
		return nil, err
	}
	for _, a := range usable {
		s := &Source{attachment: a.name}
		if err = s.attach(l, types, a, uint32(stat.Ino)); err == nil {
			return s, nil
		}
		_ = s.Close()
		refused = append(refused, a.name+": "+bpf.Cause(err).Error())
	}
	return nil, refusal(refused)
}

// permitted returns the attachments that the kernel permits to this process, the best first, and
// why it refuses the others. It asks before the kernel's types are read.
func permitted() (list []attachment, refused []string) {
	for _, a := range attachments() {
		if err := a.ask(changing); err != nil {
			refused = append(refused, a.name+": "+bpf.Cause(err).Error())
		} else {
			list = append(list, a)
		}
	}
	return list, refused
}

// refusal returns the error for a kernel that refuses all attachments.
func refusal(refused []string) error {
	return errors.New("the kernel refuses the programs (" + strings.Join(refused, "; ") + ")")
}

// attach loads and attaches both programs, and opens the ring.
func (s *Source) attach(l layout, types *btf.Cache, a attachment, namespace uint32) error {
	ring, err := s.newMap(ebpf.MapSpec{Name: "ripcord_hints", Type: ebpf.RingBuf, MaxEntries: uint32(max(ringSize, os.Getpagesize()))})
	if err != nil {
		return err
	}
	once, err := s.newMap(ebpf.MapSpec{Name: "ripcord_flagged", Type: ebpf.LRUHash, KeySize: 4, ValueSize: 4, MaxEntries: onceLinks})
	if err != nil {
		return err
	}
	if err := s.open(ring); err != nil {
		return err
	}
	programs, err := ebpf.NewCollectionWithOptions(&ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
		changing: a.before(changing, l.program(Changed, a.argument, namespace, ring, nil)),
		flagging: a.before(flagging, l.program(Flagged, a.argument, namespace, ring, once)),
	}}, ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogDisabled: true}, Cache: types})
	if err != nil {
		return err
	}
	defer programs.Close() // attached programs stay
	for function, p := range programs.Programs {
		attached, err := a.attach(function, p)
		if err != nil {
			return err
		}
		s.links = append(s.links, attached)
	}
	return nil
}

// open opens the ring for reading. Go's poller waits for it: the goroutine that waits for a
// record runs at once in the thread that notices it.
func (s *Source) open(ring *ebpf.Map) (err error) {
	if s.reader, err = ringbuf.NewReader(ring); err != nil {
		return err
	}
	s.reader.SetDeadline(time.Unix(1, 0)) // in the past
	fd, err := unix.FcntlInt(uintptr(ring.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return fmt.Errorf("the ring of records: %w", err)
	}
	s.ready = os.NewFile(uintptr(fd), "hints")
	s.raw, err = s.ready.SyscallConn()
	return err
}

// newMap makes a map that Close closes.
func (s *Source) newMap(spec ebpf.MapSpec) (*ebpf.Map, error) {
	m, err := ebpf.NewMap(&spec)
	if err != nil {
		return nil, err
	}
	s.maps = append(s.maps, m)
	return m, nil
}

// Attachment returns how the programs are attached: "fentry" or "kprobe".
func (s *Source) Attachment() string { return s.attachment }

// Attachments returns copies of the descriptors that keep the programs attached. The kernel
// detaches a program when its last descriptor is closed, and takes 0.1 s and more for that.
func (s *Source) Attachments() (copies []*os.File) {
	for _, l := range s.links {
		attached, ok := l.(interface{ FD() int })
		if !ok {
			continue
		}
		if fd, err := unix.FcntlInt(uintptr(attached.FD()), unix.F_DUPFD_CLOEXEC, 0); err == nil {
			copies = append(copies, os.NewFile(uintptr(fd), "attachment"))
		}
	}
	return copies
}

// Next waits for a record. It fails with os.ErrClosed once the source is closed.
func (s *Source) Next() (Record, error) {
	for {
		if err := s.raw.Read(s.pending); err != nil {
			return Record{}, err
		}
		if record, ok := s.take(); ok {
			return record, nil
		}
	}
}

// pending is Pending in the form that Go's poller needs.
func (s *Source) pending(uintptr) bool { return s.Pending() }

// take returns a record if there is one.
func (s *Source) take() (r Record, ok bool) {
	err, raw := s.reader.ReadInto(&s.record), s.record.RawSample
	if err != nil || len(raw) < recordSize {
		return r, false
	}
	return Record{
		Index: int(binary.NativeEndian.Uint32(raw)), Kind: Kind(binary.NativeEndian.Uint32(raw[4:])),
		At: instant(int64(binary.NativeEndian.Uint64(raw[8:]))),
	}, true
}

// Pending reports whether there are records that have not been read.
func (s *Source) Pending() bool { return s.reader.AvailableBytes() > 0 }

// instant converts the kernel's monotonic time to an instant.
func instant(nanoseconds int64) time.Time {
	var now unix.Timespec
	at := time.Now()
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return at
	}
	return at.Add(-time.Duration(now.Nano() - nanoseconds))
}

// Close detaches the programs and ends a Next.
func (s *Source) Close() error {
	var errs []error
	if s.ready != nil {
		errs = append(errs, s.ready.Close())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	for _, l := range s.links {
		errs = append(errs, l.Close())
	}
	for _, m := range s.maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
