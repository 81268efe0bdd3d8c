package config

import (
	"bufio"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ripcord/pkg/command"
	"ripcord/pkg/config/files"
	"ripcord/pkg/config/value"
	"ripcord/pkg/keepalived/syntax"
)

// system answers the questions about this machine on which the meaning of keepalived.conf depends.
type system struct{}

func (system) Glob(pattern string) []string {
	names, _ := filepath.Glob(pattern) // a bad pattern matches nothing
	return names
}

func (system) Read(path string, most int) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && (info.IsDir() || info.Mode().Perm()&0o111 != 0) {
		return nil, syntax.ErrSkipped
	}
	file, _, err := files.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, int64(most)))
}

func (system) Getenv(name string) string { return os.Getenv(name) }

func (system) Random(from, upto int) int { return from + rand.IntN(upto-from+1) }

func (system) Program(name string) (string, bool) {
	path, err := exec.LookPath(name)
	return path, err == nil && filepath.IsAbs(path)
}

// Runs reports whether the program at a path can be run.
func (system) Runs(path string) bool {
	_, err := exec.LookPath(path)
	return err == nil
}

func (system) Permitted(path, user, group string) error {
	u, err := command.LookupUser(user, group)
	if err != nil {
		return nil // User reports it
	}
	return command.CheckPermitted(path, u)
}

func (system) Secure(path, user, group string) error {
	u, err := command.LookupUser(user, group)
	if err != nil {
		return nil // User reports it
	}
	return command.CheckSecure(path, u)
}

// ThroughLink returns the first symbolic link among the directories of a program's path.
func (system) ThroughLink(path string) string {
	for at := 1; at < len(path); at++ {
		next := strings.IndexByte(path[at:], '/')
		if next < 0 {
			break
		}
		at += next
		if info, err := os.Lstat(path[:at]); err == nil && info.Mode()&os.ModeSymlink != 0 {
			return path[:at]
		}
	}
	return ""
}

func (system) User(name, group string) bool {
	_, err := command.LookupUser(name, group)
	return err == nil
}

// LinkOf returns the first of the interfaces that have an address, by their names.
func (system) LinkOf(a netip.Addr) (string, bool) {
	here := ThisMachine()
	for _, name := range slices.Sorted(maps.Keys(here)) {
		if link, err := net.InterfaceByName(name); err == nil && link.Flags&net.FlagLoopback == 0 && slices.Contains(here[name], a) {
			return name, true
		}
	}
	return "", false
}

func (system) InNamespace(name string) bool {
	named, err := os.Stat(filepath.Join("/run/netns", name))
	if err != nil {
		return false
	}
	own, err := os.Stat("/proc/thread-self/ns/net")
	return err == nil && os.SameFile(named, own)
}

func (system) Protocol(name string) (uint8, bool) {
	if n, err := strconv.ParseUint(name, 10, 7); err == nil { // keepalived takes no number above 127
		return uint8(n), true
	}
	n, known := value.Protocols[name]
	return n, known
}

// ThisMachine returns the addresses of this machine. It leaves out addresses that cannot be read: the
// daemon finds them while it runs.
func ThisMachine() Machine {
	here := Machine{}
	links, _ := net.Interfaces()
	for _, link := range links {
		addresses, _ := link.Addrs()
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					here[link.Name] = append(here[link.Name], ip.Unmap())
				}
			}
		}
	}
	return here
}

// tableNames are the files with the names of routing tables.
var tableNames = []string{"/etc/iproute2/rt_tables", "/etc/iproute2/rt_tables.d/*.conf", "/usr/share/iproute2/rt_tables", "/usr/lib/iproute2/rt_tables"}

func (system) Table(name string) (uint32, bool) {
	for _, pattern := range tableNames {
		names, _ := filepath.Glob(pattern)
		for _, file := range names {
			if n, ok := tableIn(file, name); ok {
				return n, true
			}
		}
	}
	n, ok := map[string]uint32{"main": 254, "local": 255, "default": 253}[name]
	return n, ok
}

// tableIn looks a routing table up in one file of names.
func tableIn(file, name string) (uint32, bool) {
	f, _, err := files.OpenRegular(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, files.MaxSize))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[1] != name {
			continue
		}
		if n, err := strconv.ParseUint(fields[0], 0, 32); err == nil {
			return uint32(n), true
		}
	}
	return 0, false
}
