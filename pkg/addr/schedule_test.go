package addr

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// play drains the schedule until the end, and formats its addresses with their times in ms; those
// of one instant are together.
func play(s *schedule, end time.Duration) string {
	var out []string
	last := time.Duration(-1)
	for {
		due, ok := s.deadline()
		if !ok || due.After(at(end)) {
			return strings.Join(out, " ")
		}
		now := due.Sub(epoch)
		instance, n, ok := s.next(due)
		if !ok {
			panic("nothing at the deadline")
		}
		if now != last {
			out = append(out, fmt.Sprintf("%d:", now.Milliseconds()))
			last = now
		}
		out[len(out)-1] += fmt.Sprintf("%s%d", instance, n)
	}
}

func TestSchedule(t *testing.T) {
	ms := time.Millisecond
	cases := []struct {
		name string
		act  func(s *schedule)
		want string
	}{
		{"rounds: every address once, then again", func(s *schedule) {
			s.start(at(0), "a", 3, Announce{Count: 2})
		}, "0:a0a1a2a0a1a2"},
		{"the first round of all before the second of any", func(s *schedule) {
			s.start(at(0), "a", 2, Announce{Count: 2})
			s.start(at(0), "b", 1, Announce{Count: 2})
		}, "0:a0a1b0a0a1b0"},
		{"a first round does not wait for the repetitions of others", func(s *schedule) {
			s.start(at(0), "a", 2, Announce{Count: 3})
			for range 3 {
				s.next(at(0))
			}
			s.start(at(1*ms), "b", 2, Announce{Count: 2})
			s.next(at(2 * ms)) // the addresses at the head when b came
		}, "1:b0b1b0b1 2:a0a1"},
		{"spacing lies between two frames", func(s *schedule) {
			s.start(at(0), "a", 2, Announce{Count: 2, Spacing: 10 * ms})
		}, "0:a0 10:a1 20:a0 30:a1"},
		{"a second set AgainAfter later", func(s *schedule) {
			s.start(at(0), "a", 1, Announce{Count: 2, AgainAfter: 50 * ms})
		}, "0:a0a0 50:a0a0"},
		{"a second set that is due during the first follows it", func(s *schedule) {
			s.start(at(0), "a", 1, Announce{Count: 3, AgainAfter: 10 * ms, Spacing: 10 * ms})
		}, "0:a0 10:a0 20:a0 30:a0 40:a0 50:a0"},
		{"one round each Refresh", func(s *schedule) {
			s.start(at(0), "a", 2, Announce{Count: 1, Refresh: 100 * ms})
		}, "0:a0a1 100:a0a1 200:a0a1 300:a0a1"},
		{"a Count of 0 announces nothing", func(s *schedule) {
			s.start(at(0), "a", 2, Announce{})
		}, ""},
		{"no addresses", func(s *schedule) {
			s.start(at(0), "a", 0, Announce{Count: 3, Refresh: ms})
		}, ""},
		{"cancelled", func(s *schedule) {
			s.start(at(0), "a", 2, Announce{Count: 2, AgainAfter: 50 * ms, Refresh: 10 * ms})
			s.start(at(0), "b", 1, Announce{Count: 1})
			s.next(at(0))
			s.cancel("a")
		}, "0:b0"},
		{"started anew", func(s *schedule) {
			s.start(at(0), "a", 2, Announce{Count: 2})
			s.next(at(0))
			s.start(at(0), "a", 2, Announce{Count: 1})
		}, "0:a0a1"},
		{"asked again: one set, at most once a second", func(s *schedule) {
			s.start(at(0), "a", 1, Announce{Count: 2})
			play(s, 0)
			s.reannounce(at(10*ms), "a")
			s.reannounce(at(20*ms), "a")
			s.reannounce(at(30*ms), "a")
		}, "10:a0a0 1010:a0a0"},
		{"asked again during a set: from its beginning", func(s *schedule) {
			s.start(at(0), "a", 2, Announce{Count: 2, AgainAfter: 50 * ms})
			s.next(at(0))
			s.reannounce(at(0), "a")
		}, "0:a0a1a0a1 50:a0a1a0a1"},
		{"asked again: a second set AgainAfter later", func(s *schedule) {
			s.start(at(0), "a", 1, Announce{Count: 2, AgainAfter: 50 * ms})
			play(s, 100*ms)
			s.reannounce(at(200*ms), "a")
			s.reannounce(at(300*ms), "a") // too early
		}, "200:a0a0 250:a0a0 1200:a0a0 1250:a0a0"},
		{"asked again though not started", func(s *schedule) {
			s.reannounce(at(0), "a")
		}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSchedule()
			c.act(s)
			end := 5 * time.Second
			if strings.Contains(c.name, "Refresh") {
				end = 300 * ms
			}
			if got := play(s, end); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestScheduleGivesNothingEarly(t *testing.T) {
	s := newSchedule()
	s.start(at(0), "a", 1, Announce{Count: 1, AgainAfter: time.Second})
	s.next(at(0))
	if _, _, ok := s.next(at(time.Second - 1)); ok {
		t.Error("one tick early")
	}
	if _, _, ok := s.next(at(time.Second)); !ok {
		t.Error("nothing at the tick")
	}
	if _, _, ok := s.next(at(time.Second)); ok {
		t.Error("two addresses at the tick")
	}
}
