package advert

import (
	"errors"
	"testing"
	"time"

	"ripcord/pkg/event"
)

// pairwise returns an order for an instance with two peers.
func pairwise(name string) Order {
	o := start(name, sec)
	o.Advert.Copies = []Copy{
		{To: peer4, Advert: []byte(name + "1"), Resign: []byte("resign " + name + "1")},
		{To: own4, Advert: []byte(name + "2"), Resign: []byte("resign " + name + "2")},
	}
	return o
}

func TestPlanSendsEachPeerItsCopy(t *testing.T) {
	s := newScript(t)
	s.want(s.at(0, pairwise("a"), start("b", sec)), "first:a1, first:a2, first:b")
	s.want(s.at(sec), "repeat:a1, repeat:a2, repeat:b")
	s.want(s.at(1500*ms, order(Now, "a")), "repeat:a1, repeat:a2")
	s.want(s.at(1600*ms, order(Now, "a"), order(Mute, "a")), "")
	s.want(s.at(1700*ms, pairwise("a")), "first:a1, first:a2")
	s.want(s.at(1800*ms, order(Resign, "a")), "resign:resign a1, resign:resign a2")
}

// TestSettleCopies checks that each peer is counted separately, and that the first advert counts
// as sent when one peer has it.
func TestSettleCopies(t *testing.T) {
	plan := NewPlan(nil)
	for i, step := range []struct {
		fail     [2]bool
		occasion Occasion
		before   [2]int
		now      [2]int
	}{
		{[2]bool{true, true}, First, [2]int{0, 0}, [2]int{1, 1}},
		{[2]bool{true, true}, First, [2]int{1, 1}, [2]int{2, 2}},
		{[2]bool{true, false}, First, [2]int{2, 2}, [2]int{3, 0}},
		{[2]bool{true, false}, Repeat, [2]int{3, 0}, [2]int{4, 0}},
		{[2]bool{false, true}, Repeat, [2]int{4, 0}, [2]int{0, 1}},
		{[2]bool{false, false}, Repeat, [2]int{0, 1}, [2]int{0, 0}},
	} {
		at := t0.Add(time.Duration(i) * sec)
		var orders []Given
		if i == 0 {
			orders = []Given{{Order: pairwise("a"), At: t0}}
		}
		batch := plan.Turn(at, at, orders).Batch
		if len(batch) != 2 {
			t.Fatalf("step %d: %d messages", i, len(batch))
		}
		for c := range batch {
			if step.fail[c] {
				batch[c].Err = errors.New("refused")
			}
		}
		for c, got := range outcomes(plan) {
			want := Outcome{Before: step.before[c], Now: step.now[c], Miss: 3, Last: c == 1, Taken: !step.fail[0] || c == 1 && !step.fail[1], Whole: c == 1 && step.fail == [2]bool{}}
			if got != want || batch[c].Occasion != step.occasion {
				t.Errorf("step %d, copy %d: %v %+v, want %v %+v", i, c, batch[c].Occasion, got, step.occasion, want)
			}
		}
	}
}

// TestPlanProbes checks that a probe is one advert and starts no series. It counts like any other
// for the peers, and is no first advert. An instance that is advertised needs none.
func TestPlanProbes(t *testing.T) {
	s := newScript(t)
	probe := pairwise("a")
	probe.Kind = Probe
	turn := s.plan.Turn(t0, t0, []Given{{Order: probe, At: t0}})
	turn.Batch[1].Err = errors.New("refused")
	outcomes(s.plan)
	got := s.plan.Probed(&turn.Batch[1], event.Cause{})
	if len(turn.Batch) != 2 || turn.Batch[0].Occasion != Trial || len(got.Refused) != 1 || got.Refused[0] != own4 {
		t.Errorf("%d messages, %v: %+v", len(turn.Batch), turn.Batch[0].Occasion, got)
	}
	s.wantNext(0, -1)
	s.want(s.at(sec, order(Resign, "a")), "")
	s.want(s.at(2*sec, pairwise("a")), "first:a1, first:a2")
	s.want(s.at(2500*ms, probe), "")
	s.want(s.at(3*sec), "repeat:a1, repeat:a2")
}
