// Package confine permanently drops the rights that this process does not need: it can start no
// program any more, and keeps only some capabilities.
package confine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights are the remaining rights of the process.
type Rights struct {
	// Capabilities are those that it keeps permanently, as far as it has them.
	Capabilities []int
	// Briefly are those that it keeps until Drop.
	Briefly []int
	// User is the user that it becomes; nil: it keeps its own.
	User *User
}

// User is a user by numbers.
type User struct {
	UID, GID int
	Groups   []int
}

// Apply drops all other rights of all threads, also of future ones, and returns the remaining
// permanent capabilities. Some may be dropped even if it returns an error. A program built with cgo
// cannot be confined.
func Apply(r Rights) (left []int, err error) {
	permitted, err := permittedSet()
	if err != nil {
		return nil, err
	}
	for _, c := range r.Capabilities {
		if permitted&(1<<c) != 0 {
			left = append(left, c)
		}
	}
	kept := permitted & setOf(r.Capabilities)
	return left, apply(kept, kept|permitted&setOf(r.Briefly), r.User)
}

// Drop drops capabilities of all threads that were kept briefly.
func Drop(capabilities ...int) error {
	permitted, err := permittedSet()
	if gone := permitted & setOf(capabilities); err != nil || gone == 0 {
		return err
	}
	return setCapabilities(permitted &^ setOf(capabilities))
}

// setOf returns the set of capabilities in the kernel's encoding.
func setOf(capabilities []int) (set uint64) {
	for _, c := range capabilities {
		set |= 1 << c
	}
	return set
}

// apply reduces the bounding set to bounds, and the capabilities to kept.
func apply(bounds, kept uint64, u *User) error {
	// The bounding set comes first, since that takes CAP_SETPCAP; without it the set stays as it
	// is, and no program that would use it can be started.
	for c := range unix.CAP_LAST_CAP + 1 {
		if bounds&(1<<c) == 0 {
			_ = everywhere(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, uintptr(c), 0)
		}
	}
	if err := become(u); err != nil {
		return err
	}
	// A service manager that has left no others may kill a process that makes this call.
	if now, err := permittedSet(); err != nil || now != kept {
		if err := setCapabilities(kept); err != nil {
			return err
		}
	}
	return startNothing()
}

// everywhere makes a system call in all threads. The compiler keeps each value whose address is
// converted to uintptr in the arguments on the heap. On a stack that grows before the system call,
// the value would move, and the kernel would read memory that another goroutine may have overwritten.
//
//go:uintptrescapes
func everywhere(call, a, b, c uintptr) error {
	switch _, _, errno := syscall.AllThreadsSyscall(call, a, b, c); errno {
	case 0:
		return nil
	case syscall.ENOTSUP:
		return errors.New("the program is built with cgo: build it with CGO_ENABLED=0")
	default:
		return errno
	}
}

// become changes the process to a user, and keeps its capabilities.
func become(u *User) error {
	if u == nil || u.UID == os.Geteuid() {
		return nil
	}
	if err := everywhere(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0); err != nil {
		return fmt.Errorf("prctl: %w", err)
	}
	if err := syscall.Setgroups(u.Groups); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(u.GID, u.GID, u.GID); err != nil {
		return fmt.Errorf("setresgid %d: %w", u.GID, err)
	}
	if err := syscall.Setresuid(u.UID, u.UID, u.UID); err != nil {
		return fmt.Errorf("setresuid %d: %w", u.UID, err)
	}
	return nil
}

// Has reports whether this thread has all of these capabilities in effect.
func Has(capabilities ...int) bool {
	data, err := capget()
	effective := uint64(data[0].Effective) | uint64(data[1].Effective)<<32
	for _, c := range capabilities {
		if err != nil || effective&(1<<c) == 0 {
			return false
		}
	}
	return true
}

// permittedSet returns the permitted capabilities of this thread.
func permittedSet() (permitted uint64, err error) {
	data, err := capget()
	return uint64(data[0].Permitted) | uint64(data[1].Permitted)<<32, err
}

// capget returns the capabilities of this thread.
func capget() (data [2]unix.CapUserData, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &data[0]); err != nil {
		return data, fmt.Errorf("capget: %w", err)
	}
	return data, nil
}

// setCapabilities sets the capabilities of all threads, with none to inherit.
func setCapabilities(set uint64) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{
		{Effective: uint32(set), Permitted: uint32(set)}, {Effective: uint32(set >> 32), Permitted: uint32(set >> 32)},
	}
	err := everywhere(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	runtime.KeepAlive(&header)
	runtime.KeepAlive(&data)
	if err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	return nil
}

// architectures are the numbers of linux/audit.h.
var architectures = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64, "386": unix.AUDIT_ARCH_I386, "arm": unix.AUDIT_ARCH_ARM,
}

// x32 is the bit of the system calls of amd64's second set of numbers.
const x32 = 0x40000000

// startNothing makes the kernel refuse execve and execveat to all threads, with EPERM, and all
// system calls of other architectures, which have other numbers.
func startNothing() error {
	architecture, known := architectures[runtime.GOARCH]
	if !known {
		return fmt.Errorf("system calls are not filtered on %s", runtime.GOARCH)
	}
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		least = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		end   = unix.BPF_RET | unix.BPF_K
	)
	rules := []unix.SockFilter{ // over struct seccomp_data: the number, the architecture, …
		{Code: load, K: 4},
		{Code: equal, K: architecture, Jf: 5},
		{Code: load, K: 0},
		{Code: least, K: x32, Jt: 3},
		{Code: equal, K: unix.SYS_EXECVE, Jt: 2},
		{Code: equal, K: unix.SYS_EXECVEAT, Jt: 1},
		{Code: end, K: unix.SECCOMP_RET_ALLOW},
		{Code: end, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
	}
	program := unix.SockFprog{Len: uint16(len(rules)), Filter: &rules[0]}
	if err := everywhere(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return fmt.Errorf("prctl: %w", err)
	}
	// This is not done by seccomp(2), for which a service manager may kill the process.
	err := everywhere(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(rules)
	runtime.KeepAlive(&program)
	if err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}
