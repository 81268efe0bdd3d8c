package nic

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
	"ripcord/pkg/wakeup"
)

// requestTimeout is how long the kernel may take for an answer over rtnetlink: while another
// process holds its RTNL lock, requests wait.
const requestTimeout = 5 * time.Second

// Client asks NICs for their link. It belongs to one goroutine, opens each socket when it first
// needs it, and allocates nothing if ETHTOOL_GLINK works.
//
// From Linux 6.8 on, ETHTOOL_GLINK and RTM_GETLINK make the kernel announce at once a change that
// it would have announced late.
type Client struct {
	driver  driver
	mii     *MII
	ethtool *ethtool
	routes  *rtnl.Conn
	noGLINK map[uint64]bool // by Device.ID: the driver has no ETHTOOL_GLINK
}

// NewClient returns a client that has opened nothing yet; Close it.
func NewClient() *Client { return &Client{} }

// Close frees the sockets. The client may be used again.
func (c *Client) Close() {
	c.driver.close()
	if c.mii != nil {
		c.mii.Close()
	}
	if c.ethtool != nil {
		c.ethtool.close()
	}
	if c.routes != nil {
		c.routes.Close()
	}
	*c = Client{}
}

// maxNoGLINK is the number of devices without ETHTOOL_GLINK that are remembered.
const maxNoGLINK = 1024

// Carrier asks the driver for the carrier, or the kernel if the driver has no ETHTOOL_GLINK. glink
// reports whether the driver answered; known is false if neither did.
func (c *Client) Carrier(d Device) (up, known, glink bool) {
	if !c.noGLINK[d.ID] {
		up, err := c.driver.glink(d.Name)
		if err != unix.EOPNOTSUPP {
			return up, err == nil, err == nil
		}
		if len(c.noGLINK) >= maxNoGLINK { // most are gone; the others are found again
			c.noGLINK = nil
		}
		if c.noGLINK == nil {
			c.noGLINK = make(map[uint64]bool)
		}
		c.noGLINK[d.ID] = true
	}
	up, err := c.lowerUp(d.Index)
	return up, err == nil, false
}

// Questions returns the system calls by which the drivers of some devices are asked for their
// carrier, for a wakeup.Waiter; nil if one of the drivers has no ETHTOOL_GLINK. They hold until the
// next call, or Close.
func (c *Client) Questions(devices []Device) []wakeup.Question {
	for _, d := range devices {
		if c.noGLINK[d.ID] {
			return nil
		}
	}
	return c.driver.questions(devices)
}

// lowerUp asks the kernel for the flag IFF_LOWER_UP.
func (c *Client) lowerUp(index int) (up bool, err error) {
	if c.routes == nil {
		c.routes, err = rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE, Timeout: requestTimeout})
		if err != nil {
			return false, err
		}
	}
	l, err := c.routes.LinkByIndex(index)
	return err == nil && l.Flags&unix.IFF_LOWER_UP != 0, err
}

// Capabilities finds out which questions about the device have an answer.
func (c *Client) Capabilities(d Device) Capabilities {
	var can Capabilities
	can.Carrier, can.Known, can.GLINK = c.Carrier(d)
	can.AlwaysUp = c.driver.alwaysUp(d.Name)
	if err := c.transceiver(d); err != nil {
		can.NoMII, can.NoPermission = err.Error(), errors.Is(err, unix.EPERM)
	}
	return can
}

// transceiver returns an error if the device has no transceiver that can be asked.
func (c *Client) transceiver(d Device) error {
	if err := c.openMII(); err != nil {
		return err
	}
	_, err := c.mii.Present(d.Index)
	return err
}

// MIIStatus asks the transceiver; an error means that the state is unknown.
func (c *Client) MIIStatus(d Device) (MIIStatus, error) {
	if err := c.openMII(); err != nil {
		return MIIStatus{}, err
	}
	return c.mii.Status(d.Index)
}

func (c *Client) openMII() (err error) {
	if c.mii == nil {
		c.mii, err = OpenMII()
	}
	return err
}

// Reason asks the driver why there is no carrier. The answer is empty if the driver reports no
// reason.
func (c *Client) Reason(d Device) (string, error) {
	if c.ethtool == nil {
		e, err := openEthtool()
		if err != nil {
			return "", err
		}
		c.ethtool = e
	}
	x, known, err := c.ethtool.extended(d.Index)
	if err != nil || !known {
		return "", err
	}
	return x.String(), nil
}

// Inspect asks the device every question, and adds the answers to a report that contains the
// kernel's own description of the link. The report mentions it if CAP_NET_ADMIN is missing.
func (c *Client) Inspect(d Device, r Report) (Report, Capabilities) {
	var can Capabilities
	if up, err := c.driver.glink(d.Name); err != nil {
		r.GLINK.Error = fmt.Sprintf("ETHTOOL_GLINK: %v", err)
	} else {
		r.GLINK.Up, can.GLINK = &up, true
	}
	r.Driver, _ = c.driver.info(d.Name)
	if why, err := c.Reason(d); err != nil {
		r.Extended.Error = err.Error()
	} else {
		r.Extended.State = why
	}
	if err := c.openMII(); err != nil {
		r.MII.Error = err.Error()
	} else if x, err := c.mii.Probe(d.Index); err != nil {
		r.MII.Error, can.NoPermission = err.Error(), errors.Is(err, unix.EPERM)
	} else {
		r.MII.Transceiver, r.MII.Up, r.MII.Flapped = &x, &x.Status.Up, x.Status.Flapped
	}
	can.NoMII, can.AlwaysUp = r.MII.Error, c.driver.alwaysUp(d.Name)
	return r, can
}
