package bus

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// The tests of this file are named after the clauses in doc.go.

// TestClause1PublishNeverBlocks checks clause 1: without any reader, with all backlogs full and
// the bell already rung, Publish returns. In the bubble a wait would be a deadlock.
func TestClause1PublishNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bell := NewBell()
		topic := NewRetained[string, span]()
		topic.Subscribe(bell)
		SubscribeMerged(&topic.Topic, bell)
		SubscribeRecent(&topic.Topic, bell, 1, 2)
		SubscribeRing(&topic.Topic, nil, 2) // nobody to wake
		for n := range 1000 {
			topic.Publish(nth("a", n+1))
		}
		if !rang(bell) || rang(bell) {
			t.Error("the bell did not ring once")
		}
	})
}

// TestClause1RingsWhenAllIsThere checks clause 1: the reader is woken only when all values that
// were published together are in its backlog. Otherwise it would run, on another processor, at
// the same time as the publisher.
func TestClause1RingsWhenAllIsThere(t *testing.T) {
	topic, bell := NewRetained[string, span](), NewBell()
	var log recorder
	topic.add(&log)
	topic.Publish(nth("a", 1), nth("b", 1), nth("c", 1))
	if want := (recorder{"absorbed", "absorbed", "absorbed", "rung"}); !slices.Equal(log, want) {
		t.Errorf("a subscription: %v, want %v", log, want)
	}
	sub := topic.Subscribe(bell)
	if !rang(bell) || len(sub.Take()) != 3 {
		t.Error("the bell did not ring for a snapshot of three values")
	}
	topic.Publish()
	if rang(bell) {
		t.Error("the bell rang although nothing was published")
	}
}

// recorder is a backlog that records the calls of its methods.
type recorder []string

func (w *recorder) absorb(span) { *w = append(*w, "absorbed") }
func (w *recorder) ring()       { *w = append(*w, "rung") }

// TestClause2OneOrderForAll checks clause 2: values of concurrent publishers arrive in all
// subscriptions in the same order, which keeps the order of each publisher.
func TestClause2OneOrderForAll(t *testing.T) {
	const publishers, each = 4, 500
	var topic Topic[span]
	var rings []*Ring[span]
	for range 3 {
		rings = append(rings, SubscribeRing(&topic, nil, publishers*each))
	}
	publishAll(&topic, publishers, each)
	first, _ := rings[0].Take()
	for i, r := range rings[1:] {
		if other, lost := r.Take(); lost != 0 || !slices.Equal(first, other) {
			t.Errorf("subscription %d has another order than the first, or lost %d", i+1, lost)
		}
	}
	if len(first) != publishers*each {
		t.Fatalf("%d values, want %d", len(first), publishers*each)
	}
	last := map[string]int{}
	for _, v := range first {
		if v.from != last[v.key] {
			t.Fatalf("publisher %s: %d after %d", v.key, v.to, last[v.key])
		}
		last[v.key] = v.to
	}
}

// publishAll makes n goroutines publish each values with a key of their own, and waits for them.
func publishAll(topic interface{ Publish(...span) }, n, each int) {
	var wg sync.WaitGroup
	for p := range n {
		wg.Go(func() {
			for i := range each {
				topic.Publish(nth(string(rune('a'+p)), i+1))
			}
		})
	}
	wg.Wait()
}

// TestClause4SnapshotAndSubscriptionAreOneAct checks clause 4: at whatever time one subscribes,
// no value is missing or doubled between the snapshot and the values absorbed later.
func TestClause4SnapshotAndSubscriptionAreOneAct(t *testing.T) {
	const publishers, each, subscribers = 3, 300, 20
	topic := NewRetained[string, span]()
	done := make(chan struct{})
	go func() {
		defer close(done)
		publishAll(topic, publishers, each)
	}()
	var wg sync.WaitGroup
	for range subscribers {
		wg.Go(func() {
			bell := NewBell()
			sub := topic.Subscribe(bell)
			seen := map[string]int{} // by key, the publication up to which all was seen
			take := func() {
				for _, v := range sub.Take() {
					if at, ok := seen[v.key]; ok && v.from != at {
						t.Errorf("%s: seen up to %d, then came %d to %d", v.key, at, v.from+1, v.to)
					}
					seen[v.key] = v.to
				}
			}
			for running := true; running; {
				select {
				case <-bell:
				case <-done:
					running = false
				}
				take()
			}
			for key, at := range seen {
				if at != each {
					t.Errorf("%s: seen up to %d of %d", key, at, each)
				}
			}
			if len(seen) != publishers {
				t.Errorf("saw %d keys of %d", len(seen), publishers)
			}
		})
	}
	wg.Wait()
	<-done
}

// TestClause5TakenFirstKnownAfter checks clause 5: values that were published before a value that
// was taken from one subscription are in the others when these are taken from afterwards. The
// router relies on this: it takes results first, and then has everything that a verifier found
// before it answered.
func TestClause5TakenFirstKnownAfter(t *testing.T) {
	const rounds, publishers = 1000, 2
	synctest.Test(t, func(t *testing.T) {
		var facts, results Topic[span]
		bell := NewBell()
		found := SubscribeRecent(&facts, bell, rounds, rounds*publishers)
		answered := SubscribeMerged(&results, bell)
		var wg sync.WaitGroup
		for p := range publishers {
			key := string(rune('a' + p))
			wg.Go(func() {
				for n := 1; n <= rounds; n++ {
					facts.Publish(nth(key, n))
					results.Publish(nth(key, n))
				}
			})
		}
		known, done := map[string]int{}, 0
		for done < publishers {
			<-bell // a lost wake-up would be a deadlock of the bubble
			answers := answered.Take()
			news, lost := found.Take()
			if lost != 0 {
				t.Fatalf("lost %d", lost)
			}
			for _, v := range news {
				known[v.key] = v.to
			}
			for _, a := range answers {
				if known[a.key] < a.to {
					t.Fatalf("%s: answer %d was taken, but fact %d is missing", a.key, a.to, known[a.key]+1)
				}
				if a.to == rounds {
					done++
				}
			}
		}
		wg.Wait()
	})
}

// TestClause5TakeNeverBlocks checks clause 5: Take of an empty backlog returns, and a reader with
// one bell for all its subscriptions misses nothing.
func TestClause5TakeNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := NewRetained[string, span]()
		merged := topic.Subscribe(nil)
		recent := SubscribeRecent(&topic.Topic, nil, 1, 1)
		ring := SubscribeRing(&topic.Topic, nil, 1)
		for range 2 {
			if got := merged.Take(); len(got) != 0 {
				t.Error(got)
			}
			if got, lost := recent.Take(); len(got) != 0 || lost != 0 {
				t.Error(got, lost)
			}
			if got, lost := ring.Take(); len(got) != 0 || lost != 0 {
				t.Error(got, lost)
			}
		}
	})
}

func TestBell(t *testing.T) {
	bell := NewBell()
	if rang(bell) {
		t.Error("a new bell rang")
	}
	bell.Ring()
	bell.Ring()
	if !rang(bell) || rang(bell) {
		t.Error("two rings are one wake-up")
	}
}
