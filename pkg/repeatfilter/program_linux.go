package repeatfilter

import (
	"encoding/binary"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"ripcord/pkg/bpf"
	"ripcord/pkg/event"
	"ripcord/pkg/wire"
)

// Offsets in struct __sk_buff and, from its member sk on, in struct bpf_sock (linux/bpf.h).
const (
	skbSocket = 168
	boundLink = 0
)

// These are offsets on the stack of a program: of the packet to compare, of its IP header, and of
// one byte.
const (
	onStack = -MaxPacket
	header  = onStack - header6
	octet   = header - 8
)

// A filter returns how much of the packet is kept: nothing, or all.
const (
	drop = 0
	keep = -1 // cut to 32 bits
)

// fromNetwork makes an offset count from the IP header (BPF_HDR_START_NET), which over IPv6 is
// before the data of a raw socket.
const fromNetwork = 1

// program returns the filter for the sockets of a family. Without unicast it drops packets to
// other destinations than the group, as the classic filter does.
func (t *Table) program(f event.Family, unicast bool) *ebpf.ProgramSpec {
	b := builder{family: f}
	b.add(asm.Mov.Reg(asm.R6, asm.R1))
	b.load(header, 0, b.headerLen())
	b.add(asm.JNE.Imm(asm.R0, 0, "keep"))
	if !unicast {
		b.onlyGroup()
	}
	b.slot(t)
	b.compare()
	b.note()
	b.letThrough()
	return &ebpf.ProgramSpec{Name: "ripcord", Type: ebpf.SocketFilter, License: bpf.License, Instructions: b.code}
}

// builder builds a program. R6 is the context, R7 the slot, R8 the key and later the length of
// the packet, R9 the tally before anything was compared.
type builder struct {
	family event.Family
	code   asm.Instructions
}

func (b *builder) add(code ...asm.Instruction) { b.code = append(b.code, code...) }

func (b *builder) headerLen() int32 {
	if b.family == event.IPv6 {
		return header6
	}
	return header4
}

// load copies bytes of the packet to the stack. R0 is 0 if they exist.
func (b *builder) load(to, at, length int32) {
	b.add(asm.Mov.Imm(asm.R2, at))
	b.loadFrom(to, asm.Mov.Imm(asm.R4, length))
}

// loadFrom is load from the offset in R2, with the length that an instruction puts into R4.
func (b *builder) loadFrom(to int32, length asm.Instruction) {
	b.add(
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, to),
		length,
		asm.Mov.Imm(asm.R5, fromNetwork),
		asm.FnSkbLoadBytesRelative.Call())
}

// onlyGroup drops packets to another address than the group.
func (b *builder) onlyGroup() {
	group := wire.GroupOf(b.family).AsSlice()
	at := int16(header) + int16(b.headerLen()) - int16(len(group)) // the last field of both headers
	for i := 0; i < len(group); i += 4 {
		b.add(
			asm.LoadMem(asm.R1, asm.RFP, at+int16(i), asm.Word),
			asm.JNE.Imm32(asm.R1, int32(binary.NativeEndian.Uint32(group[i:])), "drop"))
	}
}

// slot finds the slot of the packet's virtual router, and passes packets without one.
func (b *builder) slot(t *Table) {
	var prime uint64 = hashPrime
	key := keyOf(0, b.family, 0)
	if b.family == event.IPv6 {
		b.add(asm.Mov.Imm(asm.R2, header6+1))
	} else { // after IHL words of header
		b.add(
			asm.LoadMem(asm.R2, asm.RFP, header, asm.Byte),
			asm.And.Imm(asm.R2, 15), asm.LSh.Imm(asm.R2, 2), asm.Add.Imm(asm.R2, 1))
	}
	b.loadFrom(octet, asm.Mov.Imm(asm.R4, 1))
	b.add(
		asm.JNE.Imm(asm.R0, 0, "keep"),
		asm.LoadMem(asm.R8, asm.R6, skbSocket, asm.DWord),
		asm.JEq.Imm(asm.R8, 0, "keep"),
		asm.LoadMem(asm.R8, asm.R8, boundLink, asm.Word),
		asm.LSh.Imm(asm.R8, 16),
		asm.LoadMem(asm.R1, asm.RFP, octet, asm.Byte),
		asm.Or.Reg(asm.R8, asm.R1),
		asm.Or.Imm(asm.R8, int32(key)),
		asm.Mov.Reg(asm.R3, asm.R8),
		asm.LoadImm(asm.R1, int64(prime), asm.DWord),
		asm.Mul.Reg(asm.R3, asm.R1),
		asm.RSh.Imm(asm.R3, int32(64-t.bits)),
		asm.LSh.Imm(asm.R3, 3),
		asm.LoadMapValue(asm.R1, t.directory.m.FD(), 0),
		asm.Add.Reg(asm.R1, asm.R3))
	for i := range int16(probes) {
		b.add(
			asm.LoadMem(asm.R2, asm.R1, 8*i, asm.DWord),
			asm.Mov.Reg(asm.R3, asm.R2),
			asm.RSh.Imm(asm.R3, slotBits),
			asm.JEq.Reg(asm.R3, asm.R8, "found"))
	}
	b.add(
		asm.Ja.Label("keep"),
		asm.And.Imm(asm.R2, int32(t.size-1)).WithSymbol("found"),
		asm.LSh.Imm(asm.R2, slotShift),
		asm.LoadMapValue(asm.R7, t.memory.m.FD(), 0),
		asm.Add.Reg(asm.R7, asm.R2))
}

