package vrrp

import (
	"time"

	"ripcord/pkg/wire"
)

// HMAC is the authentication of adverts by a trailer (wire.Key). All routers of a
// LAN come to it in three sweeps, none of which they notice: ReceiveOnly,
// Permissive, Enforce.
type HMAC struct {
	Keys   map[uint8]wire.Secret // by their ids
	Active uint8                 // the id of the key that signs
	Mode   AuthMode
	// Window is how far the time in an advert may be from ours. 0: the time is not
	// looked at, only whether the advert is later than the last.
	Window time.Duration
}

// AuthMode says what is signed, and what has to be.
type AuthMode uint8

// The modes.
const (
	Enforce     AuthMode = iota // adverts that are not signed are discarded
	Permissive                  // they are believed
	ReceiveOnly                 // they are believed, and ours are not signed
)

// Signs tells whether our adverts are signed. There may be no authentication.
func (h *HMAC) Signs() bool { return h != nil && h.Mode != ReceiveOnly }

// Key makes the key that signs.
func (h *HMAC) Key() *wire.Key { return wire.NewKey(h.Active, h.Keys[h.Active]) }
