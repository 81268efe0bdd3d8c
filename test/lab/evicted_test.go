package lab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ripcord/pkg/lan"
	"ripcord/test/netns"
)

// TestEvictedProgram checks that no failover waits for the disk on a machine that lacks memory: the
// kernel has evicted every page of the program that the daemon has not locked, then the daemon
// takes over from a killed Active, loses its own cable, serves again and yields, and has no major
// fault. A daemon that may not lock its memory has some.
func TestEvictedProgram(t *testing.T) {
	netns.NeedRoot(t)
	t.Parallel()
	t.Run("locked", func(t *testing.T) {
		t.Parallel()
		for _, part := range failovers(t, patience) {
			if part.faults != 0 {
				t.Errorf("the daemon read its program from the disk %d times when %s", part.faults, part.what)
			}
		}
	})
	t.Run("not locked", func(t *testing.T) {
		t.Parallel()
		faults := 0
		for _, part := range failovers(t, 2*patience, without("ipc_lock")...) { // the disk may be slow
			faults += part.faults
		}
		if faults == 0 {
			t.Skip("a daemon without locked memory had no major fault either: its threads read the program again before a failover needed it")
		}
	})
}

// failover is a part of TestEvictedProgram.
type failover struct {
	what   string
	faults int // major faults of the daemon
}

// failovers moves a group away from router a, to router b and back, and returns the major faults of
// router b's daemon. Its program is evicted before each part, which may take as long as within.
func failovers(t *testing.T, within time.Duration, prefix ...string) (parts []failover) {
	var ports []lan.Port
	for i, host := range []string{"a", "b", "client"} {
		for _, seg := range bothSegments {
			addresses := lan.Addresses(fmt.Sprintf("%s.%d/24", seg.network, 11+i), fmt.Sprintf("2001:db8:%d::%d/64", seg.vrid, 11+i))
			ports = append(ports, lan.Port{Host: host, Name: seg.ifname, Segment: seg.name, Options: lan.Options{Addresses: addresses}})
		}
	}
	s := newSiteOf(t, bothSegments, ports...)
	script, record := s.recorder("notify")
	a := s.startYAML("a", s.everything("a", 150, script))
	a.becomes("active", time.Now().Add(-patience), patience)

	b, program := s.startCopy("b", s.everything("b", 100, script), prefix...)
	b.becomes("backup", time.Now().Add(-patience), patience)
	time.Sleep(settles)

	tap := s.tap("b")
	serves := func(since time.Time) {
		for _, name := range everyInstance {
			b.wait(since, within, "the addresses of "+name, func(l line) bool { return l.Event == "address.added" && l.Instance == name })
		}
		b.wait(since, within, "its route", is("route.added"))
		b.wait(since, within, "its notify command", is("notify.ran"))
		soonWithin(t, within, "b announces its addresses", func() bool {
			announced := make(map[string]bool)
			for _, f := range tap.Frames() {
				if kind, address, _ := kindOf(f); f.At.After(since) && address.IsValid() {
					announced[kind+" "+address.String()] = true
				}
			}
			return announced["gratuitous ARP 192.0.2.1"] && announced["NA 2001:db8:51::1"]
		})
	}
	part := func(what string, act func()) {
		program.evict()
		before := b.majorFaults()
		act()
		parts = append(parts, failover{what, b.majorFaults() - before})
		t.Logf("%s: %d major faults", what, parts[len(parts)-1].faults)
	}
	part("it took over from a killed Active", func() { serves(a.kill()) })
	part("its cable was pulled", func() {
		at := s.pull("b", inside)
		b.becomes("fault", at, within)
		b.wait(at, within, "the removal of its addresses", is("address.removed"))
	})
	part("its cable was plugged in again", func() { serves(s.plug("b", inside)) })
	part("a better router returned", func() {
		at := time.Now()
		s.again("a")
		b.becomes("backup", at, within)
		b.wait(at, within, "the removal of its addresses", is("address.removed"))
	})
	if ran := linesOf(t, record); len(matching(ran, "MASTER")) < 2 {
		t.Errorf("of the notify commands these ran: %q", ran)
	}
	return parts
}

// startCopy runs a copy of the binary on a host, behind the words of prefix. Its runner has the
// binary itself, since no page can be evicted that two processes use.
func (s *site) startCopy(host, yaml string, prefix ...string) (*daemon, *programCopy) {
	s.t.Helper()
	config, socket := filepath.Join(s.Dir, host+".yaml"), filepath.Join(s.Dir, "runner.sock")
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.Start(host, "runner", exec.Command(binary, "runner", "--config", config, "--socket", socket, "--user", "root")); err != nil {
		s.t.Fatal(err)
	}
	soon(s.t, "the runner listens", func() bool { _, err := os.Stat(socket); return err == nil })
	program := copyProgram(s.t)
	command := slices.Concat(prefix, []string{program.path, "run", "--config", config, "--runner", socket})
	program.daemon = s.startCommand(host, exec.Command(command[0], command[1:]...))
	return program.daemon, program
}

