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

// vrrpSocket is how the local port column of /proc/net/raw names VRRP's protocol
// number.
var vrrpSocket = fmt.Sprintf(":%04X", vrrpProtocol)

// OtherDaemon looks for raw sockets of VRRP that are not this process's own: keepalived and
// FRR receive through such. It reports true if it cannot read the list.
func (k *LinuxKernel) OtherDaemon() bool {
	ours, err := ownSockets()
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

// VRRPSockets returns the inodes of the raw sockets for VRRP in the network namespace of the
// caller.
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

// ownSockets returns the inodes of this process's sockets.
func ownSockets() (map[string]bool, error) {
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(links) == 0 {
		return nil, fmt.Errorf("listing our own descriptors: %w", err)
	}
	ours := make(map[string]bool)
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil {
			if inode, ok := strings.CutPrefix(to, "socket:["); ok {
				ours[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	return ours, nil
}

// rawSockets returns the inodes of the VRRP sockets that a table of raw sockets lists.
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
