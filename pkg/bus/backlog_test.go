package bus

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The tests of this file check clause 3, how backlogs absorb, and the parts of
// clauses 4 and 5 that concern one backlog.

func diff(t *testing.T, what string, want, got []span) {
	t.Helper()
	if d := cmp.Diff(want, got, cmp.AllowUnexported(span{})); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestClause3MergedKeepsOneForEachKey(t *testing.T) {
	var topic Topic[span]
	bell := NewBell()
	m := SubscribeMerged(&topic, bell)
	for _, v := range []span{nth("b", 1), nth("a", 1), nth("b", 2), nth("b", 3)} {
		topic.Publish(v)
	}
	if !rang(bell) {
		t.Error("the bell did not ring")
	}
	taken := m.Take()
	diff(t, "merged, in order of first arrival", []span{{"b", 0, 3}, {"a", 0, 1}}, taken)
	topic.Publish(nth("a", 2))
	topic.Publish(nth("b", 4))
	diff(t, "the slice of the last Take is unchanged", []span{{"b", 0, 3}, {"a", 0, 1}}, taken)
	diff(t, "after a Take", []span{{"a", 1, 2}, {"b", 3, 4}}, m.Take())
	if !rang(bell) {
		t.Error("the bell did not ring again")
	}
}

func TestClause3RecentLimits(t *testing.T) {
	tests := []struct {
		name          string
		perKey, total int
		publish       []span
		want          []span
		lost          uint64
	}{
		{"under both limits", 2, 4, []span{nth("a", 1), nth("b", 1), nth("a", 2)},
			[]span{nth("a", 1), nth("b", 1), nth("a", 2)}, 0},
		{"one more of a key drops its own oldest", 2, 4, []span{nth("b", 1), nth("a", 1), nth("a", 2), nth("a", 3)},
			[]span{nth("b", 1), nth("a", 2), nth("a", 3)}, 1},
		{"one more in all drops the oldest of all", 2, 3, []span{nth("a", 1), nth("b", 1), nth("c", 1), nth("d", 1)},
			[]span{nth("b", 1), nth("c", 1), nth("d", 1)}, 1},
		{"both exceeded drop one", 1, 2, []span{nth("a", 1), nth("b", 1), nth("b", 2)},
			[]span{nth("a", 1), nth("b", 2)}, 1},
		{"a dropped one leaves room for its key", 1, 2, []span{nth("a", 1), nth("b", 1), nth("c", 1), nth("a", 2)},
			[]span{nth("c", 1), nth("a", 2)}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var topic Topic[span]
			bell := NewBell()
			r := SubscribeRecent(&topic, bell, tt.perKey, tt.total)
			for range 2 { // the second time after a Take: nothing is left of the first
				for _, v := range tt.publish {
					topic.Publish(v)
				}
				got, lost := r.Take()
				diff(t, "taken", tt.want, got)
				if lost != tt.lost {
					t.Errorf("lost %d, want %d", lost, tt.lost)
				}
				if !rang(bell) {
					t.Error("the bell did not ring")
				}
			}
		})
	}
}

// TestClause3RecentIsBounded checks that a flood of values with new keys does not grow the memory
// if it is never taken.
func TestClause3RecentIsBounded(t *testing.T) {
	var topic Topic[span]
	r := SubscribeRecent(&topic, nil, 4, 16)
	for n := range 10000 {
		topic.Publish(nth(fmt.Sprint(n), 1))
	}
	if len(r.values) != 16 || len(r.counts) > 16 {
		t.Errorf("holds %d values and counts %d keys, want at most 16", len(r.values), len(r.counts))
	}
	if _, lost := r.Take(); lost != 10000-16 {
		t.Errorf("lost %d", lost)
	}
}

// TestClause3RecentForgets checks that such a flood does not grow the memory either if it is
// taken in many small turns.
func TestClause3RecentForgets(t *testing.T) {
	var topic Topic[span]
	r := SubscribeRecent(&topic, nil, 4, 16)
	for n := range 2 * remembered {
		topic.Publish(nth(fmt.Sprint(n), 1))
		if got, lost := r.Take(); len(got) != 1 || lost != 0 {
			t.Fatalf("took %v, lost %d", got, lost)
		}
	}
	if len(r.counts) > remembered {
		t.Errorf("remembers %d keys, want at most %d", len(r.counts), remembered)
	}
}

