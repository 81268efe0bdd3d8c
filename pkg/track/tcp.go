package track

import (
	"context"
	"fmt"
	"net"
	"strconv"
)

// TCP is a check that opens a TCP connection and closes it. Address is an IP address or a name,
// with a port: "192.0.2.1:80", "[2001:db8::1]:80".
type TCP struct{ Address string }

// String implements Probe.
func (c TCP) String() string { return "tcp " + c.Address }

func (c TCP) validate() error {
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil || host == "" {
		return fmt.Errorf("address %q: give a host and a port, as 192.0.2.1:80 or [2001:db8::1]:80", c.Address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("address %q: the port is %q, give 1 to 65535", c.Address, port)
	}
	return nil
}

func (c TCP) open(_ *machine, s *Spec) prober {
	return &timed{s.EffectiveTimeout(), func(ctx context.Context) (string, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.Address)
		if err != nil {
			return "", err
		}
		return "", conn.Close()
	}}
}