// compare passes a packet that is not the one that the slot expects. Its length is that in its IP
// header, which is compared: the kernel has already truncated it to that.
func (b *builder) compare() {
	b.loadOrdered(asm.R9, slotDropped)
	b.loadOrdered(asm.R2, slotExpected)
	b.add(
		asm.LoadMem(asm.R1, asm.R7, slotPassed, asm.DWord),
		asm.JNE.Reg(asm.R1, asm.R2, "differs"),
		asm.LoadMem(asm.R8, asm.R7, slotLength, asm.DWord),
		asm.JGT.Imm(asm.R8, MaxPacket, "differs"),
		asm.JLT.Imm(asm.R8, header4, "differs"),
		asm.Mov.Imm(asm.R0, 0))
	for at := int16(onStack); at < onStack+MaxPacket; at += 8 {
		b.add(asm.StoreMem(asm.RFP, at, asm.R0, asm.DWord))
	}
	b.add(asm.Mov.Imm(asm.R2, 0))
	b.loadFrom(onStack, asm.Mov.Reg(asm.R4, asm.R8))
	b.add(asm.JNE.Imm(asm.R0, 0, "differs"))
	if b.family == event.IPv6 {
		b.add(asm.StoreImm(asm.RFP, onStack, 0, asm.Word))
	} else {
		b.add(
			asm.StoreImm(asm.RFP, onStack+4, 0, asm.Half),
			asm.StoreImm(asm.RFP, onStack+10, 0, asm.Half))
	}
	for at := int16(0); at < MaxPacket; at += 8 {
		if at >= header4 {
			b.add(asm.JLE.Imm(asm.R8, int32(at), "repeats"))
		}
		b.add(
			asm.LoadMem(asm.R1, asm.RFP, onStack+at, asm.DWord),
			asm.LoadMem(asm.R2, asm.R7, slotPacket+at, asm.DWord),
			asm.JNE.Reg(asm.R1, asm.R2, "differs"))
	}
}

// atomicOp is an atomic operation with a register on a field of the slot. The constant identifies
// the operation for the kernel: the library (0.22) leaves it at 0, which is a plain addition.
func atomicOp(op asm.AtomicOp, with asm.Register, field int16) asm.Instruction {
	code := op.Mem(asm.R7, with, asm.DWord, field)
	code.Constant = int64(op >> 8)
	return code
}

// loadOrdered loads a field of the slot before everything that follows, on each CPU: an atomic
// operation that returns the old value is a full barrier, a load is not.
func (b *builder) loadOrdered(to asm.Register, field int16) {
	b.add(asm.Mov.Imm(to, 0), atomicOp(asm.FetchAdd, to, field))
}

// note drops a packet that the slot expects, and records in the tally that it arrived, and when.
// If the tally has changed since the packet was compared, the slot may already expect another
// packet, or belong to another virtual router: then the packet passes.
func (b *builder) note() {
	b.add(
		asm.FnKtimeGetNs.Call().WithSymbol("repeats"),
		asm.Add.Imm(asm.R0, 1<<tickBits-1),
		asm.RSh.Imm(asm.R0, tickBits),
		asm.LSh.Imm(asm.R0, tallyBits),
		asm.Mov.Reg(asm.R1, asm.R9),
		asm.Add.Imm(asm.R1, 1),
		asm.And.Imm(asm.R1, countMask),
		asm.Or.Reg(asm.R1, asm.R0),
		asm.Mov.Reg(asm.R0, asm.R9),
		atomicOp(asm.CmpXchg, asm.R1, slotDropped),
		asm.JNE.Reg(asm.R0, asm.R9, "differs"),
		asm.Mov.Imm(asm.R0, drop).WithSymbol("drop"),
		asm.Return())
}

// letThrough counts a packet of a virtual router with a slot, and keeps it.
func (b *builder) letThrough() {
	b.add(
		asm.Mov.Imm(asm.R1, 1).WithSymbol("differs"),
		atomicOp(asm.FetchAdd, asm.R1, slotPassed),
		asm.Mov.Imm32(asm.R0, keep).WithSymbol("keep"),
		asm.Return())
}
