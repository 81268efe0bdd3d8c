package lab

import "strings"

// ip runs the ip program on a host and gives its output.
func (s *site) ip(host string, args ...string) string {
	s.t.Helper()
	return s.command(host, "ip", args...)
}

// command runs a program on a host and waits for it.
func (s *site) command(host, program string, args ...string) string {
	s.t.Helper()
	said, err := s.Run(host, program, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return said
}

// holds reports whether the virtual address stands on the host's interface.
func (s *site) holds(host string, seg segment) bool {
	s.t.Helper()
	return strings.Contains(s.ip(host, "-o", "address", "show", "dev", seg.ifname), " "+seg.virtual().String()+"/")
}
