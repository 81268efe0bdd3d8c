// Command team does in a guest of test/vm what else needs libteam's daemon: it
// sets one of a team device's options, by generic netlink.
//
//	team DEVICE mode NAME
//	team DEVICE activeport INTERFACE
package main

import (
	"fmt"
	"net"
	"os"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Of the kernel's uapi/linux/if_team.h; the types of an option's value are those
// of its net/netlink.h.
const (
	commandSet = 1

	attrTeam    = 1 // u32: the device's index
	attrOptions = 2 // of these:
	attrOption  = 1 // of these:
	optionName  = 1
	optionType  = 3
	optionData  = 4

	typeNumber = 3
	typeString = 5
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: team DEVICE OPTION VALUE")
		os.Exit(2)
	}
	if err := set(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "team:", err)
		os.Exit(1)
	}
}

func set(device, option, value string) error {
	team, err := net.InterfaceByName(device)
	if err != nil {
		return fmt.Errorf("%s: %w", device, err)
	}
	attributes := netlink.NewAttributeEncoder()
	attributes.Uint32(attrTeam, uint32(team.Index))
	port, missing := net.InterfaceByName(value)
	attributes.Nested(attrOptions, func(list *netlink.AttributeEncoder) error {
		list.Nested(attrOption, func(one *netlink.AttributeEncoder) error {
			one.String(optionName, option)
			if option == "activeport" {
				one.Uint8(optionType, typeNumber)
				if missing == nil {
					one.Uint32(optionData, uint32(port.Index))
				}
				return missing
			}
			one.Uint8(optionType, typeString)
			one.String(optionData, value)
			return nil
		})
		return nil
	})
	conn, err := netlink.Dial(unix.NETLINK_GENERIC, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	family, err := family(conn, "team")
	if err != nil {
		return fmt.Errorf("generic netlink has no family team: %w", err)
	}
	if _, err := command(conn, family, commandSet, attributes); err != nil {
		return fmt.Errorf("%s: %s=%s: %w", device, option, value, err)
	}
	return nil
}

// family is the number that the kernel has given to a family of generic netlink.
func family(conn *netlink.Conn, name string) (uint16, error) {
	attributes := netlink.NewAttributeEncoder()
	attributes.String(unix.CTRL_ATTR_FAMILY_NAME, name)
	answers, err := command(conn, unix.GENL_ID_CTRL, unix.CTRL_CMD_GETFAMILY, attributes)
	if err != nil {
		return 0, err
	}
	for _, m := range answers {
		if len(m.Data) < unix.GENL_HDRLEN {
			continue
		}
		decoder, err := netlink.NewAttributeDecoder(m.Data[unix.GENL_HDRLEN:])
		if err != nil {
			return 0, err
		}
		for decoder.Next() {
			if decoder.Type() == unix.CTRL_ATTR_FAMILY_ID {
				return decoder.Uint16(), nil
			}
		}
	}
	return 0, fmt.Errorf("%s has no number", name)
}

// command carries out one of a family's commands, version 1.
func command(conn *netlink.Conn, family uint16, number byte, attributes *netlink.AttributeEncoder) ([]netlink.Message, error) {
	data, err := attributes.Encode()
	if err != nil {
		return nil, err
	}
	return conn.Execute(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(family), Flags: netlink.Request | netlink.Acknowledge},
		Data:   append([]byte{number, 1, 0, 0}, data...),
	})
}
