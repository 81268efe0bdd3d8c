//go:build linux

package lan

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

// settling bounds how long it may take until a cable carries traffic.
const settling = 5 * time.Second

// Cable joins an interface of a host to a segment.
type Cable struct {
	lan       *LAN
	host      *Host
	segment   *Segment
	ifname    string
	near, far int // ifindexes, at the host and in the switch
	mac       MAC

	mu        sync.Mutex
	addresses []netip.Prefix
}

// Pull takes the cable out: the host's end loses its carrier, and nothing gets
// through. The instant is the one before the kernel was told, so that what is
// measured from it is never too short.
func (c *Cable) Pull() (time.Time, error) { return c.set("pull", c.lan.sw, c.far, false) }

// Plug puts the cable in; see Pull. When it returns the switch forwards; the
// host may take some ms more: see Settle.
func (c *Cable) Plug() (time.Time, error) {
	at, err := c.set("plug", c.lan.sw, c.far, true)
	if err != nil {
		return at, err
	}
	return at, c.forward()
}

// forward waits until the switch forwards what comes in by the cable. The bridge
// learns of a carrier as late as everybody else, up to 1 s, which no real switch
// does: its end is asked for, and that makes the kernel tell it. The host's end
// is not touched.
func (c *Cable) forward() error {
	err := poll(settling, func() (bool, error) {
		near, err := c.host.adminUp(c.near)
		if err != nil || !near {
			return true, err // an end that is down gives no carrier to wait for
		}
		far, err := c.lan.sw.adminUp(c.far)
		if err != nil || !far {
			return true, err
		}
		return c.lan.sw.settled(c.far)
	})
	if err != nil {
		return fmt.Errorf("wait until the switch forwards for %s of host %s: %w", c.ifname, c.host.name, err)
	}
	return nil
}

// AdminDown sets the host's interface down, as an operator does. The kernel
// takes its IPv6 addresses away. The instant is as that of Pull.
func (c *Cable) AdminDown() (time.Time, error) {
	at, err := c.set("set down", c.host.Namespace, c.near, false)
	if err != nil {
		return at, err
	}
	_, err = c.lan.sw.settled(c.far) // else the switch would learn it up to 1 s late
	return at, err
}

// AdminUp sets the host's interface up and puts back the addresses that it was
// given here, as an operator's tools do.
func (c *Cable) AdminUp() (time.Time, error) {
	at, err := c.set("set up", c.host.Namespace, c.near, true)
	if err != nil {
		return at, err
	}
	c.mu.Lock()
	addresses := slices.Clone(c.addresses)
	c.mu.Unlock()
	for _, p := range addresses {
		if err := c.host.addAddress(c.near, p); err != nil {
			return at, err
		}
	}
	return at, errors.Join(c.forward(), c.listen(addresses...))
}

func (c *Cable) set(what string, space *Namespace, index int, up bool) (time.Time, error) {
	at := time.Now()
	if err := space.setUp(index, up); err != nil {
		return at, fmt.Errorf("%s the cable in %s of host %s: %w", what, c.ifname, c.host.name, err)
	}
	return at, nil
}

// Host is whose cable it is.
func (c *Cable) Host() *Host { return c.host }

// Segment is where it goes.
func (c *Cable) Segment() *Segment { return c.segment }

// MAC is that of the host's interface.
func (c *Cable) MAC() MAC { return c.mac }

// Index is the ifindex of the host's interface.
func (c *Cable) Index() int { return c.near }

// LinkLocal is the link-local IPv6 address of the host's interface, or an error
// while it has none that may be used.
func (c *Cable) LinkLocal() (netip.Addr, error) {
	a, ok, err := c.host.linkLocal(c.near)
	if err == nil && !ok {
		err = fmt.Errorf("%s of host %s has no link-local address", c.ifname, c.host.name)
	}
	return a, err
}

func (c *Cable) add(p netip.Prefix) error {
	if err := c.host.addAddress(c.near, p); err != nil {
		return err
	}
	c.mu.Lock()
	c.addresses = append(c.addresses, p)
	c.mu.Unlock()
	if up, err := c.host.adminUp(c.near); !up || err != nil {
		return err // AdminUp will see to it
	}
	return c.listen(p)
}

// listen waits until the host hears who asks for the addresses.
func (c *Cable) listen(addresses ...netip.Prefix) error {
	for _, p := range addresses {
		if p.Addr().Is4() {
			continue
		}
		err := poll(settling, func() (bool, error) { return c.host.listening(c.ifname, p.Addr()) })
		if err != nil {
			return fmt.Errorf("wait until host %s listens for %s on %s: %w", c.host.name, p.Addr(), c.ifname, err)
		}
	}
	return nil
}

func (c *Cable) has(a netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.addresses, func(p netip.Prefix) bool { return p.Addr() == a })
}

// ipv4 is the first IPv4 address; unspecified if there is none.
func (c *Cable) ipv4() netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.addresses {
		if p.Addr().Is4() {
			return p.Addr()
		}
	}
	return netip.IPv4Unspecified()
}

// Settle waits until a cable that is plugged in and up carries traffic, and the
// host has a link-local address on it, and a route to those of others. A carrier alone is not enough: for some
// ms more the kernel drops what the host sends. Settle asks for the link, which
// makes the kernel announce it at once: do not call it while that is measured.
func (c *Cable) Settle() error {
	if err := poll(settling, c.settled); err != nil {
		return fmt.Errorf("wait until %s of host %s carries traffic: %w", c.ifname, c.host.name, err)
	}
	return nil
}

// settled tells whether the host and the switch both take the cable for good,
// and the host has a link-local address on it.
func (c *Cable) settled() (bool, error) {
	for space, index := range map[*Namespace]int{c.host.Namespace: c.near, c.lan.sw: c.far} {
		if ok, err := space.settled(index); !ok || err != nil {
			return false, err
		}
	}
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		return true, nil
	}
	linkLocal, ok, err := c.host.linkLocal(c.near)
	if !ok || err != nil {
		return false, err
	}
	if ok, err := c.host.listening(c.ifname, linkLocal); !ok || err != nil {
		return false, err
	}
	return c.host.reaches(c.near)
}
