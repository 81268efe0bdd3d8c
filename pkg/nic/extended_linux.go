package nic

import (
	"errors"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// ethtool asks drivers over ethtool's generic netlink family. It belongs to one goroutine.
type ethtool struct {
	conn   *rtnl.Conn
	family netlink.HeaderType
}

// ethtoolTimeout is how long an answer may take once the kernel has received the question.
const ethtoolTimeout = time.Second

// openEthtool returns an error if the kernel has no such family (before Linux 5.6, or without
// ETHTOOL_NETLINK).
func openEthtool() (*ethtool, error) {
	conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_GENERIC, Timeout: ethtoolTimeout})
	if err != nil {
		return nil, err
	}
	e := &ethtool{conn: conn, family: unix.GENL_ID_CTRL}
	ae := netlink.NewAttributeEncoder()
	ae.String(unix.CTRL_ATTR_FAMILY_NAME, unix.ETHTOOL_GENL_NAME)
	b, err := e.ask(unix.CTRL_CMD_GETFAMILY, ae)
	if err == nil {
		e.family, err = decodeFamily(b)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("find the generic netlink family %s: %w", unix.ETHTOOL_GENL_NAME, err)
	}
	return e, nil
}

func (e *ethtool) close() { e.conn.Close() }

// errShort is the error of an answer without its header.
var errShort = errors.New("the kernel's message is shorter than its header")

// genericHeader is the size of struct genlmsghdr: command, version, two unused.
const genericHeader = 4

// ask sends a command of the family and returns the attributes of the answer.
func (e *ethtool) ask(command uint8, ae *netlink.AttributeEncoder) ([]byte, error) {
	attributes, err := ae.Encode()
	if err != nil {
		return nil, err
	}
	answer, err := e.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: e.family}, Data: append([]byte{command, 1, 0, 0}, attributes...),
	})
	if err != nil {
		return nil, err
	}
	if len(answer.Data) < genericHeader {
		return nil, errShort
	}
	return answer.Data[genericHeader:], nil
}

// extended returns the extended state of a link; known is false if the driver reports none, or the
// link is up.
func (e *ethtool) extended(index int) (x Extended, known bool, err error) {
	ae := netlink.NewAttributeEncoder()
	ae.Nested(unix.ETHTOOL_A_LINKSTATE_HEADER, func(header *netlink.AttributeEncoder) error {
		header.Uint32(unix.ETHTOOL_A_HEADER_DEV_INDEX, uint32(index))
		return nil
	})
	b, err := e.ask(unix.ETHTOOL_MSG_LINKSTATE_GET, ae)
	if err != nil {
		return Extended{}, false, fmt.Errorf("ETHTOOL_MSG_LINKSTATE_GET: %w", err)
	}
	return decodeExtended(b)
}

func decodeFamily(b []byte) (id netlink.HeaderType, err error) {
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return 0, err
	}
	for ad.Next() {
		if ad.Type() == unix.CTRL_ATTR_FAMILY_ID {
			id = netlink.HeaderType(ad.Uint16())
		}
	}
	if err := ad.Err(); err != nil {
		return 0, err
	}
	if id == 0 {
		return 0, errors.New("the kernel's answer contains no number of the family")
	}
	return id, nil
}

// decodeExtended reads the attributes of ETHTOOL_MSG_LINKSTATE_GET_REPLY.
func decodeExtended(b []byte) (x Extended, known bool, err error) {
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return Extended{}, false, err
	}
	for ad.Next() {
		switch ad.Type() {
		case unix.ETHTOOL_A_LINKSTATE_EXT_STATE:
			x.State, known = ad.Uint8(), true
		case unix.ETHTOOL_A_LINKSTATE_EXT_SUBSTATE:
			x.Substate = ad.Uint8()
		}
	}
	if err := ad.Err(); err != nil {
		return Extended{}, false, err
	}
	return x, known, nil
}
