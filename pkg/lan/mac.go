package lan

import "fmt"

// MAC is an Ethernet address.
type MAC [6]byte

// String returns the usual form, "02:00:00:00:01:01".
func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// nearMAC returns the MAC of the host's end of a cable: locally administered, and ascending with
// the numbers of the host and of its cable.
func nearMAC(host, cable int) MAC { return MAC{0x02, 0, 0, 0, byte(host), byte(cable)} }

// farMAC returns the MAC of a device of the switch.
func farMAC(index int) MAC { return MAC{0x0a, 0, 0, 0, byte(index >> 8), byte(index)} }
