// Package sysctl reads and writes settings of the kernel's network stack. They are
// those of the network namespace of the calling thread.
package sysctl

import (
	"fmt"
	"os"
)

const root = "/proc/sys/net/"

// Write changes a setting.
func Write(key, value string) error {
	if err := os.WriteFile(root+key, []byte(value), 0); err != nil {
		return fmt.Errorf("setting net/%s to %s: %w: set it yourself if /proc/sys is read-only here", key, value, err)
	}
	return nil
}

// Writable reports whether a setting can be changed here: not where /proc/sys is read-only,
// as in most containers. It changes nothing.
func Writable(key string) bool {
	file, err := os.OpenFile(root+key, os.O_WRONLY, 0)
	if err != nil {
		return false
	}
	return file.Close() == nil
}
