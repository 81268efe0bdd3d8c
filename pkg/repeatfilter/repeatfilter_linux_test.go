package repeatfilter

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"ripcord/pkg/confine"
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// bench runs the filter of a family on packets.
type bench struct {
	*testing.T
	table   *Table
	family  event.Family
	unicast bool
}

func open(t *testing.T, instances int) *Table {
	t.Helper()
	table, err := Open(instances)
	if err != nil {
		if confine.Has(unix.CAP_BPF) != (err.Error() != "CAP_BPF is required") || !errors.Is(err, unix.EPERM) && confine.Has(unix.CAP_BPF) {
			t.Fatal(err)
		}
		t.Skipf("no filter can be loaded here: %v", err)
	}
	t.Cleanup(func() { _ = table.Close() })
	return table
}

// passes reports whether the filter passes a packet.
func (b *bench) passes(packet []byte) bool {
	b.Helper()
	frame := append(make([]byte, 12), 0x08, 0x00)
	if b.family == event.IPv6 {
		frame[12], frame[13] = 0x86, 0xdd
	}
	verdict, err := b.table.programs[kind{b.family, b.unicast}].Run(&ebpf.RunOptions{Data: append(frame, packet...)})
	if err != nil {
		b.Fatal(err)
	}
	if verdict != 0 && verdict != 0xffffffff {
		b.Errorf("the filter returns %d: a packet would be cut", verdict)
	}
	return verdict != 0
}

// datagram returns the packet of an advert, and its image as the process builds it from the data
// of a raw socket.
func datagram(f event.Family, addresses int) (packet, image []byte) {
	if f == event.IPv4 {
		from, to := netip.MustParseAddr("192.0.2.1"), wire.Group4
		advert := wire.Advert{Version: wire.V3, VRID: 7, Priority: 100, Interval: time.Second}
		for i := range addresses {
			advert.Addresses = append(advert.Addresses, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}))
		}
		message := advert.Append(nil, from, to)
		n := header4 + len(message)
		packet = append([]byte{0x45, 0xc0, byte(n >> 8), byte(n), 1, 2, 0x40, 0, 255, 112, 3, 4}, from.AsSlice()...)
		packet = append(append(packet, to.AsSlice()...), message...)
		return packet, Image(nil, f, packet, from, to, 255)
	}
	from, to := netip.MustParseAddr("fe80::1"), wire.Group6
	advert := wire.Advert{Version: wire.V3, VRID: 7, Priority: 100, Interval: time.Second}
	for i := range addresses {
		advert.Addresses = append(advert.Addresses, netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 15: byte(i)}))
	}
	message := advert.Append(nil, from, to)
	packet = append([]byte{0x6c, 1, 2, 3, byte(len(message) >> 8), byte(len(message)), 112, 255}, from.AsSlice()...)
	packet = append(append(packet, to.AsSlice()...), message...)
	return packet, Image(nil, f, message, from, to, 255)
}

// take returns what a slot has counted so far.
func take(s *Slot) (n uint64, last time.Duration) {
	now, _ := Now()
	return s.Take(now)
}

var families = []event.Family{event.IPv4, event.IPv6}

// TestRepeats checks that expected packets are dropped and counted, whatever the sender may
// change in each packet, and that after a different packet of that virtual router all packets
// pass.
func TestRepeats(t *testing.T) {
	for _, f := range families {
		t.Run(f.String(), func(t *testing.T) {
			b := &bench{t, open(t, 1), f, false}
			slot := b.table.Slot(0, f, 7)
			packet, image := datagram(f, 3)
			if !b.passes(packet) || slot.Passed() != 1 {
				t.Fatalf("an advert that nobody expects: passed %d", slot.Passed())
			}
			slot.Expect(image, 0)
			if !b.passes(packet) {
				t.Error("dropped, though another packet came before it was expected")
			}
			slot.Expect(image, slot.Passed())
			began, _ := Now()
			changing := slices.Clone(packet)
			if changing[5]++; f == event.IPv4 {
				changing[11]++
			} else {
				changing[5], changing[3] = packet[5], 9
			}
			if b.passes(packet) || b.passes(changing) {
				t.Error("the advert that is expected comes through")
			}
			n, last := take(slot)
			if ended, _ := Now(); n != 2 || last < began || last > ended+1<<tickBits {
				t.Errorf("%d dropped, the last at %v, between %v and %v", n, last, began, ended)
			}
			if n, _ := take(slot); n != 0 {
				t.Errorf("%d dropped again", n)
			}
			other := slices.Clone(packet)
			other[len(other)-1]++
			if !b.passes(other) {
				t.Error("another advert is dropped")
			}
			if !b.passes(packet) {
				t.Error("dropped after another advert came through")
			}
			slot.Expect(image, slot.Passed())
			slot.Release()
			if !b.passes(packet) {
				t.Error("dropped without a slot")
			}
		})
	}
}

