package adopt

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/netip"
	"sync/atomic"
	"time"

	"ripcord/pkg/vrrp"
)

// A Backup with a fence records the Actives that it has heard and that have not resigned, in the
// second part of its slot (record.go). The next daemon counts them as heard: if one of them is
// silent, the fence runs before a takeover.

const (
	// maxActives is the number of Actives that a slot has room for. If there are more, those that
	// were heard last are kept.
	maxActives  = 4
	activeWords = 3
	// longestInterval is the longest interval of any version, that of VRRPv2.
	longestInterval = 255 * time.Second

	// RecallWithin is how old the record of Actives may be: twice the longest pause that a
	// supervisor makes between two starts, which is that of the kubelet. The longer no daemon has
	// listened, the more likely the Active has resigned meanwhile, and the fence would switch off a
	// router that has resigned.
	RecallWithin = 10 * time.Minute
)

// virtual identifies the virtual router of an instance: the Actives that were heard of another one
// mean nothing to it (vrrp.Instance.Same).
func virtual(in *vrrp.Instance) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%q %d %d %v", in.Interface, in.VRID, in.Family, in.VirtualMAC)
	return h.Sum64()
}

// writeActives replaces the Actives in a slot. The checksum is removed first and written last, so
// that a daemon that dies in between leaves no list, and not a wrong one.
func writeActives(s []uint64, list []vrrp.Advertiser) {
	if len(list) > maxActives {
		list = list[len(list)-maxActives:]
	}
	atomic.StoreUint64(&s[inActivesSum], 0)
	words := s[inActives:]
	for i := range words {
		word := uint64(0)
		if n := i / activeWords; n < len(list) {
			word = wordsOfActive(list[n])[i%activeWords]
		}
		atomic.StoreUint64(&words[i], word)
	}
	if len(list) > 0 {
		atomic.StoreUint64(&s[inActivesSum], sum(s[inVirtual:]))
	}
}

func wordsOfActive(a vrrp.Advertiser) [activeWords]uint64 {
	source := a.Source.As16()
	return [...]uint64{
		binary.BigEndian.Uint64(source[:8]), binary.BigEndian.Uint64(source[8:]), uint64(a.Interval)<<8 | uint64(a.Priority),
	}
}

// readActives returns the Actives in a slot: none if it was damaged.
func readActives(s []uint64) (list []vrrp.Advertiser) {
	if s[inActivesSum] == 0 || s[inActivesSum] != sum(s[inVirtual:]) {
		return nil
	}
	for w := s[inActives:]; len(w) >= activeWords && w[2] != 0; w = w[activeWords:] {
		var source [16]byte
		binary.BigEndian.PutUint64(source[:8], w[0])
		binary.BigEndian.PutUint64(source[8:], w[1])
		a := vrrp.Advertiser{Source: netip.AddrFrom16(source).Unmap(), Priority: uint8(w[2]), Interval: time.Duration(w[2] >> 8)}
		if a.Priority == 0 || a.Interval <= 0 || a.Interval > longestInterval {
			return nil
		}
		list = append(list, a)
	}
	return list
}

// moveActives copies the Actives of a slot to the new slot of the same virtual router. The loop may
// write to the old one meanwhile; then it writes to the new one, too, at the end of the reload.
func moveActives(to, from []uint64) {
	if to[inVirtual] != atomic.LoadUint64(&from[inVirtual]) {
		return
	}
	for i := inActives; i < slotWords; i++ {
		atomic.StoreUint64(&to[i], atomic.LoadUint64(&from[i]))
	}
	atomic.StoreUint64(&to[inActivesSum], atomic.LoadUint64(&from[inActivesSum]))
}

// recorded are the Actives of one instance in a record.
type recorded struct {
	virtual uint64
	list    []vrrp.Advertiser
}

// Actives returns the Actives of an instance that the previous daemon had heard and that had not
// resigned, in the order of their last adverts. A daemon that was Active itself had heard none since.
func (p *Past) Actives(in *vrrp.Instance) []vrrp.Advertiser {
	name := hashOf(in.Name)
	t := p.traces[name]
	if r, ok := p.actives[name]; ok && r.virtual == virtual(in) && t.sent == 0 && !t.changing {
		return r.list
	}
	return nil
}

// NoteActives records the Actives of an instance, and until when the daemon ran. A parsed record
// already has both.
func (p *Past) NoteActives(in *vrrp.Instance, list []vrrp.Advertiser, ended time.Duration) {
	if p.actives == nil {
		p.actives = make(map[uint64]recorded)
	}
	p.actives[hashOf(in.Name)] = recorded{virtual(in), list}
	p.ended = ended
}

// Age returns how long, at the instant now of CLOCK_BOOTTIME, no daemon has listened, and whether
// the recorded Actives still count.
func (p *Past) Age(now time.Duration) (age time.Duration, counts bool) {
	age = now - p.ended
	return age, age >= 0 && age <= RecallWithin
}
