//go:build linux

package lan

import (
	"fmt"
	"net/netip"
	"time"
)

// Host is a namespace with cables. Its Close is a power failure: everything in
// it dies at once, its cables with it.
type Host struct {
	*Namespace
	lan    *LAN
	number int
}

// AddAddress adds an address that can be used at once. On a cable it comes
// back with Cable.AdminUp.
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

// WaitCarrier waits until the interface has carrier, or has lost it, and gives
// the instant at which that was seen. It looks each millisecond, by a dump,
// which makes the kernel announce nothing earlier than it would have done.
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

// poll asks each millisecond until the answer is yes or an error, or the time
// is over.
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
