package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/event"
)

// keepMemory locks the memory of the daemon and reads its program, and returns the event that reports
// this.
func keepMemory() event.DaemonMemory {
	e := event.DaemonMemory{Stamp: event.Stamp{At: time.Now()}}
	if err := lockMemory(); err != nil {
		e.Err = err.Error()
	} else if err := readProgram(); err != nil {
		e.Unread = err.Error()
	}
	return e
}

// lockMemory makes the kernel keep in memory all data and all pages of the program that the daemon
// has touched, now and later: on a machine that lacks memory, the page that a failover needs would
// otherwise have to come from the disk. It returns why the kernel refuses.
//
// Data that has not been touched is not locked (MCL_ONFAULT): plain locking would fill all that Go
// reserves. Go's runtime still returns memory: it maps it again, since the kernel refuses to
// discard locked pages.
//
// A process with a limit (RLIMIT_MEMLOCK) and without the capability to exceed it (CAP_IPC_LOCK)
// must not lock its memory: the limit counts reserved memory, and Go ends when it is refused memory
// at the limit. So lockMemory sets the limit to zero for the call, which then succeeds only with
// the capability.
func lockMemory() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return fmt.Errorf("getrlimit: %w", err)
	}
	if limit.Cur != unix.RLIM_INFINITY {
		none := unix.Rlimit{Max: limit.Max}
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &none); err != nil {
			return fmt.Errorf("setrlimit: %w", err)
		}
		defer func() { _ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit) }() // it was allowed before
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("mlockall: %w", err)
	}
	return nil
}

// readProgram reads all pages of the program after lockMemory, so that they are locked, too. The
// start touches most of them, but a failover could be the first to need another one. Kernels before
// Linux 5.14 cannot do that, which is no error.
func readProgram() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for mapping := range strings.Lines(string(maps)) {
		var from, to uintptr
		if !strings.HasSuffix(mapping, " "+program+"\n") {
			continue
		} else if _, err := fmt.Sscanf(mapping, "%x-%x", &from, &to); err != nil {
			return fmt.Errorf("/proc/self/maps: %w in %q", err, mapping)
		}
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_POPULATE_READ)
		if errno != 0 && errno != unix.EINVAL {
			return fmt.Errorf("madvise: %w", errno)
		}
	}
	return nil
}
