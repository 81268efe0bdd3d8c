package bus

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestClause4Forget checks clause 4: a forgotten value is in no snapshot until its key is
// published again; values in a backlog stay there.
func TestClause4Forget(t *testing.T) {
	topic := NewRetained[string, span]()
	sub := topic.Subscribe(NewBell())
	topic.Publish(nth("a", 1), nth("b", 1), nth("c", 1))
	topic.Forget("b")
	topic.Forget("nobody")
	diff(t, "a backlog", []span{{"a", 0, 1}, {"b", 0, 1}, {"c", 0, 1}}, sub.Take())
	diff(t, "the snapshot", []span{{"a", 1, 1}, {"c", 1, 1}}, topic.Snapshot())
	topic.Publish(nth("b", 2))
	diff(t, "a new subscription", []span{{"a", 1, 1}, {"c", 1, 1}, {"b", 2, 2}}, topic.Subscribe(NewBell()).Take())
}

// TestClause4ForgetProperty checks that a snapshot has the values that were published and not
// forgotten since, in order of arrival, whatever is forgotten when.
func TestClause4ForgetProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topic := NewRetained[string, span]()
		var want []string
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			key := fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "key"))
			at := -1
			for i, k := range want {
				if k == key {
					at = i
				}
			}
			if rapid.Bool().Draw(t, "forget") {
				topic.Forget(key)
				if at >= 0 {
					want = append(want[:at:at], want[at+1:]...)
				}
				continue
			}
			topic.Publish(nth(key, 1))
			if at < 0 {
				want = append(want, key)
			}
		}
		var got []string
		for _, v := range topic.Snapshot() {
			got = append(got, v.key)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("remembers %v, want %v", got, want)
		}
	})
}

// TestClause3RetainedForgets checks that thousands of keys that come and go leave no memory
// behind.
func TestClause3RetainedForgets(t *testing.T) {
	topic := NewRetained[string, span]()
	topic.Publish(nth("stays", 1))
	for n := range 20000 {
		key := fmt.Sprint(n)
		topic.Publish(nth(key, 1))
		topic.Forget(key)
	}
	if n := len(topic.memory.values); n > 3 || cap(topic.memory.values) > 8 || len(topic.memory.at) != 1 {
		t.Errorf("the memory has room for %d values, %d of them used, and %d keys", cap(topic.memory.values), n, len(topic.memory.at))
	}
}

// TestClause3MergedForgets checks that a burst of them leaves none either, once it was taken.
func TestClause3MergedForgets(t *testing.T) {
	var topic Topic[span]
	m := SubscribeMerged(&topic, NewBell())
	for n := range 20000 {
		topic.Publish(nth(fmt.Sprint(n), 1))
	}
	if got := len(m.Take()); got != 20000 {
		t.Fatalf("took %d", got)
	}
	m.Take()
	m.Take()
	if cap(m.values)+cap(m.taken) > 2*maxKept {
		t.Errorf("the backlog keeps room for %d and %d values", cap(m.values), cap(m.taken))
	}
}
