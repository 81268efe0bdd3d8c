package daemon

import "golang.org/x/sys/unix"

// monotonicMicros returns the time that systemd compares with its own (sd_notify(3)).
func monotonicMicros() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return now.Nano() / 1000
}
