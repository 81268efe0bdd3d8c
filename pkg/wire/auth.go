package wire

import "crypto/subtle"

// These are the types of authentication of a VRRPv2 advert: RFC 3768 §5.3.6 has none left; the
// simple password of RFC 2338 §5.3.6 is still in use.
const (
	AuthNone     = 0
	AuthPassword = 1
)

// authLen is the length of the Authentication Data at the end of every VRRPv2
// message (RFC 3768 §5.3.10).
const authLen = 8

// Auth is the authentication of a VRRPv2 advert. The zero value means none. A password is sent in
// clear text: it only protects against accidents.
type Auth struct {
	Type uint8
	Data [authLen]byte // zero if there is none
}

// Password returns the authentication by a password: its first 8 characters, padded with zeros
// (RFC 2338 §5.3.10).
func Password(word string) Auth {
	a := Auth{Type: AuthPassword}
	copy(a.Data[:], word)
	return a
}

// Admits returns why a router with the authentication a discards an advert with other, or nil.
// The error is a Reason. Passwords are compared in constant time, although they are sent in clear
// text.
func (a Auth) Admits(other Auth) error {
	switch {
	case a.Type != other.Type:
		return AuthTypeMismatch
	case subtle.ConstantTimeCompare(a.Data[:], other.Data[:]) == 0:
		return AuthFailure
	}
	return nil
}
