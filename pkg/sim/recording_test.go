package sim

import (
	"testing"
	"time"

	"ripcord/pkg/vrrp"
)

// recorder records all frames of a LAN, and can send them again.
type recorder struct {
	w    *World
	tape []taped
}

type taped struct {
	at      time.Time
	segment *Segment
	frame   *frame
}

// tape returns a recorder of a LAN.
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

// play sends the recording from its start, at the recorded pace or slowed down by a factor.
func (rec *recorder) play(slower time.Duration) {
	for _, f := range rec.tape {
		rec.w.After(slower*f.at.Sub(rec.tape[0].at), func() { f.segment.forge(f.frame) })
	}
}

// shuffle sends random frames of the recording, one each period, for a while.
func (rec *recorder) shuffle(period, long time.Duration) {
	for at := time.Duration(0); at < long; at += period {
		rec.w.After(at, func() {
			f := rec.tape[rec.w.rng.IntN(len(rec.tape))]
			f.segment.forge(f.frame)
		})
	}
}

// recorded returns a LAN with a recording of one minute, made some time ago. In that minute r1
// was Active, resigned, and came back.
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

// TestRecordingOfWhatWasHeard checks that adverts a router has heard before have no effect when
// they are sent again, in any order and however soon: no group moves, and a Backup takes over
// from a dead Active in time. This does not depend on clocks.
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
				t.Errorf("seed %d, %v: a group moved, or no frame was sent again: logged %v", seed, ago, counts)
			}
			w.Routers[0].Crash()
			play(w, vrrp.ActiveDownInterval(100, time.Second, 3)+fresh)
			if !w.Routers[1].active() {
				t.Errorf("seed %d, %v: r2 is not Active in time; logged %v", seed, ago, counts)
			}
			// r2 is Active now. There is a recording of r2 as Active, too.
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

// TestRecordingWithinTheWindow checks the same for adverts that were heard so recently that their
// time is still valid, among them a priority 0 of r1 and adverts that show r1 as alive.
func TestRecordingWithinTheWindow(t *testing.T) {
	s := signing
	s.hmac = &vrrp.HMAC{Keys: secured.Keys, Active: 1, Window: 300 * time.Second}
	for seed := range uint64(10) {
		w, check, rec := recorded(seed, s, 0)
		counts := countEvents(w, check)
		rec.shuffle(5*time.Millisecond, time.Minute)
		play(w, 20*time.Second)
		if n := counts["r1 backup"] + counts["r2 active"]; n > 0 || counts["r2 auth-replay"] == 0 {
			t.Errorf("seed %d: a group moved, or no frame was sent again: logged %v", seed, counts)
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

// TestRecordingAfterRestart checks recordings after a restart, which makes a router forget what
// it has heard. A recording may then keep a router Backup, but only for its own length and the
// window. A recording older than the window makes no Active yield and no Backup take over.
func TestRecordingAfterRestart(t *testing.T) {
	const length = time.Minute
	for seed := range uint64(10) {
		// The Active is alive and the Backup was restarted. The recorded priority 0 of the Active is old.
		w, check, rec := recorded(seed, signing, 10*time.Second)
		first, second := w.Routers[0], w.Routers[1]
		second.Crash()
		second.Start()
		counts := countEvents(w, check)
		rec.shuffle(20*time.Millisecond, length)
		rec.play(1)
		play(w, 2*length)
		if counts["r2 active"]+counts["r1 backup"] > 0 || counts["r2 auth-stale"] == 0 {
			t.Errorf("seed %d: a group moved, or no frame was sent again: logged %v", seed, counts)
		}
		for _, v := range check.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}

		// The Active dies and the Backup is restarted.
		w.OnTurn = nil // the recording lengthens the outage beyond the limit of the Check
		first.Crash()
		second.Crash()
		second.Start()
		if rec.play(1 + time.Duration(seed%3)); seed%2 == 0 {
			rec.shuffle(20*time.Millisecond, 5*length)
		}
		play(w, length+5*time.Second+vrrp.ActiveDownInterval(100, time.Second, 3)+time.Second)
		if !second.active() {
			t.Errorf("seed %d: r2 stays Backup for longer than the recording lasts; logged %v", seed, counts)
		}
		counts = countEvents(w, check)
		rec.play(1)
		play(w, 2*length)
		if counts["r2 backup"] > 0 {
			t.Errorf("seed %d: a recording made r2 yield: logged %v", seed, counts)
		}
	}
}

// TestFreshRecordingAfterRestart checks that a recording within the window is accepted once by a
// router that was just restarted: it may delay that router by the window and an
// Active_Down_Interval.
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
