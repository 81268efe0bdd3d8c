package daemon

import (
	"encoding/binary"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestUnload: the tables leave memory although it is locked, and are read again where they are
// needed.
func TestUnload(t *testing.T) {
	program := findTables()
	if program.to-program.from < 1<<20 {
		t.Fatalf("the tables of this program are said to stand in %#x–%#x", program.from, program.to)
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_ONFAULT); err == nil {
		defer func() { _ = unix.Munlockall() }()
	}
	for _, advice := range []uintptr{unix.MADV_POPULATE_READ, unix.MADV_DONTNEED_LOCKED} { // Linux 5.14, 5.18
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, program.from, program.to-program.from, advice); errno == unix.EINVAL {
			t.Skipf("this kernel does not know the advice %d", advice)
		}
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, program.from, program.to-program.from, unix.MADV_POPULATE_READ)
	}
	before := resident(t, program)
	program.unload()
	if after := resident(t, program); before != int(program.to-program.from) || after > before/4 {
		t.Errorf("of %d KiB of tables %d were in memory, and are %d now", (program.to-program.from)>>10, before>>10, after>>10)
	}
	if _, file, line, ok := runtime.Caller(0); !ok || !strings.HasSuffix(file, "tables_linux_test.go") || line == 0 {
		t.Errorf("this line is said to be %s:%d", file, line)
	}
	runtime.GC()
}

// resident is how many bytes of the tables are mapped into this process (pagemap, bit 63).
func resident(t *testing.T, program tables) (bytes int) {
	t.Helper()
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page := uintptr(os.Getpagesize())
	words := make([]byte, (program.to-program.from)/page*8)
	if _, err := f.ReadAt(words, int64(program.from/page*8)); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(words); i += 8 {
		if binary.NativeEndian.Uint64(words[i:])>>63 != 0 {
			bytes += int(page)
		}
	}
	return bytes
}