// TestSlots checks that the filter and the process use the same memory for each slot: packets
// expected of one virtual router are dropped and counted there, and none of the others.
func TestSlots(t *testing.T) {
	b := &bench{t, open(t, 1), event.IPv4, false}
	slots, packets := make([]*Slot, 100), make([][]byte, 100)
	for i := range slots {
		packet, _ := datagram(event.IPv4, 1)
		packet[header4+1] = byte(i)
		packets[i], slots[i] = packet, b.table.Slot(0, event.IPv4, byte(i))
		slots[i].Expect(Image(nil, event.IPv4, packet, netip.Addr{}, netip.Addr{}, 0), 0)
	}
	for i, slot := range slots {
		if b.passes(packets[i]) {
			t.Errorf("the advert that is expected in slot %d comes through", i)
		}
		if n, _ := take(slot); n != 1 {
			t.Errorf("slot %d: %d dropped, want 1", i, n)
		}
	}
	for i, slot := range slots {
		if n, _ := take(slot); n != 0 || slot.Passed() != 0 {
			t.Errorf("slot %d: %d more dropped and %d let through", i, n, slot.Passed())
		}
	}
}

// TestEachByte checks that every significant byte is compared.
func TestEachByte(t *testing.T) {
	free := map[event.Family][]int{event.IPv4: {4, 5, 10, 11}, event.IPv6: {0, 1, 2, 3}}
	vrid := map[event.Family]int{event.IPv4: header4 + 1, event.IPv6: header6 + 1}
	for _, f := range families {
		for _, addresses := range []int{1, 2, 9, 10} {
			b := &bench{t, open(t, 1), f, true}
			slot := b.table.Slot(0, f, 7)
			packet, image := datagram(f, addresses)
			for i := range packet {
				if i == vrid[f] || i == 0 { // another virtual router's; another family's
					continue
				}
				slot.Expect(image, slot.Passed())
				other := slices.Clone(packet)
				other[i] ^= 1
				if got := b.passes(other); got == slices.Contains(free[f], i) {
					t.Errorf("%v with %d addresses: byte %d changed: passes %v", f, addresses, i, got)
				}
			}
			if slot.Expect(image, slot.Passed()); !b.passes(packet[:len(packet)-4]) {
				t.Errorf("%v: a packet that lacks 4 bytes is dropped", f)
			}
		}
	}
}

// TestLength checks that an advert that is longer than a slot is not expected, and that the
// longest that fits is.
func TestLength(t *testing.T) {
	for f, most := range map[event.Family]int{event.IPv4: 47, event.IPv6: 10} {
		if _, image := datagram(f, most+1); image != nil {
			t.Errorf("%v: an image of %d bytes", f, len(image))
		}
		b := &bench{t, open(t, 1), f, false}
		slot := b.table.Slot(0, f, 7)
		packet, image := datagram(f, most)
		if slot.Expect(image, 0); b.passes(packet) {
			t.Errorf("%v: an advert with %d addresses comes through", f, most)
		}
		packet[len(packet)-1]++
		if !b.passes(packet) {
			t.Errorf("%v: another one with %d addresses is dropped", f, most)
		}
	}
}

// TestUnderWay checks that a filter that runs while the slot is forgotten, expects another advert
// or gets another owner counts nothing: its tally is outdated.
func TestUnderWay(t *testing.T) {
	for what, meanwhile := range map[string]func(*Table, *Slot, []byte) *Slot{
		"forgotten":     func(_ *Table, s *Slot, _ []byte) *Slot { s.Forget(); return s },
		"another image": func(_ *Table, s *Slot, image []byte) *Slot { s.Expect(image, 0); return s },
		"another owner": func(table *Table, s *Slot, _ []byte) *Slot {
			s.Release()
			return table.Slot(0, event.IPv4, 8)
		},
	} {
		table := open(t, 1)
		slot := table.Slot(0, event.IPv4, 7)
		_, image := datagram(event.IPv4, 1)
		slot.Expect(image, 0)
		of, before := slot.memory, slot.memory.dropped.Load()
		slot = meanwhile(table, slot, image)
		if slot.memory != of {
			t.Fatalf("%s: the slot is not the same one, and the test shows nothing", what)
		}
		if of.dropped.CompareAndSwap(before, before+1) {
			t.Errorf("%s: the filter that was under way counts an advert", what)
		}
		if n, _ := take(slot); n != 0 {
			t.Errorf("%s: %d dropped", what, n)
		}
	}
}

