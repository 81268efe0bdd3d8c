package validate

import (
	"net/netip"
	"time"

	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// authenticator verifies the trailers of one virtual router's adverts. Only authentic
// adverts move its marks.
type authenticator struct {
	mode   vrrp.AuthMode
	keys   map[uint8]*wire.Key
	replay replay
}

// newAuthenticator returns the authenticator of an instance; nil where nothing is authenticated.
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

// finding is the result of an authenticator's checks of an advert.
type finding struct {
	skew      time.Duration // its time, less ours; 0 where that is not looked at
	authentic bool
	alive     bool // it is stale, and yet proves that its sender is on the air
}

// judge returns the reason why a message from source, received at the instant at, when our
// wall clock was clock, is not believed, or nil. The order is keepalived's: malformed, stale,
// unknown key, bad HMAC, replay. But the HMAC of a stale advert is checked too. Keepalived
// omits that, which saves nothing in a flood, whose sender can write the time of day; and two
// routers whose clocks are apart, of which each takes the other for silent, are two Actives.
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
