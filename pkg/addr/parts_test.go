package addr

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
)

// stepping is a kernel that adds a part when the test lets it, and answers with errors.
type stepping struct {
	*fakeKernel
	next    chan struct{}
	answers map[int]error // for the n-th part: the addresses that no BatchError names are added
	parts   int
}

func (s *stepping) AddBatch(ops []Op) error {
	if s.next != nil {
		<-s.next
	}
	err := s.answers[s.parts]
	s.parts++
	var answers BatchError
	if errors.As(err, &answers) {
		kept := make(map[event.AddressKey]bool)
		for _, a := range answers {
			kept[a.AddressKey] = true
		}
		var others []Op
		for _, op := range ops {
			if !kept[op.key()] {
				others = append(others, op)
			}
		}
		ops = others
	} else if err != nil {
		return err
	}
	return errors.Join(s.fakeKernel.AddBatch(ops), err)
}

// onStepping runs a test on a worker of one instance with 250 addresses.
func onStepping(t *testing.T, k *stepping, test func(t *testing.T, r *rig)) {
	synctest.Test(t, func(t *testing.T) {
		if k.next != nil {
			k.next = make(chan struct{})
		}
		r := newRig(t, many(250, Announce{Count: 1}))
		r.kernel.facts = new(bus.Topic[event.Address]) // facts would wake the worker
		k.fakeKernel = r.kernel
		r.cfg.Kernel = k
		test(t, r)
	})
}

// TestAnnouncesEachPart requires that added addresses are announced before the next are added, and
// none before it is added.
func TestAnnouncesEachPart(t *testing.T) {
	k := &stepping{next: make(chan struct{})}
	onStepping(t, k, func(t *testing.T, r *rig) {
		r.do(Hold, "a")
		frames := func() int {
			synctest.Wait()
			return len(r.packets.take())
		}
		expect(t, "frames before any stands", frames(), 0)
		for _, want := range []int{64, 64, 64} {
			k.next <- struct{}{}
			expect(t, "frames of a part", frames(), want)
		}
		r.do(Release, "a") // waits until all have been added
		expect(t, "events", r.names(), "")
		k.next <- struct{}{}
		synctest.Wait()
		expect(t, "events", r.names(), "added removed")
		expect(t, "frames of the last part", frames(), 58)
		expect(t, "left standing", len(r.kernel.standing), 0)
	})
}

// TestAnnouncesAheadOnce requires that each address is announced as often as configured, whether
// or not it was announced ahead.
func TestAnnouncesAheadOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		announce     Announce
		ahead, total int
	}{
		"in rounds":           {Announce{Count: 3}, 250, 750},
		"once":                {Announce{Count: 1}, 250, 250},
		"never":               {Announce{}, 0, 0},
		"with a pause":        {Announce{Count: 2, Spacing: time.Millisecond}, 0, 500},
		"in two sets":         {Announce{Count: 2, AgainAfter: 3 * time.Second}, 250, 1000},
		"refreshed, each 2 s": {Announce{Count: 1, Refresh: 2 * time.Second}, 250, 750},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, many(250, tt.announce))
				ahead := 0
				r.kernel.with(func() { r.packets.hook = func() { ahead += map[bool]int{r.placedNothing(): 1}[true] } })
				r.do(Hold, "a")
				expect(t, "frames before it was reported that all stand", ahead, tt.ahead)
				r.pass(5 * time.Second)
				expect(t, "frames", len(r.packets.take()), tt.total)
			})
		})
	}
}

// placedNothing reports whether the worker has not settled yet what it adds.
func (r *rig) placedNothing() bool { return r.ledger.held["a"].entries[0].at == absent }

// TestPartsReportRefusals requires that a refused address is reported, is not announced, and
// delays no other address.
func TestPartsReportRefusals(t *testing.T) {
	refused := func(n int) AddressError {
		key := event.AddressKey{Index: eth0, Prefix: many(250, Announce{})[0].Addresses[n].Prefix}
		return AddressError{AddressKey: key, Err: fmt.Errorf("no room for %d", n)}
	}
	k := &stepping{answers: map[int]error{0: BatchError{refused(3)}, 2: BatchError{refused(130), refused(131)}}}
	onStepping(t, k, func(t *testing.T, r *rig) {
		r.do(Hold, "a")
		expect(t, "batches", r.kernel.batches, "[+63 +64 +62 +58]")
		expect(t, "frames", len(r.packets.take()), 250-3)
		events, _ := r.events.Take()
		var failed []string
		for _, e := range events {
			if moved, ok := e.(event.AddressMoved); ok && moved.Kind == event.AddressFailed {
				failed = append(failed, moved.Err)
			}
		}
		expect(t, "what failed", failed, "[not added, tried again every 250ms: no room for 3"+
			" not added, tried again every 250ms: no room for 130 not added, tried again every 250ms: no room for 131]")
		r.pass(retryEvery)
		expect(t, "batches once they are tried again", r.kernel.batches, "[+63 +64 +62 +58 +3]")
		expect(t, "left to announce", r.announcer.waiting.Len(), 0)
	})
}

// TestPartsEndWithAKernelThatDoesNotAnswer requires that such a kernel is not asked for the other
// parts: each would wait as long.
func TestPartsEndWithAKernelThatDoesNotAnswer(t *testing.T) {
	k := &stepping{answers: map[int]error{1: errors.New("no answer")}}
	onStepping(t, k, func(t *testing.T, r *rig) {
		r.do(Hold, "a")
		expect(t, "parts", k.parts, 2)
		expect(t, "events", r.names(), "failed added")
		expect(t, "frames", len(r.packets.take()), 64)
		r.pass(retryEvery)
		expect(t, "standing", len(r.kernel.standing), 250)
		expect(t, "events", r.names(), "added")
	})
}
