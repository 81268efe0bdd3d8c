package sysctl

import (
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// longest is more than the length of any setting that is read.
const longest = 128

// Read returns a setting by its key below net, such as ipv4/conf/eth0/arp_ignore. With os.ReadFile,
// Go's poller would watch the file, which takes five more system calls and wakes another thread.
func Read(key string) (string, error) {
	fd, err := unix.Open(root+key, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: root + key, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var text [longest]byte
	n, err := unix.Read(fd, text[:]) // the kernel returns the whole setting at once
	if err != nil {
		return "", &fs.PathError{Op: "read", Path: root + key, Err: err}
	}
	return strings.TrimSpace(string(text[:n])), nil
}
