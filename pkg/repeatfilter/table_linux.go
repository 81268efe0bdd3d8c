package repeatfilter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"ripcord/pkg/bpf"
	"ripcord/pkg/confine"
	"ripcord/pkg/event"
)

// These are the offsets of the fields of a slot, and its size.
const (
	slotPassed   = 0
	slotExpected = 8
	slotDropped  = 16
	slotLength   = 24
	slotPacket   = 32
	slotShift    = 8 // 256 bytes
)

// memory is a slot in the form that the filters and the process share. A filter loads dropped,
// then expected, then the packet, and finally exchanges dropped for its successor if it has not
// changed: each of these is a full barrier. Forget changes dropped, too. So a filter that runs at
// the same time drops nothing, whatever it has read of the packet.
type memory struct {
	passed   atomic.Uint64 // the packets of the virtual router that passed
	expected atomic.Uint64 // the value of passed for which the packet below is dropped
	dropped  atomic.Uint64 // a tally
	length   atomic.Uint64
	packet   [MaxPacket / 8]atomic.Uint64
	_        [1<<slotShift - slotPacket - MaxPacket]byte // up to the next slot
}

// The filters find slot n at n<<slotShift: a slot of another size does not compile.
var _ [1 << slotShift]byte = [unsafe.Sizeof(memory{})]byte{}

// tally is the number of dropped packets, in its low bits, and when the last one was dropped, by
// CLOCK_MONOTONIC: in one word, so that the number and its time are always read together.
type tally uint64

// A tally counts to 1<<tallyBits and then wraps. Its time is in units of 1<<tickBits nanoseconds,
// rounded up, and wraps after 13 days.
const (
	tallyBits = 24
	tickBits  = 10
	countMask = 1<<tallyBits - 1
)

// since returns how many packets were dropped after an earlier tally.
func (t tally) since(earlier tally) uint64 { return uint64(t-earlier) & countMask }

// last returns when the last packet was dropped; now is at most 6 days later.
func (t tally) last(now time.Duration) time.Duration {
	ticks := uint64(now)>>tickBits - uint64(t)>>tallyBits
	ago := int64(ticks<<tallyBits) >> tallyBits // the ticks of a tally have 64-tallyBits bits
	return now - now%(1<<tickBits) - time.Duration(ago<<tickBits)
}

// nothing is a value that passed never reaches.
const nothing = ^uint64(0)

// These are the bounds of the number of slots. A reload may add instances, and the maps cannot
// grow. All dropped adverts may be reported at once, and the router must have room for them: of
// further virtual routers each advert is read.
const (
	minSlots = 256
	maxSlots = 1 << 14
)

// Table is the memory that the filters share with the process, and the filters. Apart from the
// filters it belongs to one goroutine.
type Table struct {
	size      int // the number of slots
	bits      int // the directory has 1<<bits entries, plus probes
	directory mapped
	memory    mapped
	entries   []atomic.Uint64
	slots     []memory
	programs  map[kind]*ebpf.Program
	free      []uint16
}

// kind is the properties in which filters differ.
type kind struct {
	family  event.Family
	unicast bool
}

// Open returns a table with room for twice the given number of virtual routers. If the kernel or
// the rights of the process do not permit it, the error has the reason.
func Open(instances int) (*Table, error) {
	// This is checked first: a service manager may kill a process for a bpf(2) that it does not
	// permit.
	if !confine.Has(unix.CAP_BPF) && !confine.Has(unix.CAP_SYS_ADMIN) {
		return nil, errors.New("CAP_BPF is required")
	}
	t := &Table{programs: make(map[kind]*ebpf.Program)}
	t.size = 1 << bits.Len(uint(min(max(2*instances, minSlots), maxSlots)-1))
	t.bits = bits.Len(uint(8*t.size)) - 1
	if err := t.open(); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

func (t *Table) open() (err error) {
	entries := 1<<t.bits + probes
	if t.directory, err = newMapped("ripcord_routers", entries*8); err != nil {
		return err
	}
	if t.memory, err = newMapped("ripcord_adverts", t.size<<slotShift); err != nil {
		return err
	}
	t.entries = unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&t.directory.memory[0])), entries)
	t.slots = unsafe.Slice((*memory)(unsafe.Pointer(&t.memory.memory[0])), t.size)
	for i := range t.size {
		t.free = append(t.free, uint16(t.size-1-i))
	}
	for _, f := range []event.Family{event.IPv4, event.IPv6} {
		for _, unicast := range []bool{false, true} {
			p, err := ebpf.NewProgramWithOptions(t.program(f, unicast), ebpf.ProgramOptions{LogDisabled: true})
			if err != nil {
				return fmt.Errorf("the kernel refuses the filter: %w", bpf.Cause(err))
			}
			t.programs[kind{f, unicast}] = p
		}
	}
	return nil
}

