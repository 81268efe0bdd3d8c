package adopt

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/rundir"
	"ripcord/pkg/vrrp"
)

// Record is the file in which a daemon records its adverts for the next one. A nil Record, for a
// machine where none can be written, records nothing. A Record without room, since /run is full,
// records nothing before Retry has found room.
//
// Only the advert engine calls Sent and Silent, and only the router's loop Actives; they make no
// system call.
type Record struct {
	boot  Boot
	clock atomic.Pointer[clock]
	table atomic.Pointer[table]

	mu    sync.Mutex // held while the size of the file or its slots change
	path  string
	file  *os.File
	words []uint64 // the mapped file
	maps  [][]byte // all its mappings: the engine may still write through an old one
	left  []Key    // the instances for which Keep had no room; nil if it had room
}

// table maps instances to their slots.
type table struct {
	words []uint64
	slots map[string]place
}

type place struct {
	slot   int
	digest Digest
}

// clock is an instant of Go's clock and of CLOCK_BOOTTIME.
type clock struct {
	at   time.Time
	boot time.Duration
}

// Open opens or creates the record at path, and returns what the previous daemon recorded: the
// caller is the only daemon, by its lock. It records another start. An error with a Record that
// is not nil is why the past cannot be used, or ErrRoom.
func Open(path string) (*Record, *Past, error) {
	r := &Record{path: path}
	if err := r.readBoot(); err != nil {
		return nil, &Past{}, err
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &Past{}, fmt.Errorf("open %s: %w", path, err)
	}
	r.file = os.NewFile(uintptr(fd), path)
	info, err := r.file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err != nil {
		return nil, &Past{}, errors.Join(fmt.Errorf("use %s: %w", path, err), r.close())
	}
	r.Refresh()
	past, unusable := r.load(info.Size())
	if err := r.start(past); err != nil {
		return r, &Past{}, r.noRoom(err)
	}
	return r, past, unusable
}

// ErrRoom is the error of a Record that has no room for the adverts.
var ErrRoom = errors.New("there is no room")

func (r *Record) noRoom(why error) error { return fmt.Errorf("%w in %s: %w", ErrRoom, r.path, why) }

// LastWritten returns the last instant in the record at path, that of a start, of an advert or of
// the end of its daemon. An error is why no daemon could use the record.
func LastWritten(path string) (at time.Time, err error) {
	r := &Record{path: path}
	if err := r.readBoot(); err != nil {
		return at, err
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return at, &os.PathError{Op: "open", Path: path, Err: err}
	}
	r.file = os.NewFile(uintptr(fd), path)
	defer r.file.Close()
	info, err := r.file.Stat()
	if err != nil {
		return at, err
	}
	r.Refresh()
	past, err := r.load(info.Size())
	if err != nil {
		return at, err
	}
	return r.Time(past.newest()), nil
}

// load reads a file of the given size.
func (r *Record) load(size int64) (*Past, error) {
	if size == 0 {
		return &Past{}, nil
	}
	words := make([]uint64, min(int(size)/wordBytes, wordsOf(maxSlots)))
	if len(words) > 0 {
		if _, err := r.file.ReadAt(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*wordBytes), 0); err != nil {
			return &Past{}, err
		}
	}
	return parse(words, r.boot)
}

// start records a start. The rest of the file is not changed, so that the next daemon finds it if
// this one fails early.
func (r *Record) start(past *Past) error {
	if err := r.grow(0); err != nil {
		return err
	}
	if len(past.traces) == 0 {
		writeHeader(r.words, r.boot, 0)
		for i, at := range past.starts {
			atomic.StoreUint64(&r.words[atStarts+i], uint64(at))
		}
	}
	atomic.StoreUint64(&r.words[atStarts+past.oldest()], uint64(r.Now()))
	return nil
}