// TestForgetKeeps checks that packets that were dropped before Forget are counted afterwards.
func TestForgetKeeps(t *testing.T) {
	b := &bench{t, open(t, 1), event.IPv4, false}
	slot := b.table.Slot(0, event.IPv4, 7)
	packet, image := datagram(event.IPv4, 1)
	slot.Expect(image, 0)
	began, _ := Now()
	for range 3 {
		if b.passes(packet) {
			t.Fatal("the advert that is expected comes through")
		}
	}
	ended, _ := Now()
	slot.Forget()
	slot.Forget()
	if n, last := take(slot); n != 3 || last < began || last > ended+1<<tickBits {
		t.Errorf("%d dropped, the last at %v, want 3 between %v and %v", n, last, began, ended)
	}
}

// TestOrdered checks that the operations on fields that the process changes at the same time are
// full barriers for the kernel. The library (0.22) made plain additions of them.
func TestOrdered(t *testing.T) {
	info, err := open(t, 1).programs[kind{event.IPv4, false}].Info()
	if err != nil {
		t.Fatal(err)
	}
	code, err := info.Instructions()
	if err != nil {
		t.Fatal(err)
	}
	var got []asm.AtomicOp
	for _, ins := range code {
		if op := ins.OpCode.AtomicOp(); op != asm.InvalidAtomic {
			got = append(got, op)
		}
	}
	if want := []asm.AtomicOp{asm.FetchAdd, asm.FetchAdd, asm.CmpXchg, asm.FetchAdd}; !slices.Equal(got, want) {
		t.Errorf("the kernel has the atomic operations %v, want %v", got, want)
	}
}

// TestTally checks the number and the time of a tally, also when one of them wraps, and for a
// time that was rounded up beyond the present.
func TestTally(t *testing.T) {
	const wrap = time.Duration(1) << (64 - tallyBits + tickBits)
	for _, tt := range []struct {
		last, now time.Duration
	}{
		{0, 0}, {1 << tickBits, 5}, {time.Second, time.Second}, {time.Hour, 6 * 24 * time.Hour}, {wrap - time.Second, wrap + time.Second},
		{3*wrap + time.Second, 3*wrap + time.Hour}, {wrap, wrap - 1},
	} {
		ticks := (uint64(tt.last) + 1<<tickBits - 1) >> tickBits
		if got := tally(ticks << tallyBits).last(tt.now); got < tt.last || got-tt.last >= 1<<tickBits {
			t.Errorf("the last at %v, seen at %v: %v", tt.last, tt.now, got)
		}
	}
	if n := tally(7<<tallyBits | 2).since(tally(5<<tallyBits | countMask)); n != 3 {
		t.Errorf("%d since the number began anew, want 3", n)
	}
}

// TestGroup checks that only sockets of unicast instances receive packets to other addresses.
func TestGroup(t *testing.T) {
	for _, f := range families {
		for _, unicast := range []bool{false, true} {
			b := &bench{t, open(t, 1), f, unicast}
			packet, _ := datagram(f, 1)
			if !b.passes(packet) {
				t.Errorf("%v, unicast %v: what is sent to the group is dropped", f, unicast)
			}
			end := header4
			if f == event.IPv6 {
				end = header6
			}
			packet[end-1] ^= 1
			if got := b.passes(packet); got != unicast {
				t.Errorf("%v, unicast %v: what is sent to another address passes: %v", f, unicast, got)
			}
		}
	}
}

// TestMany checks that each of many virtual routers has its slot, and that a full table is
// reported.
func TestMany(t *testing.T) {
	table := open(t, 1000)
	var slots []*Slot
	for link := range 100 {
		for vrid := range 256 {
			if s := table.Slot(3+7*link, families[vrid%2], uint8(vrid)); s != nil {
				slots = append(slots, s)
			}
		}
	}
	if len(slots) != table.size {
		t.Errorf("%d slots of %d were assigned", len(slots), table.size)
	}
	for _, s := range slots {
		s.Release()
	}
	if table.Slot(1, event.IPv4, 1) == nil {
		t.Error("no slot is free again")
	}
}