// TestClause3RecentProperty checks that the kept and the lost values add up to the published
// ones, in their order and within the limits, and that the newest value is always kept.
func TestClause3RecentProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perKey, total := rapid.IntRange(1, 4).Draw(t, "perKey"), rapid.IntRange(1, 8).Draw(t, "total")
		var topic Topic[span]
		r := SubscribeRecent(&topic, nil, perKey, total)
		next, published := map[string]int{}, []span(nil)
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "take") > 0 {
				key := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "key")
				next[key]++
				published = append(published, nth(key, next[key]))
				topic.Publish(published[len(published)-1])
				continue
			}
			got, lost := r.Take()
			if len(got)+int(lost) != len(published) || len(got) > total {
				t.Fatalf("took %d, lost %d of %d", len(got), lost, len(published))
			}
			count, at := map[string]int{}, 0
			for _, v := range got {
				i := slices.Index(published[at:], v)
				if count[v.key]++; i < 0 || count[v.key] > perKey {
					t.Fatalf("took %v, published %v", got, published)
				}
				at += i + 1
			}
			if at != len(published) {
				t.Fatalf("the newest of %v is not in %v", published, got)
			}
			published = nil
		}
	})
}

func TestClause3RingKeepsTheLast(t *testing.T) {
	var topic Topic[span]
	bell := NewBell()
	r := SubscribeRing(&topic, bell, 3)
	for n := range 5 {
		topic.Publish(nth("a", n+1))
	}
	got, lost := r.Take()
	diff(t, "taken", []span{nth("a", 3), nth("a", 4), nth("a", 5)}, got)
	if lost != 2 || !rang(bell) {
		t.Errorf("lost %d", lost)
	}
	topic.Publish(nth("a", 6))
	diff(t, "the slice of the last Take is unchanged", []span{nth("a", 3), nth("a", 4), nth("a", 5)}, got)
	got, lost = r.Take()
	diff(t, "after a Take", []span{nth("a", 6)}, got)
	if lost != 0 {
		t.Errorf("lost %d again", lost)
	}
	for n := range 4 {
		topic.Publish(nth("a", n+7))
	}
	if r.Lost() != 3 {
		t.Errorf("lost %d in all, want 2 that a Take reported and 1 that none has", r.Lost())
	}
}

// TestClause4RetainedRemembersTheRest checks that the snapshot has the present values, without
// what accumulated before the subscription.
func TestClause4RetainedRemembersTheRest(t *testing.T) {
	topic := NewRetained[string, span]()
	empty := NewBell()
	topic.Subscribe(empty)
	if rang(empty) {
		t.Error("the bell rang although the topic is empty")
	}
	early := topic.Subscribe(nil)
	for _, v := range []span{nth("b", 1), nth("a", 1), nth("b", 2)} {
		topic.Publish(v)
	}
	want := []span{{"b", 2, 2}, {"a", 1, 1}}
	diff(t, "Snapshot", want, topic.Snapshot())
	bell := NewBell()
	late := topic.Subscribe(bell)
	if !rang(bell) {
		t.Error("the bell did not ring for the snapshot")
	}
	topic.Publish(nth("a", 2))
	diff(t, "a late subscriber", []span{{"b", 2, 2}, {"a", 1, 2}}, late.Take())
	diff(t, "an early subscriber", []span{{"b", 0, 2}, {"a", 0, 2}}, early.Take())
	if got := late.Take(); len(got) != 0 {
		t.Errorf("the snapshot comes once: %v", got)
	}
}

// sticky is a value that keeps its cause in Merge while its count is not 0: a topic that
// remembers it must strip the count each time, or the first cause stays for ever.
type sticky struct{ cause, count int }

func (sticky) Key() string { return "" }

func (s sticky) Merge(newer sticky) sticky {
	if s.count > 0 {
		newer.cause = s.cause
	}
	newer.count += s.count
	return newer
}

func (s sticky) Rest() sticky { return sticky{cause: s.cause} }

func TestClause4RetainedForgetsWhatCounted(t *testing.T) {
	topic := NewRetained[string, sticky]()
	for cause := 1; cause <= 3; cause++ {
		topic.Publish(sticky{cause, 1})
	}
	if got, want := topic.Snapshot(), []sticky{{cause: 3}}; !slices.Equal(got, want) {
		t.Errorf("remembered %v, want %v", got, want)
	}
}
