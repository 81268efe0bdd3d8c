package adopt

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"ripcord/pkg/vrrp"
)

// The record is an array of 64-bit words in the byte order of the machine, since only a
// daemon of the same boot reads it. Each word is stored at once, so that a crash between two
// stores leaves each of them old or new:
//
//	header  0      magic
//	        1      version, number of slots
//	        2, 3   the boot
//	        4      checksum of the words before
//	        5      1 once the daemon has handed over
//	        6–10   when the last daemons started, in rotation
//	        11     until when the daemon ran, within a few seconds
//	slots   0      hash of the instance's name; 0 if the slot is free
//	        1, 2   digest of the configuration of its group
//	        3      checksum of the words before, and of the number of the slot
//	        4      when its last advert left, with its priority; 0 if it is not Active
//	        5      since when it is Active
//	        6      until when the first advert leaves if it was Active before this daemon started
//	        8      checksum of the words that follow; 0 if there are no Actives
//	        9      hash of the virtual router
//	        10–21  Actives that were heard and have not resigned, in the order of their last adverts:
//	               each its source (2 words), and its interval and priority
//
// The advert engine writes the words 4 to 6 of a slot, the router's loop those from 8 on, in
// other cache lines.
//
// Instants are those of CLOCK_BOOTTIME, which cannot be set, and which runs while the
// machine sleeps.
const (
	magic   = 0x72697063_6f726401 // "ripcord", 1
	version = 3

	headerWords = 16
	slotWords   = 24 // three cache lines
	wordBytes   = 8

	atMagic, atSize, atBoot, atCheck, atHandover, atStarts, atEnded = 0, 1, 2, 4, 5, 6, 11
	inName, inDigest, inCheck, inSent, inSince, inUntil             = 0, 1, 3, 4, 5, 6
	inActivesSum, inVirtual, inActives                              = 8, 9, 10

	// changing, as the instant inUntil, marks an instance that was Active when its configuration
	// changed, and has not advertised since.
	changing = math.MaxInt64

	// maxSlots bounds the size that a header may claim.
	maxSlots = 1 << 16
)

// Boot identifies a boot of the machine.
type Boot [2]uint64

// Key identifies the slot of an instance. KeyOf returns one.
type Key struct {
	Name    string
	Digest  Digest // of the configuration of its group
	virtual uint64
}

// KeyOf returns the key of an instance, with the digest of the configuration of its group.
func KeyOf(in *vrrp.Instance, group Digest) Key { return Key{in.Name, group, virtual(in)} }

// Past is the record of a daemon that no longer runs. The zero value means that there is none.
type Past struct {
	// Handover is set if that daemon ended by a handover, and not by a crash.
	Handover bool
	starts   [Crashes]time.Duration
	traces   map[uint64]trace
	actives  map[uint64]recorded
	ended    time.Duration // until when it ran, within a few seconds
}

// trace is the record of one instance.
type trace struct {
	digest   Digest
	sent     time.Duration // when its last advert left; 0 if it was not Active
	priority uint8
	since    time.Duration // when it became Active
	changing bool          // it was Active, and has not advertised since its configuration changed
}

// These are the errors of a record that cannot be used.
var (
	errTruncated = errors.New("it is truncated")
	errForeign   = errors.New("it is not a record of ripcord, or was overwritten")
	errVersion   = errors.New("it is of another version of ripcord")
	errBoot      = errors.New("it is from another boot")
)

// parse reads a record that was written in the given boot. A damaged slot counts as free.
func parse(words []uint64, boot Boot) (*Past, error) {
	past := &Past{traces: make(map[uint64]trace), actives: make(map[uint64]recorded)}
	switch {
	case len(words) < headerWords:
		return past, errTruncated
	case words[atMagic] != magic || words[atCheck] != sum(words[:atCheck]):
		return past, errForeign
	case words[atSize]>>32 != version:
		return past, errVersion
	case words[atBoot] != boot[0] || words[atBoot+1] != boot[1]:
		return past, errBoot
	}
	slots := uint32(words[atSize]) // an int of 32 bits could become negative
	if slots > maxSlots || len(words) < wordsOf(int(slots)) {
		return past, errTruncated
	}
	past.Handover, past.ended = words[atHandover] == 1, time.Duration(words[atEnded])
	for i := range past.starts {
		past.starts[i] = time.Duration(words[atStarts+i])
	}
	for n := range int(slots) {
		if s := slot(words, n); s[inName] != 0 && s[inCheck] == sumSlot(s, n) {
			sent, priority := unpack(s[inSent])
			past.traces[s[inName]] = trace{
				Digest{s[inDigest], s[inDigest+1]}, sent, priority, time.Duration(s[inSince]), sent == 0 && s[inUntil] == changing,
			}
			if list := readActives(s); len(list) > 0 {
				past.actives[s[inName]] = recorded{s[inVirtual], list}
			}
		}
	}
	return past, nil
}

