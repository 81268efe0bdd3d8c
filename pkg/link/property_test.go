package link

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ripcord/pkg/event"
)

// world is a kernel whose carriers are known: it counts as the kernel does, and announces late,
// twice or not at all.
type world struct {
	t         *rapid.T
	table     *Table
	at        time.Time
	seen      map[int]Seen
	births    map[int]uint64
	born      uint64
	confirmed map[int]bool // the confirmer's last report by index, once it has reported up

	facts map[string]event.Link // the last fact by name
}

func (w *world) observe(o Observation) {
	w.at = w.at.Add(time.Duration(rapid.IntRange(0, 2000).Draw(w.t, "ms")) * time.Millisecond)
	out := w.table.Observe(o, w.at)
	for _, f := range out.Facts {
		was := w.facts[f.Name]
		if f.Seq <= was.Seq {
			w.t.Fatalf("seq %d after %d", f.Seq, was.Seq)
		}
		lost := f.Downs
		switch {
		case was.Usable && !f.Usable && lost < 1:
			w.t.Fatalf("%s was lost, but Downs is 0", f.Name)
		case !was.Usable && lost > 0:
			w.t.Fatalf("%s was down already, but Downs is %d", f.Name, lost)
		}
		w.facts[f.Name] = f
	}
	logged := make(map[string]event.LinkKind)
	for _, e := range out.Events {
		if e, ok := e.(event.LinkChanged); ok && (e.Kind == event.LinkDown || e.Kind == event.LinkUp || e.Kind == event.LinkFlapped) {
			if (e.Kind != event.LinkDown) != e.Link.Usable {
				w.t.Fatalf("%s of %+v", e.Kind, e.Link)
			}
			logged[e.Link.Name] = e.Kind
		}
	}
	for _, f := range out.Facts {
		if f.Index != 0 && f.Downs > 0 && logged[f.Name] != event.LinkDown && logged[f.Name] != event.LinkFlapped && w.facts[f.Name].Index == f.Index {
			w.t.Fatalf("%s lost %d times without a line in the log: %v", f.Name, f.Downs, logged)
		}
	}
}

// check compares the facts with a second implementation of the rule.
func (w *world) check(truth map[int]Seen) {
	live := make(map[string]bool)
	for _, s := range truth {
		usable := true
		for x, ok := s, true; ok; x, ok = truth[x.Parent] {
			up, reported := w.confirmed[x.Index]
			fine := x.AdminUp && x.LowerUp && (x.OperState == event.OperUp || x.OperState == event.OperUnknown)
			usable = usable && fine && (!reported || up)
		}
		f := w.facts[s.Name]
		live[s.Name] = true
		if f.Usable != usable || f.Index != s.Index {
			w.t.Fatalf("%s: published %+v, want index %d usable %v", s.Name, f, s.Index, usable)
		}
	}
	for name, f := range w.facts {
		if !live[name] && (f.Index != 0 || f.Usable) {
			w.t.Fatalf("%s is gone, but published %+v", name, f)
		}
	}
}

// TestTableFollowsTheRule requires that the last facts follow by the rule from the last reports,
// whatever is observed, and that each loss counts.
func TestTableFollowsTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c"}
		w := &world{t: t, table: NewTable(TableConfig{Minter: event.NewMinter(0), Watched: names, Default: plain}), seen: map[int]Seen{}, births: map[int]uint64{},
			confirmed: map[int]bool{}, facts: map[string]event.Link{}, at: time.Unix(0, 0)}
		w.observe(links(Initial))
		index := func() int { return rapid.IntRange(1, 3).Draw(t, "index") }
		flip := func(s *Seen) {
			s.AdminUp = rapid.Bool().Draw(t, "admin")
			s.OperState = rapid.SampledFrom([]event.OperState{event.OperUp, event.OperUnknown, event.OperDormant}).Draw(t, "oper")
			lower := rapid.Bool().Draw(t, "lower")
			flaps := uint32(rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "flaps"))
			s.UpCount, s.DownCount = s.UpCount+flaps, s.DownCount+flaps
			if s.LowerUp && !lower {
				s.DownCount++
			} else if !s.LowerUp && lower {
				s.UpCount++
			}
			s.LowerUp = lower
		}
		t.Repeat(map[string]func(*rapid.T){
			"newlink": func(*rapid.T) {
				i := index()
				s, ok := w.seen[i]
				if !ok {
					w.born++
					w.births[i] = w.born
					// 3 is stacked on 2, and 2 on 1; a link that comes without a parent never had
					// one.
					if _, parent := w.seen[i-1]; parent {
						s.Parent = i - 1
					}
					s.Index, s.Name = i, names[i-1]
				}
				flip(&s)
				w.seen[i] = s
				w.observe(LinkSeen{s})
			},
			"dellink": func(*rapid.T) {
				i := index()
				for j := i; j <= 3; j++ { // the links stacked on it go first
					if s, ok := w.seen[4-j+i-1]; ok && s.Index >= i {
						delete(w.seen, s.Index)
						delete(w.confirmed, s.Index)
						w.observe(LinkGone{s.Index})
					}
				}
			},
			"ask": func(*rapid.T) {
				i, up := index(), rapid.Bool().Draw(t, "up")
				if _, ok := w.seen[i]; !ok {
					return
				}
				if _, reported := w.confirmed[i]; reported || up {
					w.confirmed[i] = up
				}
				w.observe(&Answer{Source: event.Confirm, Index: i, Birth: w.births[i], Up: up})
			},
			"lose messages, then dump": func(*rapid.T) {
				var list []Seen
				for i := 3; i >= 1; i-- {
					if s, ok := w.seen[i]; ok {
						flip(&s)
						w.seen[i] = s
						list = append(list, s)
					}
				}
				w.observe(links(Overrun, list...))
			},
			"": func(*rapid.T) { w.check(w.seen) },
		})
	})
}

func BenchmarkObserve(b *testing.B) {
	table, at := NewTable(TableConfig{Minter: event.NewMinter(0), Watched: []string{"eth0"}, Default: plain}), time.Unix(0, 0)
	list := make([]Seen, 100)
	for i := range list {
		list[i] = up(i+1, fmt.Sprintf("eth%d", i))
	}
	table.Observe(links(Initial, list...), at)
	b.Run("answer without news", func(b *testing.B) {
		b.ReportAllocs()
		answer := &Answer{Source: event.Confirm, Index: 50, Birth: 50, Up: true}
		for b.Loop() {
			table.Observe(answer, at)
		}
	})
	b.Run("message without news", func(b *testing.B) {
		b.ReportAllocs()
		var o Observation = LinkSeen{list[50]}
		for b.Loop() {
			table.Observe(o, at)
		}
	})
	b.Run("loss and return among 100 links", func(b *testing.B) {
		b.ReportAllocs()
		s := list[50]
		for b.Loop() {
			s.LowerUp, s.DownCount = false, s.DownCount+1
			table.Observe(LinkSeen{s}, at)
			s.LowerUp, s.UpCount = true, s.UpCount+1
			table.Observe(LinkSeen{s}, at)
		}
	})
}
