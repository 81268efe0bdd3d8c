package wire

import "crypto/subtle"

// The types of authentication that a VRRPv2 advert can bear: RFC 3768 §5.3.6
// has none left; the simple password of RFC 2338 §5.3.6 lives on in the field.
const (
	AuthNone     = 0
	AuthPassword = 1
)

// authLen is the length of the Authentication Data at the end of every VRRPv2
// message (RFC 3768 §5.3.10).
const authLen = 8

// Auth is the authentication of a VRRPv2 advert. The zero value is none. A
// password stands in clear text on the wire: it guards against accidents only.
type Auth struct {
	Type uint8
	Data [authLen]byte // zero where there is none
}

// Password returns the authentication by a password: its first 8 characters, zeros
// behind a shorter one (RFC 2338 §5.3.10).
func Password(word string) Auth {
	a := Auth{Type: AuthPassword}
	copy(a.Data[:], word)
	return a
}

// Admits returns the reason why a router that has the authentication a discards an advert
// that bears other, or nil. The error is a Reason. Passwords are compared in
// constant time, for what that is worth.
func (a Auth) Admits(other Auth) error {
	switch {
	case a.Type != other.Type:
		return AuthTypeMismatch
	case subtle.ConstantTimeCompare(a.Data[:], other.Data[:]) == 0:
		return AuthFailure
	}
	return nil
}