// mapped is a map of one value, and that value in the memory of the process.
type mapped struct {
	m      *ebpf.Map
	memory []byte
}

func newMapped(name string, size int) (mapped, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: name, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(size), MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE,
	})
	if err != nil {
		return mapped{}, fmt.Errorf("the kernel refuses the map: %w", bpf.Cause(err))
	}
	page := os.Getpagesize()
	b, err := unix.Mmap(m.FD(), 0, (size+page-1)/page*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return mapped{}, errors.Join(fmt.Errorf("the memory of the map: %w", err), m.Close())
	}
	return mapped{m, b}, nil
}

func (m *mapped) close() error {
	if m.m == nil {
		return nil
	}
	return errors.Join(unix.Munmap(m.memory), m.m.Close())
}

// Filter returns the descriptor of the filter for the sockets of a family, for SO_ATTACH_BPF.
// Without unicast it drops packets to other destinations than the group.
func (t *Table) Filter(f event.Family, unicast bool) int { return t.programs[kind{f, unicast}].FD() }

// Slot assigns a slot to a virtual router on a link; nil if the table is full.
func (t *Table) Slot(index int, f event.Family, vrid uint8) *Slot {
	key := keyOf(index, f, vrid)
	if len(t.free) == 0 {
		return nil
	}
	for i := range probes {
		entry := &t.entries[key.home(t.bits)+i]
		if entry.Load() != 0 {
			continue
		}
		n := t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
		s := &Slot{table: t, entry: entry, number: n, memory: &t.slots[n]}
		s.taken = tally(s.memory.dropped.Load())
		entry.Store(uint64(key)<<slotBits | uint64(n))
		return s
	}
	return nil
}

// Close releases everything that the table has. No socket may still use its filters with the
// slots.
func (t *Table) Close() error {
	errs := []error{t.directory.close(), t.memory.close()}
	for _, p := range t.programs {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Slot is the entry of one virtual router.
type Slot struct {
	table  *Table
	entry  *atomic.Uint64
	number uint16
	memory *memory
	taken  tally
}

// Passed returns the number of packets of the virtual router that passed.
func (s *Slot) Passed() uint64 { return s.memory.passed.Load() }

// Expect makes the filter drop packets with this Image, as long as it has passed no more packets
// of the virtual router than the given number.
func (s *Slot) Expect(image []byte, passed uint64) {
	s.Forget()
	var padded [MaxPacket]byte
	n := copy(padded[:], image)
	for i := range s.memory.packet {
		s.memory.packet[i].Store(binary.NativeEndian.Uint64(padded[8*i:]))
	}
	s.memory.length.Store(uint64(n))
	s.memory.expected.Store(passed)
}

// Forget makes the filter pass all packets. When it returns no packet is dropped any more, not
// even one that the filter was comparing.
func (s *Slot) Forget() {
	s.memory.expected.Store(nothing)
	for {
		now := s.memory.dropped.Load()
		next := now&^countMask | (now+1)&countMask
		if s.memory.dropped.CompareAndSwap(now, next) {
			s.taken = s.taken&^countMask | (s.taken+1)&countMask // this change counted no packet
			return
		}
	}
}

// Take returns how many packets were dropped since the last call, and when the last one was. The
// caller passes the present time of Now, which it reads once for many slots.
func (s *Slot) Take(now time.Duration) (n uint64, last time.Duration) {
	dropped := tally(s.memory.dropped.Load())
	if n = dropped.since(s.taken); n == 0 {
		return 0, 0
	}
	s.taken = dropped
	return n, dropped.last(now)
}

// Release releases the slot.
func (s *Slot) Release() {
	s.entry.Store(0)
	s.Forget()
	s.table.free = append(s.table.free, s.number)
}

// Now returns the present time on the clock of Take: CLOCK_MONOTONIC.
func Now() (time.Duration, error) {
	var now unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return time.Duration(now.Nano()), err
}
