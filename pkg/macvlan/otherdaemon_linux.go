package macvlan

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// vrrpProtocol is VRRP's IP protocol number.
const vrrpProtocol = 112

// vrrpSocket is VRRP's protocol number in the local port column of /proc/net/raw.
var vrrpSocket = fmt.Sprintf(":%04X", vrrpProtocol)

// OtherDaemon looks for raw VRRP sockets of other processes: keepalived and FRR receive through
// them. It returns true if it cannot read the list.
func (k *LinuxKernel) OtherDaemon() bool {
	ours, err := Sockets("self")
	if err != nil {
		return true
	}
	all, err := VRRPSockets()
	if err != nil {
		return true
	}
	for inode := range all {
		if !ours[inode] {
			return true
		}
	}
	return false
}

// VRRPSockets returns the inodes of the raw VRRP sockets in the network namespace of the caller.
func VRRPSockets() (inodes map[string]bool, err error) {
	inodes = make(map[string]bool)
	for _, family := range []string{"raw", "raw6"} {
		some, err := rawSockets("/proc/thread-self/net/" + family)
		if err != nil && !os.IsNotExist(err) { // there is no IPv6
			return nil, err
		}
		for _, inode := range some {
			inodes[inode] = true
		}
	}
	return inodes, nil
}

// Sockets returns the inodes of the sockets of a process, named as in /proc: by its PID, or "self".
func Sockets(process string) (map[string]bool, error) {
	directory := "/proc/" + process + "/fd"
	descriptors, err := os.ReadDir(directory)
	if err != nil {
		return nil, fmt.Errorf("listing the descriptors of process %s: %w", process, err)
	}
	inodes := make(map[string]bool)
	for _, d := range descriptors {
		if to, err := os.Readlink(filepath.Join(directory, d.Name())); err == nil {
			if inode, ok := strings.CutPrefix(to, "socket:["); ok {
				inodes[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	return inodes, nil
}

// rawSockets returns the inodes of the VRRP sockets in a table of raw sockets.
func rawSockets(path string) (inodes []string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	const local, inode = 1, 9 // columns
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > inode && strings.HasSuffix(fields[local], vrrpSocket) {
			inodes = append(inodes, fields[inode])
		}
	}
	return inodes, lines.Err()
}
