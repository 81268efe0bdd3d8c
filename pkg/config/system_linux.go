package config

import (
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
)

// Occupied reports whether a link of that name exists that is not a private macvlan. If the kernel
// does not answer, it returns false: the daemon finds out when it makes the macvlan.
func (system) Occupied(link string) bool {
	conn, err := rtnl.Dial(rtnl.Config{Protocol: unix.NETLINK_ROUTE})
	if err != nil {
		return false
	}
	defer conn.Close()
	const private = 1 // MACVLAN_MODE_PRIVATE
	l, err := conn.LinkByName(link)
	return err == nil && (l.Kind != "macvlan" || l.Mode != private)
}
