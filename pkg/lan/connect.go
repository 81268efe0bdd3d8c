//go:build linux

package lan

import (
	"fmt"
	"net/netip"
	"slices"
)

// Options are the properties of a cable. The zero value is a cable that is plugged in, on an
// interface with no other address than a link-local one.
type Options struct {
	// MAC is the MAC of the host's end. By default it is 02:00:00:00:HH:CC for host HH and its
	// cable CC, both counted from 1 in the order in which they were made.
	MAC MAC
	// LinkLocal is the host's link-local IPv6 address, with prefix length 64. By default the kernel
	// derives it from the MAC, so that the addresses have the order of the MACs.
	LinkLocal netip.Addr
	// Addresses are the other addresses of the host.
	Addresses []netip.Prefix
	// Ordinary gives the two ends different ifindexes, as any veth has. The kernel then announces a
	// lost carrier at once, which it does for no real NIC.
	Ordinary bool
	// Unplugged leaves the cable unplugged until Plug.
	Unplugged bool
}

// Connect puts a cable between a new interface of the host and the segment. When it returns, both
// ends have carrier and the addresses can be used, unless the cable is unplugged. After an error
// the LAN can only be closed.
func (l *LAN) Connect(h *Host, ifname string, s *Segment, o Options) (*Cable, error) {
	c, err := l.connect(h, ifname, s, o)
	if err != nil {
		return nil, fmt.Errorf("connect %s of host %s to segment %s: %w", ifname, h.name, s.name, err)
	}
	return c, nil
}

func (l *LAN) connect(h *Host, ifname string, s *Segment, o Options) (*Cable, error) {
	c := l.newCable(h, ifname, s, o)
	err := makeVeth(
		end{space: h.Namespace, name: ifname, index: c.near, mac: c.mac},
		end{space: l.sw, name: fmt.Sprintf("p%d", c.far), index: c.far, mac: farMAC(c.far)})
	if err != nil {
		return nil, err
	}
	if err := l.sw.enslave(c.far, s.index); err != nil {
		return nil, err
	}
	if o.LinkLocal.IsValid() {
		if err := h.SetSysctl("net/ipv6/conf/"+ifname+"/addr_gen_mode", "1"); err != nil {
			return nil, err
		}
	}
	if _, err := c.AdminUp(); err != nil {
		return nil, err
	}
	if !o.Unplugged {
		if _, err := c.Plug(); err != nil {
			return nil, err
		}
		if err := c.Settle(); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cables = append(l.cables, c)
	return c, nil
}

func (l *LAN) newCable(h *Host, ifname string, s *Segment, o Options) *Cable {
	c := &Cable{lan: l, host: h, segment: s, ifname: ifname, mac: o.MAC, addresses: slices.Clone(o.Addresses)}
	c.near = l.takeIndex()
	c.far = c.near
	if o.Ordinary {
		c.far = l.takeIndex()
	}
	if c.mac == (MAC{}) {
		c.mac = nearMAC(h.number, h.count()+1)
	}
	if o.LinkLocal.IsValid() {
		c.addresses = append([]netip.Prefix{netip.PrefixFrom(o.LinkLocal, 64)}, c.addresses...)
	}
	return c
}

func (h *Host) count() (cables int) {
	h.lan.mu.Lock()
	defer h.lan.mu.Unlock()
	for _, c := range h.lan.cables {
		if c.host == h {
			cables++
		}
	}
	return cables
}