// settles is how long the daemon needs to settle after its start.
const settles = 8 * time.Second

var everyInstance = []string{"four", "six", "out"}

// everything is a configuration that uses what a takeover may have to do.
func (s *site) everything(host string, priority int, notify string) string {
	return fmt.Sprintf(`log: {level: debug}
control: {socket: %s}
script_user: root
notify: {any: [%s]}
defaults: {priority: %d, interval: %v, accept: false}
instances:
  - {name: four, interface: eth0, vrid: 51, virtual_mac: true, addresses: [192.0.2.1/24],
     routes: [{to: 203.0.113.0/24, via: 192.0.2.13}], rules: [{from: 192.0.2.0/24, table: 100, priority: 500}]}
  - {name: six, interface: eth0, vrid: 51, virtual_mac: true, addresses: [fe80::51:1/64, 2001:db8:51::1/64]}
  - {name: out, interface: eth1, vrid: 52, addresses: [198.51.100.1/24], extra_addresses: [198.51.100.2/24]}
groups:
  - {name: edge, members: [four, six, out]}
`, s.socket(host), notify, priority, often)
}

// programCopy is a copy of the binary that one daemon runs.
type programCopy struct {
	t      *testing.T
	path   string
	file   *os.File
	pages  []byte // the whole file, mapped
	daemon *daemon
}

// copyProgram copies the binary to a disk, and to no memory.
func copyProgram(t *testing.T) *programCopy {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ripcord")
	var fs unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &fs); err != nil {
		t.Fatal(err)
	} else if fs.Type == unix.TMPFS_MAGIC || fs.Type == unix.RAMFS_MAGIC {
		t.Skipf("%s is in memory, from which nothing is evicted: set TMPDIR to a directory on a disk", path)
	}
	// A file that this process wrote could not be run while a process that another test has just
	// forked still has it open for writing (ETXTBSY).
	if out, err := exec.Command("cp", binary, path).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if err := file.Sync(); err != nil { // only pages that are on the disk can be evicted
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(pages) })
	p := &programCopy{t: t, path: path, file: file, pages: pages}
	p.evict()
	return p
}

// evict removes every page from memory that is not locked. If none is locked, the daemon's threads
// bring some back at once.
func (p *programCopy) evict() {
	p.t.Helper()
	if p.daemon != nil {
		p.reclaim()
	}
	if err := unix.Fadvise(int(p.file.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		p.t.Fatal(err)
	}
	left, size := p.cachedKiB(), len(p.pages)>>10
	p.t.Logf("%d of %d KiB of the program are in memory", left, size)
	if p.daemon == nil || p.daemon.memory("VmLck") == 0 {
		return // how much the kernel has already read again depends on its read-ahead
	}
	if most := p.daemon.memory("RssFile") + 512; left > most {
		p.t.Fatalf("%d KiB are still in memory, want at most %d", left, most)
	}
}

// reclaim has the kernel evict the pages that the daemon has mapped, as it does when it needs
// memory. It refuses that for locked memory.
func (p *programCopy) reclaim() {
	p.t.Helper()
	pid := p.daemon.Command.Process.Pid
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	defer unix.Close(process)
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for text := range strings.Lines(string(maps)) {
		var from, to uintptr
		if !strings.HasSuffix(text, p.path+"\n") {
			continue
		} else if _, err := fmt.Sscanf(text, "%x-%x", &from, &to); err != nil {
			p.t.Fatalf("%v: %s", err, text)
		}
		part := unix.RemoteIovec{Base: from, Len: int(to - from)}
		_, _, errno := unix.Syscall6(unix.SYS_PROCESS_MADVISE, uintptr(process), uintptr(unsafe.Pointer(&part)), 1, unix.MADV_PAGEOUT, 0, 0)
		if errno != 0 && errno != unix.EINVAL {
			p.t.Fatalf("process_madvise: %v", errno)
		}
	}
}

// cachedKiB returns how much of the program is in memory.
func (p *programCopy) cachedKiB() (kib int) {
	p.t.Helper()
	page := os.Getpagesize()
	found := make([]byte, (len(p.pages)+page-1)/page)
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&p.pages[0])), uintptr(len(p.pages)), uintptr(unsafe.Pointer(&found[0]))); errno != 0 {
		p.t.Fatalf("mincore: %v", errno)
	}
	for _, f := range found {
		kib += int(f&1) * page >> 10
	}
	return kib
}

// majorFaults returns how many faults of all threads needed the disk.
func (d *daemon) majorFaults() int {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.Command.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	faults, err := strconv.Atoi(string(fields[9])) // field 12, majflt; the state is field 3
	if err != nil {
		d.t.Fatal(err)
	}
	return faults
}
