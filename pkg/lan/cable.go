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

// settling bounds the time until a new cable carries traffic.
const settling = 5 * time.Second

// Cable connects an interface of a host to a segment.
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

// Pull unplugs the cable: the host's end loses its carrier, and the cable passes no frames. It
// returns the instant before the request to the kernel, so that a time measured from it is never too
// short.
func (c *Cable) Pull() (time.Time, error) { return c.set("pull", c.lan.sw, c.far, false) }

// Plug plugs the cable in and returns the instant as Pull does. Afterwards the switch forwards, but
// the host may take some ms more: see Settle.
func (c *Cable) Plug() (time.Time, error) {
	at, err := c.set("plug", c.lan.sw, c.far, true)
	if err != nil {
		return at, err
	}
	return at, c.forward()
}

// forward waits until the switch forwards frames from the cable. The bridge learns of a carrier up
// to 1 s late, like every listener of the kernel's announcements; a real switch does not. forward
// requests the link of the switch's end, which makes the kernel announce it. It does not touch the
// host's end.
func (c *Cable) forward() error {
	err := poll(settling, func() (bool, error) {
		near, err := c.host.adminUp(c.near)
		if err != nil || !near {
			return true, err // an end that is down gets no carrier
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

// AdminDown sets the host's interface down, as an operator does. The kernel removes its IPv6
// addresses. It returns the instant as Pull does.
func (c *Cable) AdminDown() (time.Time, error) {
	at, err := c.set("set down", c.host.Namespace, c.near, false)
	if err != nil {
		return at, err
	}
	_, err = c.lan.sw.settled(c.far) // otherwise the switch would learn it up to 1 s late
	return at, err
}

// AdminUp sets the host's interface up and restores the addresses that this package gave it, as an
// operator's tools do.
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

// Host returns the host of the cable.
func (c *Cable) Host() *Host { return c.host }

// Segment returns the segment of the cable.
func (c *Cable) Segment() *Segment { return c.segment }

// MAC returns the MAC of the host's interface.
func (c *Cable) MAC() MAC { return c.mac }

// Index returns the ifindex of the host's interface.
func (c *Cable) Index() int { return c.near }

// LinkLocal returns the link-local IPv6 address of the host's interface, or an error if it has none
// that can be used yet.
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
		return err // AdminUp restores it
	}
	return c.listen(p)
}

// listen waits until the host answers solicitations for the addresses.
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

// ipv4 returns the first IPv4 address, or the unspecified one if there is none.
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

// Settle waits until a cable that is plugged in and up carries traffic, and the host has on it a
// link-local address and a route to those of others. A carrier alone is not enough: for some ms
// more the kernel drops what the host sends. Settle requests the link, which makes the kernel
// announce it at once, so do not call it while measuring that delay.
func (c *Cable) Settle() error {
	if err := poll(settling, c.settled); err != nil {
		return fmt.Errorf("wait until %s of host %s carries traffic: %w", c.ifname, c.host.name, err)
	}
	return nil
}

// settled reports whether the host and the switch both regard the cable as up, and the host has a
// link-local address on it.
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
