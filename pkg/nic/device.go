package nic

// Device identifies a NIC, or another device of the same network namespace.
type Device struct {
	Index int
	Name  string
	ID    uint64 // differs from that of every other device, also of a later one with the same index
}

// Capabilities are the questions about a device that have an answer.
type Capabilities struct {
	// Carrier is the carrier that was reported; Known is false if there was no answer.
	Carrier, Known bool
	GLINK          bool   // the driver has ETHTOOL_GLINK
	NoMII          string // why no transceiver can be asked; empty if one can
	NoPermission   bool   // the reason in NoMII is that CAP_NET_ADMIN is missing
	// AlwaysUp is the reason why the driver reports a carrier at all times: it cannot detect the
	// loss of one. It is empty if no such reason is known.
	AlwaysUp string
}