// grow makes room for the given number of slots. The memory is allocated here: if /run is full
// this fails, and no later store does.
func (r *Record) grow(slots int) error {
	size := wordsOf(slots) * wordBytes
	switch {
	case slots > maxSlots:
		return fmt.Errorf("%d instances are too many for the record", slots)
	case len(r.words)*wordBytes >= size:
		return nil
	}
	fd := int(r.file.Fd())
	if err := unix.Fallocate(fd, 0, 0, int64(size)); err != nil {
		return err
	}
	bytes, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	r.maps = append(r.maps, bytes)
	r.words = unsafe.Slice((*uint64)(unsafe.Pointer(&bytes[0])), size/wordBytes)
	return nil
}

// spare is the number of slots for instances that a reload adds before the file must grow.
const spare = 16

// Keep records the adverts of the given instances from now on. Instances that were recorded
// before, with the same configuration, continue; all others count as not Active until they
// advertise. An Active instance with another configuration than before keeps the instant since when
// it is Active; Keep returns these instances, which should advertise soon.
func (r *Record) Keep(keys []Key) (changed []string, err error) {
	if r == nil {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keep(keys)
}

// Retry records the adverts of the instances for which Keep had no room, and reports whether there
// is room now.
func (r *Record) Retry() bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == nil {
		return false
	}
	_, err := r.keep(r.left)
	return err == nil
}

// keep does the work of Keep.
func (r *Record) keep(keys []Key) (changed []string, err error) {
	r.left = keys
	if r.words == nil {
		if err := r.start(&Past{}); err != nil {
			return nil, r.noRoom(err)
		}
	}
	old, next := r.table.Load(), &table{slots: make(map[string]place, len(keys))}
	used := make(map[int]bool)
	if old == nil {
		old = &table{}
	}
	for _, p := range old.slots { // the engine still writes to these slots: they are not reused
		used[p.slot] = true
	}
	if err := r.grow(len(used) + len(keys) + spare); err != nil {
		return nil, r.noRoom(err)
	}
	r.left = nil
	if old.words == nil {
		atomic.StoreUint64(&r.words[atCheck], 0) // the old content is no longer valid
		clear(r.words[headerWords:])
		atomic.StoreUint64(&r.words[atHandover], 0)
	}
	free := 0
	for _, key := range keys {
		if p, ok := old.slots[key.Name]; ok && p.digest == key.Digest {
			next.slots[key.Name] = p
			continue
		}
		for used[free] {
			free++
		}
		writeSlot(r.words, free, key)
		if s := old.of(key.Name); s != nil && atomic.LoadUint64(&s[inSent]) != 0 { // it continues, or falls silent
			slot(r.words, free)[inSince], slot(r.words, free)[inUntil] = atomic.LoadUint64(&s[inSince]), changing
			changed = append(changed, key.Name)
		}
		if s := old.of(key.Name); s != nil {
			moveActives(slot(r.words, free), s)
		}
		next.slots[key.Name] = place{free, key.Digest}
		free++
	}
	next.words = r.words
	writeHeader(r.words, r.boot, (len(r.words)-headerWords)/slotWords)
	r.table.Store(next)
	r.runs()
	for name, p := range old.slots {
		if next.slots[name] != p {
			clear(slot(r.words, p.slot))
		}
	}
	return changed, nil
}

// Sent records that an advert of an instance left at an instant, with a priority.
func (r *Record) Sent(instance string, priority uint8, at time.Time) {
	if r != nil {
		r.table.Load().sent(instance, priority, r.boottime(at))
	}
}

// Actives records the Actives of an instance that were heard and have not resigned.
func (r *Record) Actives(instance string, list []vrrp.Advertiser) {
	if r == nil {
		return
	}
	if s := r.table.Load().of(instance); s != nil {
		writeActives(s, list)
	}
}

// runs records that the daemon still runs. Before Keep the record is that of the previous daemon.
func (r *Record) runs() {
	if t := r.table.Load(); t != nil {
		atomic.StoreUint64(&t.words[atEnded], uint64(r.Now()))
	}
}

// GoOn records that an instance has been Active since an instant before this daemon started, if
// its first advert leaves until another instant. It is called after Keep, and before that advert.
func (r *Record) GoOn(instance string, since, until time.Time) {
	if r == nil {
		return
	}
	if s := r.table.Load().of(instance); s != nil {
		atomic.StoreUint64(&s[inSince], uint64(r.boottime(since)))
		atomic.StoreUint64(&s[inUntil], uint64(r.boottime(until)))
	}
}

