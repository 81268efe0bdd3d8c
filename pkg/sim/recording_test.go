package sim

import (
	"testing"
	"time"

	"ripcord/pkg/vrrp"
)

// recorder hears all frames of a LAN, and can send them again.
type recorder struct {
	w    *World
	tape []taped
}

type taped struct {
	at      time.Time
	segment *Segment
	frame   *frame
}

func tape(w *World) *recorder {
	rec := &recorder{w: w}
	for _, s := range w.Segments {
		s.tap = func(f *frame) { rec.tape = append(rec.tape, taped{w.now, s, f}) }
	}
	return rec
}

// cut ends the recording.
func (rec *recorder) cut() {
	for _, s := range rec.w.Segments {
		s.tap = nil
	}
}

// play sends the tape from its start, as fast as it was recorded, or so much
// slower.
func (rec *recorder) play(slower time.Duration) {
	for _, f := range rec.tape {
		rec.w.After(slower*f.at.Sub(rec.tape[0].at), func() { f.segment.forge(f.frame) })
	}
}

// shuffle sends frames of the tape by chance, one each period, for so long.
func (rec *recorder) shuffle(period, long time.Duration) {
	for at := time.Duration(0); at < long; at += period {
		rec.w.After(at, func() {
			f := rec.tape[rec.w.rng.IntN(len(rec.tape))]
			f.segment.forge(f.frame)
		})
	}
}

// recorded is a LAN of which a minute was recorded, some time ago, in which r1 was
// Active, resigned, and came back.
func recorded(seed uint64, s setup, ago time.Duration) (*World, *Check, *recorder) {
	w := lan(seed, s)
	check := NewCheck(w)
	play(w, 20*time.Second)
	rec := tape(w)
	play(w, 30*time.Second)
	restart(w.Routers[0], *s.hmac)
	play(w, 10*time.Second)
	rec.cut()
	play(w, ago)
	return w, check, rec
}

// TestRecordingOfWhatWasHeard checks that whatever was heard here and is sent again, in any
// order and however soon: nobody moves, and a Backup takes over from a dead Active in time. That
// needs no clock.
func TestRecordingOfWhatWasHeard(t *testing.T) {
	timeless := signing
	timeless.hmac = &vrrp.HMAC{Keys: secured.Keys, Active: 1}
	for seed := range uint64(10) {
		for _, ago := range []time.Duration{0, time.Second, time.Minute} {
			s := signing
			if seed%2 == 0 {
				s = timeless
			}
			w, check, rec := recorded(seed, s, ago)
			counts := countEvents(w, check)
			rec.shuffle(20*time.Millisecond, time.Minute)
			rec.play(1)
			play(w, 30*time.Second)
			if n := counts["r1 backup"] + counts["r2 active"]; n > 0 || counts["r2 auth-stale"]+counts["r2 auth-replay"] == 0 {
				t.Errorf("seed %d, %v: somebody moved, or nothing was played: %v", seed, ago, counts)
			}
			w.Routers[0].Crash()
			play(w, vrrp.ActiveDownInterval(100, time.Second, 3)+fresh)
			if !w.Routers[1].active() {
				t.Errorf("seed %d, %v: r2 is not Active in time; logged %v", seed, ago, counts)
			}
			// r2 is the Active now, of which there is a recording too.
			play(w, 10*time.Second)
			if !w.Routers[1].active() {
				t.Errorf("seed %d, %v: r2 is no longer Active; logged %v", seed, ago, counts)
			}
			for _, v := range check.Violations {
				t.Errorf("seed %d, %v: %s", seed, ago, v)
			}
		}
	}
}

// TestRecordingWithinTheWindow checks that so it is with what was heard so lately that its time
// is right: a priority 0 of r1 is among it, and that r1 was there a moment ago.
func TestRecordingWithinTheWindow(t *testing.T) {
	s := signing
	s.hmac = &vrrp.HMAC{Keys: secured.Keys, Active: 1, Window: 300 * time.Second}
	for seed := range uint64(10) {
		w, check, rec := recorded(seed, s, 0)
		counts := countEvents(w, check)
		rec.shuffle(5*time.Millisecond, time.Minute)
		play(w, 20*time.Second)
		if n := counts["r1 backup"] + counts["r2 active"]; n > 0 || counts["r2 auth-replay"] == 0 {
			t.Errorf("seed %d: somebody moved, or nothing was played: %v", seed, counts)
		}
		w.Routers[0].Crash()
		play(w, vrrp.ActiveDownInterval(100, time.Second, 3)+fresh)
		if !w.Routers[1].active() {
			t.Errorf("seed %d: r2 is not Active in time; logged %v", seed, counts)
		}
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
}

// TestRecordingAfterRestart checks that a restart forgets what was heard. Then a recording may
// hold a Backup, but no longer than it is, and the window; and one that is older than the window
// moves nobody who serves, nor makes anybody take over.
func TestRecordingAfterRestart(t *testing.T) {
	const length = time.Minute
	for seed := range uint64(10) {
		// The Active lives, and the Backup was restarted: its priority 0 is old.
		w, check, rec := recorded(seed, signing, 10*time.Second)
		first, second := w.Routers[0], w.Routers[1]
		second.Crash()
		second.Start()
		counts := countEvents(w, check)
		rec.shuffle(20*time.Millisecond, length)
		rec.play(1)
		play(w, 2*length)
		if counts["r2 active"]+counts["r1 backup"] > 0 || counts["r2 auth-stale"] == 0 {
			t.Errorf("seed %d: somebody moved, or nothing was played: %v", seed, counts)
		}
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}

		// It dies, and the Backup is restarted.
		w.OnTurn = nil // nobody serves for longer than else
		first.Crash()
		second.Crash()
		second.Start()
		if rec.play(1 + time.Duration(seed%3)); seed%2 == 0 {
			rec.shuffle(20*time.Millisecond, 5*length)
		}
		play(w, length+5*time.Second+vrrp.ActiveDownInterval(100, time.Second, 3)+time.Second)
		if !second.active() {
			t.Errorf("seed %d: r2 is held for longer than the recording is; logged %v", seed, counts)
		}
		counts = countEvents(w, check)
		rec.play(1)
		play(w, 2*length)
		if counts["r2 backup"] > 0 {
			t.Errorf("seed %d: a recording makes r2 yield: %v", seed, counts)
		}
	}
}

// TestFreshRecordingAfterRestart checks that what was recorded within the window and is sent to
// a router that was just restarted is believed, once: it may keep it waiting for the window and
// an Active_Down_Interval.
func TestFreshRecordingAfterRestart(t *testing.T) {
	for seed := range uint64(10) {
		w, _, rec := recorded(seed, signing, 0)
		w.Routers[0].Crash()
		w.Routers[1].Crash()
		w.Routers[1].Start()
		counts := countEvents(w, nil)
		rec.shuffle(5*time.Millisecond, time.Minute)
		play(w, 5*time.Second+vrrp.ActiveDownInterval(100, time.Second, 3)+fresh)
		if !w.Routers[1].active() {
			t.Errorf("seed %d: r2 is not Active; logged %v", seed, counts)
		}
	}
}
