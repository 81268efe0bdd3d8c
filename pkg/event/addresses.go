package event

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// AddressKind is the kind of an AddressMoved.
type AddressKind string

// The kinds, named as in the log.
const (
	AddressAdded    AddressKind = "address.added"
	AddressRemoved  AddressKind = "address.removed"
	AddressRestored AddressKind = "address.restored"
	AddressFailed   AddressKind = "address.failed"
	// AddressForeign: the address to be added already exists without our mark.
	AddressForeign AddressKind = "address.foreign"
	// AddressMarked: another program rewrote our address without our mark.
	AddressMarked AddressKind = "address.marked"
)

// AddressMoved reports that addresses of an instance were added or removed.
type AddressMoved struct {
	Stamp
	Kind      AddressKind
	Instance  string
	Addresses []netip.Prefix
	Took      time.Duration // from the order to the kernel's answer
	Count     int           // of AddressRestored and AddressMarked: how often since the last such event
	Err       string        // for AddressFailed: what failed, and what to do
}

func (e AddressMoved) Name() string { return string(e.Kind) }

// Level returns Warn for changes that others made to our addresses, Error for a failure.
func (e AddressMoved) Level() Level { return movedLevel(e.Name()) }

func (e AddressMoved) Message() string {
	list := strings.Join(prefixes(e.Addresses), ", ")
	switch e.Kind {
	case AddressAdded:
		return fmt.Sprintf("%s holds %s", e.Instance, list)
	case AddressRemoved:
		if e.Instance == "" {
			return fmt.Sprintf("removed %s, which an earlier run had left behind", list)
		}
		return fmt.Sprintf("%s removed %s", e.Instance, list)
	case AddressRestored:
		if e.Count > 1 {
			return fmt.Sprintf("%s restored %s, which another program removed %d times: find out which one, and configure it to leave the address alone", e.Instance, list, e.Count)
		}
		return fmt.Sprintf("%s restored %s, which another program had removed: if this happens again, configure that program to leave the address alone", e.Instance, list)
	case AddressMarked:
		return fmt.Sprintf("%s marked %s as ripcord's own again after another program had rewritten it: remove the address from that program's configuration", e.Instance, list)
	case AddressForeign:
		return fmt.Sprintf("%s uses %s, which ripcord did not add and will not remove: remove it from the machine's configuration if it must not stay when another router serves", e.Instance, list)
	}
	return failed(e.Instance, list, e.Err)
}

func (e AddressMoved) Fields() []Field {
	fields := movedFields(e.Instance, "addresses", prefixes(e.Addresses), e.Took, e.Err)
	if e.Count > 1 {
		fields = append(fields, Field{"count", e.Count})
	}
	return fields
}

func prefixes(ps []netip.Prefix) []string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.String()
	}
	return out
}

// AddressConflict reports that another station answers for an address of an instance that is
// Active, or that this machine answers for an address of an instance that is not.
type AddressConflict struct {
	Stamp
	Instance  string
	Address   netip.Addr
	MAC       [6]byte // the MAC of the other answer
	Interface string  // the link of the other answer
	Text      string  // what is wrong, and what to do
}

func (AddressConflict) Name() string { return "address.conflict" }

// Level returns Error: some hosts reach one station, some the other.
func (AddressConflict) Level() Level { return Error }

func (e AddressConflict) Message() string { return e.Instance + ": " + e.Text }

func (e AddressConflict) Fields() []Field {
	return []Field{
		{"instance", e.Instance}, {"address", e.Address.String()}, {"mac", DeviceMoved{MAC: e.MAC}.Address()}, {"interface", e.Interface},
	}
}
