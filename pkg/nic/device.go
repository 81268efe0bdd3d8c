package nic

// Device identifies a NIC, or another device of the same network namespace.
type Device struct {
	Index int
	Name  string
	ID    uint64 // differs from that of every other device, also of a later one with the same index
}

// Capabilities is what can be asked about a device at all.
type Capabilities struct {
	// Carrier is the answer to the question for the carrier; Known is false where
	// there was none.
	Carrier, Known bool
	GLINK          bool   // the driver has ETHTOOL_GLINK
	NoMII          string // why there is no transceiver to ask; empty if there is one
	NoPermission   bool   // NoMII is for want of CAP_NET_ADMIN
	// AlwaysUp is the reason why the driver always reports a carrier, since it cannot detect
	// one; empty if no such reason is known.
	AlwaysUp string
}
