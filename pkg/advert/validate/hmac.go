package validate

import (
	"net/netip"
	"time"

	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// authenticator verifies the trailers of one virtual router's adverts. Only authentic
// adverts change its marks.
type authenticator struct {
	mode   vrrp.AuthMode
	keys   map[uint8]*wire.Key
	replay replay
}

// newAuthenticator returns the authenticator of an instance; nil if its adverts are not authenticated.
func newAuthenticator(in *vrrp.Instance, wall wire.Wall) *authenticator {
	if in.HMAC == nil {
		return nil
	}
	v := &authenticator{
		mode: in.HMAC.Mode, keys: make(map[uint8]*wire.Key),
		replay: newReplay(in.HMAC.Window, len(in.Unicast.Peers), wall),
	}
	for id, secret := range in.HMAC.Keys {
		v.keys[id] = wire.NewKey(id, secret)
	}
	return v
}

// finding is the result of checking the authentication of an advert.
type finding struct {
	skew      time.Duration // the time in the advert minus ours; 0 if the time is not compared
	authentic bool
	alive     bool // it is stale, but proves that its sender is present
}

// judge returns why a message from source, received at the instant at, when our wall clock was
// clock, is rejected, or nil. The order of the checks is keepalived's: malformed, stale, unknown
// key, bad HMAC, replay. But the HMAC of a stale advert is checked as well. keepalived omits
// that, which saves nothing in a flood, because its sender can write the time of day; and two
// routers whose clocks differ, each of which counts the other as silent, would both be Active.
func (v *authenticator) judge(message []byte, signed bool, source netip.Addr, at time.Time, clock wire.Sequence) (f finding, err error) {
	if !signed {
		if v.mode == vrrp.Enforce {
			return f, wire.AuthMissing
		}
		return f, nil
	}
	t, err := wire.ReadTrailer(message)
	if err != nil {
		return f, err
	}
	window := v.replay.window
	if window > 0 {
		f.skew = t.Sequence.Sub(clock)
	}
	key := v.keys[t.KeyID]
	f.authentic = key != nil && key.Verifies(message, source)
	switch {
	case f.skew.Abs() > window:
		f.alive = f.authentic && v.replay.alive(source, t.Sequence, at)
		return f, wire.AuthStale
	case key == nil:
		return f, wire.AuthUnknownKey
	case !f.authentic:
		return f, wire.AuthInvalidHMAC
	case !v.replay.admits(source, t.Sequence, at, clock):
		return f, wire.AuthReplay
	}
	return f, nil
}