// Silent records that an instance is no longer Active, before its last advert.
func (r *Record) Silent(instance string) {
	if r != nil {
		r.table.Load().silent(instance)
	}
}

func (t *table) sent(instance string, priority uint8, at time.Duration) {
	s := t.of(instance)
	if s == nil {
		return
	}
	if atomic.LoadUint64(&s[inSent]) == 0 && uint64(at) > atomic.LoadUint64(&s[inUntil]) {
		atomic.StoreUint64(&s[inSince], uint64(at))
	}
	atomic.StoreUint64(&s[inSent], pack(at, priority))
}

func (t *table) silent(instance string) {
	if s := t.of(instance); s != nil {
		atomic.StoreUint64(&s[inSent], 0)
		atomic.StoreUint64(&s[inUntil], 0)
	}
}

// of returns the slot of an instance; nil if it has none.
func (t *table) of(instance string) []uint64 {
	if t == nil {
		return nil
	}
	p, ok := t.slots[instance]
	if !ok {
		return nil
	}
	return slot(t.words, p.slot)
}

// Kept reports whether adverts are recorded.
func (r *Record) Kept() bool { return r != nil && r.table.Load() != nil }

// HandOver records that the daemon ends so that the next one can continue. That does not count as
// a crash.
func (r *Record) HandOver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endInOrder()
	atomic.StoreUint64(&r.words[atHandover], 1)
}

// endInOrder records that the daemon does not crash.
func (r *Record) endInOrder() {
	r.runs()
	for i := range Crashes {
		atomic.StoreUint64(&r.words[atStarts+i], 0)
	}
}

// Stop records that the daemon has stopped and resigned, so that there is nothing to adopt. It
// removes the file, unless it has Actives that the next daemon may have to fence.
func (r *Record) Stop() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.table.Load()
	if t == nil || !t.hasActives() {
		return r.remove()
	}
	r.endInOrder()
	for name := range t.slots {
		t.silent(name)
	}
	return nil
}

// hasActives reports whether Actives of any instance are recorded.
func (t *table) hasActives() bool {
	for name := range t.slots {
		if atomic.LoadUint64(&t.of(name)[inActivesSum]) != 0 {
			return true
		}
	}
	return false
}

func (r *Record) remove() error {
	if err := os.Remove(r.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Close closes the file. Sent, Silent and Actives must not be called after it.
func (r *Record) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table.Store(nil)
	return r.close()
}

func (r *Record) close() error {
	var errs []error
	for _, m := range r.maps {
		errs = append(errs, unix.Munmap(m))
	}
	r.maps, r.words = nil, nil
	return errors.Join(append(errs, r.file.Close())...)
}

// Refresh compares the clocks again, and records that the daemon runs. CLOCK_BOOTTIME continues
// while the machine sleeps, Go's clock does not: until the next Refresh, adverts are recorded as
// older than they are, and are not adopted.
func (r *Record) Refresh() {
	if r == nil {
		return
	}
	var boot unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) // every kernel has it
	r.clock.Store(&clock{time.Now(), time.Duration(boot.Nano())})
	r.runs()
}

func (r *Record) boottime(at time.Time) time.Duration {
	c := r.clock.Load()
	return c.boot + at.Sub(c.at)
}

// Now returns the present instant of CLOCK_BOOTTIME.
func (r *Record) Now() time.Duration { return r.boottime(time.Now()) }

// Time converts an instant of CLOCK_BOOTTIME to Go's clock.
func (r *Record) Time(boot time.Duration) time.Time {
	c := r.clock.Load()
	return c.at.Add(boot - c.boot)
}

func (r *Record) readBoot() error {
	text, err := rundir.Boot()
	if err != nil {
		return err
	}
	id, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(id) != len(r.boot)*wordBytes {
		return fmt.Errorf("the id of this boot is %q, which is no UUID", text)
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&r.boot)), len(id)), id)
	return nil
}
