package validate

import (
	"testing"
	"time"

	"ripcord/pkg/advert"
	"ripcord/pkg/advert/adverttest"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wire"
)

// TestSignedAdvertsAreAccepted plays the plan of one router to the acceptor of another whose
// clock differs.
func TestSignedAdvertsAreAccepted(t *testing.T) {
	for _, skew := range []time.Duration{0, 5 * sec, -5 * sec, 6 * sec, -3600 * sec} {
		p, b := advert.NewPlan(nil), newBench(authentic(virtual4(), vrrp.Enforce))
		var believed, held int
		for at := range 10 * time.Duration(1) {
			var orders []advert.Given
			if at == 0 {
				orders = []advert.Given{{At: t0, Order: signing()}}
			}
			for _, m := range p.Turn(t0.Add(at*sec), t0.Add(at*sec), orders).Batch {
				packet := from4(peer4, m.Payload, at*sec+skew)
				if v := b.Accept(&packet, t0.Add(at*sec+skew)); v.Valid && !v.Heard.Stale {
					believed++
				} else if v.Valid {
					held++
				}
			}
		}
		if apart := skew.Abs() > 5*sec; believed+held != 10 || apart != (held == 10) {
			t.Errorf("clocks differ by %v: of 10 adverts %d were accepted, %d only heard", skew, believed, held)
		}
	}
}

// signing returns an order to advertise virtual4 from peer4, signed.
func signing() advert.Order {
	frames := adverttest.Frames(7, peer4)
	frames.Key, frames.Window = wire.NewKey(1, secret(1)), 5*sec
	for i := range frames.Copies {
		c := &frames.Copies[i]
		c.Advert, c.Resign = append(c.Advert, make([]byte, wire.TrailerLen)...), append(c.Resign, make([]byte, wire.TrailerLen)...)
	}
	return advert.Order{Kind: advert.Start, Instance: "a", Interval: sec, Miss: 3, Advert: frames}
}
