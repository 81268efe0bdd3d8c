package control

import (
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// peerOf returns the other end of a connection: the process on a unix socket, the address over TCP;
// empty if it is unknown.
func peerOf(c net.Conn) string {
	switch c := c.(type) {
	case *net.UnixConn:
		raw, err := c.SyscallConn()
		if err != nil {
			return ""
		}
		pid := 0
		_ = raw.Control(func(fd uintptr) {
			if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
				pid = int(cred.Pid)
			}
		})
		return strconv.Itoa(pid)
	case *net.TCPConn:
		if address, ok := c.RemoteAddr().(*net.TCPAddr); ok {
			return address.AddrPort().Addr().Unmap().String()
		}
	}
	return ""
}
