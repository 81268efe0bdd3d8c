package bus

import "testing"

// steady are the kinds of backlogs in steady state: some values arrive and are taken.
var steady = []struct {
	name string
	turn func() func()
}{
	{"merged", func() func() {
		var topic Topic[span]
		m := SubscribeMerged(&topic, NewBell())
		return func() { publish(&topic); m.Take() }
	}},
	{"recent", func() func() {
		var topic Topic[span]
		r := SubscribeRecent(&topic, NewBell(), 2, 8)
		return func() { publish(&topic); r.Take() }
	}},
	{"ring", func() func() {
		var topic Topic[span]
		r := SubscribeRing(&topic, NewBell(), 8)
		return func() { publish(&topic); r.Take() }
	}},
	{"ring that overflows", func() func() {
		var topic Topic[span]
		r := SubscribeRing(&topic, NewBell(), 2)
		return func() { publish(&topic); r.Take() }
	}},
}

func publish(topic *Topic[span]) {
	for _, key := range [...]string{"a", "b", "c"} {
		topic.Publish(nth(key, 1))
	}
}

// TestClause6AllocatesNothing checks clause 6: in steady state nothing is allocated.
func TestClause6AllocatesNothing(t *testing.T) {
	for _, tt := range steady {
		t.Run(tt.name, func(t *testing.T) {
			turn := tt.turn()
			turn()
			turn() // both arrays have grown
			if n := testing.AllocsPerRun(100, turn); n != 0 {
				t.Errorf("a turn allocates %v times", n)
			}
		})
	}
}

func BenchmarkBacklog(b *testing.B) {
	for _, bb := range steady {
		b.Run(bb.name, func(b *testing.B) {
			turn := bb.turn()
			b.ReportAllocs()
			for b.Loop() {
				turn()
			}
		})
	}
}
