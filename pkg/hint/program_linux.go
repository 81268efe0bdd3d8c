package hint

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"ripcord/pkg/bpf"
)

// layout has the offsets that the programs need in the kernel's memory.
type layout struct {
	ifindex   uint32 // in struct net_device
	namespace uint32 // the pointer to struct net in struct net_device (nd_net)
	inode     uint32 // the number of the namespace's inode in struct net (ns.inum)
}

// findLayout reads the layout from the kernel's BTF.
func findLayout(types *btf.Cache) (layout, error) {
	var l layout
	kernel, err := types.Kernel()
	if err != nil {
		return l, fmt.Errorf("the kernel has no description of its types (BTF, CONFIG_DEBUG_INFO_BTF): %w", err)
	}
	for _, find := range []struct {
		to   *uint32
		path []string
	}{
		{&l.ifindex, []string{"net_device", "ifindex"}},
		{&l.namespace, []string{"net_device", "nd_net", "net"}},
		{&l.inode, []string{"net", "ns", "inum"}},
	} {
		var structure *btf.Struct
		if err := kernel.TypeByName(find.path[0], &structure); err != nil {
			return l, fmt.Errorf("the kernel's struct %s: %w", find.path[0], err)
		}
		if *find.to, err = offset(structure, find.path[1:]...); err != nil {
			return l, err
		}
	}
	return l, nil
}

// offset returns the offset of a member of a structure. Further names are members of nested
// structures.
func offset(top *btf.Struct, path ...string) (uint32, error) {
	var sum uint32
	var in btf.Type = top
	for _, name := range path {
		m, ok := member(in, name)
		if !ok {
			return 0, fmt.Errorf("the kernel's struct %s has no %s", top.Name, name)
		}
		sum, in = sum+m.at, m.kind
	}
	return sum, nil
}

// found is a member of a structure: its offset and its type.
type found struct {
	at   uint32
	kind btf.Type
}

// member finds a member by its name, also in the anonymous structures and unions of a structure.
func member(in btf.Type, name string) (found, bool) {
	var members []btf.Member
	switch t := btf.UnderlyingType(in).(type) {
	case *btf.Struct:
		members = t.Members
	case *btf.Union:
		members = t.Members
	}
	for _, m := range members {
		if m.Name == name {
			return found{m.Offset.Bytes(), m.Type}, true
		}
		if m.Name == "" {
			if inner, ok := member(m.Type, name); ok {
				return found{m.Offset.Bytes() + inner.at, inner.kind}, true
			}
		}
	}
	return found{}, false
}

// firstArgument is the offset of a function's first argument in struct pt_regs, for a kprobe.
var firstArgument = map[string]int16{"amd64": 112, "arm64": 0}

// recordSize is the size of a record: ifindex, kind, nanoseconds of CLOCK_MONOTONIC.
const recordSize = 16

// program returns a program whose context has, at offset argument, a pointer to struct
// net_device, the first argument of a function of the kernel. It reports the link to ring if the
// link is in the namespace; with once only if the link is not in that map yet.
func (l layout) program(kind Kind, argument int16, namespace uint32, ring, once *ebpf.Map) asm.Instructions {
	const device = asm.R6
	const index, what, at = -16, -12, -8 // the record on the stack
	const scratch = -24
	program := asm.Instructions{asm.LoadMem(device, asm.R1, argument, asm.DWord)}
	program = append(program, read(scratch, 8, device, l.namespace)...)
	program = append(program, asm.LoadMem(asm.R7, asm.RFP, scratch, asm.DWord))
	program = append(program, read(scratch, 4, asm.R7, l.inode)...)
	program = append(program,
		asm.LoadMem(asm.R7, asm.RFP, scratch, asm.Word),
		asm.LoadImm(asm.R8, int64(namespace), asm.DWord),
		asm.JNE.Reg(asm.R7, asm.R8, "end"))
	program = append(program, read(index, 4, device, l.ifindex)...)
	program = append(program, asm.StoreImm(asm.RFP, what, int64(kind), asm.Word))
	if once != nil {
		const noExist = 1 // BPF_NOEXIST
		program = append(program,
			asm.LoadMapPtr(asm.R1, once.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, index),
			asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, what),
			asm.Mov.Imm(asm.R4, noExist),
			asm.FnMapUpdateElem.Call(),
			asm.JNE.Imm(asm.R0, 0, "end"))
	}
	return append(program,
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.RFP, at, asm.R0, asm.DWord),
		asm.LoadMapPtr(asm.R1, ring.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, index),
		asm.Mov.Imm(asm.R3, recordSize),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
		asm.Return())
}

// read copies size bytes at base+offset in the kernel's memory to the stack.
func read(to int32, size int32, base asm.Register, offset uint32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, to),
		asm.Mov.Imm(asm.R2, size),
		asm.Mov.Reg(asm.R3, base), asm.Add.Imm(asm.R3, int32(offset)),
		asm.FnProbeReadKernel.Call(),
	}
}

// attachment is a way to run a program when a function of the kernel is called.
type attachment struct {
	name     string
	argument int16 // the offset of the function's first argument in the context
	spec     ebpf.ProgramSpec
}

// attachments returns the possible attachments, the best first. Both only use bpf(2): any other
// system call, such as perf_event_open(2) for a plain kprobe, would have to be permitted too.
func attachments() []attachment {
	list := []attachment{{"fentry", 0, ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry}}}
	if argument, known := firstArgument[runtime.GOARCH]; known {
		list = append(list, attachment{"kprobe", argument, ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceKprobeMulti}})
	}
	return list
}

// before returns the program to run before a function of the kernel.
func (a attachment) before(function string, instructions asm.Instructions) *ebpf.ProgramSpec {
	spec := a.spec
	spec.Name, spec.License, spec.Instructions = "ripcord", bpf.License, instructions
	if spec.Type == ebpf.Tracing {
		spec.AttachTo = function
	}
	return &spec
}

// attach attaches a program to run before the function.
func (a attachment) attach(function string, p *ebpf.Program) (link.Link, error) {
	if a.spec.Type == ebpf.Tracing {
		return link.AttachTracing(link.TracingOptions{Program: p})
	}
	return link.KprobeMulti(p, link.KprobeMultiOptions{Symbols: []string{function}})
}

// ask asks the kernel, with a program that does nothing, whether programs may be attached before
// the function. It needs none of the kernel's types.
func (a attachment) ask(function string) error {
	spec := a.spec
	spec.Name, spec.License = "ripcord", bpf.License
	spec.Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	p, err := ebpf.NewProgramWithOptions(&spec, ebpf.ProgramOptions{LogDisabled: true})
	if a.spec.Type == ebpf.Tracing { // without the id of a function it is never loaded
		if errors.Is(err, os.ErrPermission) {
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer p.Close()
	attached, err := a.attach(function, p)
	if err != nil {
		return err
	}
	return attached.Close()
}