// writeHeader makes words a record with the given number of slots, which are already written.
func writeHeader(words []uint64, boot Boot, slots int) {
	words[atMagic], words[atSize] = magic, version<<32|uint64(slots)
	words[atBoot], words[atBoot+1] = boot[0], boot[1]
	words[atCheck] = sum(words[:atCheck])
}

// writeSlot assigns the n-th slot to an instance that has sent no advert.
func writeSlot(words []uint64, n int, key Key) {
	s := slot(words, n)
	clear(s)
	s[inName], s[inDigest], s[inDigest+1] = hashOf(key.Name), key.Digest[0], key.Digest[1]
	s[inVirtual] = key.virtual
	s[inCheck] = sumSlot(s, n)
}

// wordsOf returns the number of words of a record with the given number of slots.
func wordsOf(slots int) int { return headerWords + slots*slotWords }

func slot(words []uint64, n int) []uint64 { return words[wordsOf(n):wordsOf(n+1)] }

// pack combines an instant and a priority, which is never 0, in one word, so that one store
// records an advert.
func pack(sent time.Duration, priority uint8) uint64 { return uint64(sent)&^0xff | uint64(priority) }

func unpack(word uint64) (sent time.Duration, priority uint8) {
	return time.Duration(word &^ 0xff), uint8(word)
}

func sumSlot(s []uint64, n int) uint64 { return sum(s[:inCheck], uint64(n)) }

// sum returns a checksum.
func sum(words []uint64, more ...uint64) uint64 {
	h := fnv.New64a()
	for _, list := range [...][]uint64{words, more} {
		for _, w := range list {
			_, _ = fmt.Fprintf(h, "%x.", w)
		}
	}
	return h.Sum64()
}

// hashOf returns the hash of a name, which is never 0.
func hashOf(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return max(h.Sum64(), 1)
}

const (
	// Crashes within CrashWindow mean that the daemon crashes repeatedly: then it adopts nothing,
	// and takes part only after a while.
	Crashes     = 5
	CrashWindow = 10 * time.Second
)

// Active reports whether the previous daemon was Active in any group.
func (p *Past) Active() bool {
	for _, t := range p.traces {
		if t.sent != 0 || t.changing {
			return true
		}
	}
	return false
}

// newest returns the last instant in the record.
func (p *Past) newest() (at time.Duration) {
	at = p.ended
	for _, start := range p.starts {
		at = max(at, start)
	}
	for _, t := range p.traces {
		at = max(at, t.sent)
	}
	return at
}

// Note records for an instance when its last advert left, with which priority, and since when it
// was Active; sent is 0 if it was not. A parsed record already has that.
func (p *Past) Note(key Key, sent time.Duration, priority uint8, since time.Duration) {
	if p.traces == nil {
		p.traces = make(map[uint64]trace)
	}
	p.traces[hashOf(key.Name)] = trace{key.Digest, sent, priority, since, false}
}

// CrashesAgain reports whether, at the instant now of CLOCK_BOOTTIME, so many daemons have
// started lately that the next one should wait.
func (p *Past) CrashesAgain(now time.Duration) bool {
	for _, at := range p.starts {
		if at == 0 || at > now || now-at > CrashWindow {
			return false
		}
	}
	return true
}

// oldest returns the index of the earliest start, which the next start replaces.
func (p *Past) oldest() int {
	at := 0
	for i, start := range p.starts {
		if start < p.starts[at] {
			at = i
		}
	}
	return at
}
