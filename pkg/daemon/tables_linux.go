package daemon

import (
	"debug/elf"
	"os"

	"golang.org/x/sys/unix"
)

// tables are the addresses of Go's tables in the program (.gopclntab): for each instruction its
// line, and which values on the stack are pointers. They take 7 MiB, and are read where a
// stack grows, is shown or is searched for pointers. As the start runs through most of the
// program it leaves 5.5 MiB of them in memory, and locked there; the goroutines that go on need
// 0.5 to 1.5.
type tables struct{ from, to uintptr }

// findTables returns the tables of this program; none if they cannot be told from what must
// not be given up, as in a program that the kernel may load anywhere.
func findTables() (t tables) {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return t
	}
	defer f.Close()
	section := f.Section(".gopclntab")
	if f.Type != elf.ET_EXEC || section == nil || section.Type != elf.SHT_PROGBITS || section.Flags&elf.SHF_WRITE != 0 {
		return t
	}
	page := uintptr(os.Getpagesize())
	t.from = (uintptr(section.Addr) + page - 1) &^ (page - 1)
	t.to = max(uintptr(section.Addr+section.Size)&^(page-1), t.from)
	return t
}

// unload has the kernel take the tables out of this process: what is read of them from now on
// comes back from the kernel's cache of the file. The code of the program stays. A kernel
// before Linux 5.18 refuses it where memory is locked.
func (t tables) unload() {
	if t.from < t.to {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, t.from, t.to-t.from, unix.MADV_DONTNEED_LOCKED)
	}
}
