//go:build linux

package lan

import (
	"fmt"
	"net/netip"
	"time"
)

// Host is a namespace with cables. Its Close acts as a power failure: all processes in it end at
// once, and its cables vanish.
type Host struct {
	*Namespace
	lan    *LAN
	number int
}

// AddAddress adds an address that can be used at once. Cable.AdminUp restores the addresses of a
// cable.
func (h *Host) AddAddress(ifname string, p netip.Prefix) error {
	if c, ok := h.cable(ifname); ok {
		return c.add(p)
	}
	link, err := h.Link(ifname)
	if err != nil {
		return err
	}
	return h.addAddress(link.Index, p)
}

// WaitCarrier waits until the interface has or has lost carrier, and returns the instant at which
// it saw that. It looks each millisecond, by a dump, which does not make the kernel announce
// anything earlier.
func (h *Host) WaitCarrier(ifname string, carrier bool, within time.Duration) (time.Time, error) {
	err := poll(within, func() (bool, error) {
		link, err := h.Link(ifname)
		return err == nil && link.Carrier == carrier, err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("wait for carrier=%t on %s of host %s: %w", carrier, ifname, h.name, err)
	}
	return time.Now(), nil
}

func (h *Host) cable(ifname string) (*Cable, bool) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	for _, c := range h.lan.cables {
		if c.host == h && c.ifname == ifname {
			return c, true
		}
	}
	return nil, false
}

// poll calls done each millisecond until it returns true or an error, or the time is over.
func poll(within time.Duration, done func() (bool, error)) error {
	for deadline := time.Now().Add(within); ; time.Sleep(time.Millisecond) {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s", within)
		}
	}
}
