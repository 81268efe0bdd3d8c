package lan

import (
	"testing"
	"testing/synctest"
	"time"
)

// at returns an instant by its ms.
func at(ms float64) time.Time {
	return time.Unix(0, 0).Add(time.Duration(ms * float64(time.Millisecond)))
}

// timeline returns a timeline with a question each 10 ms up to 100, and the given answers.
func timeline(answers ...Answer) Timeline {
	t := Timeline{Answers: answers}
	for ms := 0.0; ms <= 100; ms += 10 {
		t.Asked = append(t.Asked, at(ms))
	}
	return t
}

var macA, macB = MAC{2, 1}, MAC{2, 2}

func TestGaps(t *testing.T) {
	var all []Answer
	for ms := 0.0; ms <= 100; ms += 10 {
		all = append(all, Answer{at(ms + 1), macA})
	}
	without := func(from, to int) []Answer { return append(append([]Answer(nil), all[:from]...), all[to:]...) }
	for name, c := range map[string]struct {
		answers []Answer
		since   time.Time
		want    Gap
	}{
		"none":                        {all, at(0), Gap{}},
		"one question":                {without(3, 4), at(0), Gap{at(21), at(41), 1}},
		"begun at since":              {without(3, 6), at(35), Gap{at(35), at(61), 2}},
		"before since":                {without(3, 6), at(65), Gap{}},
		"last answer after since":     {without(3, 6), at(15), Gap{at(21), at(61), 3}},
		"answered before since":       {without(3, 6), at(21.5), Gap{at(21.5), at(61), 3}},
		"not over":                    {without(5, 11), at(0), Gap{at(41), at(100), 6}},
		"the last may be on its way":  {without(10, 11), at(0), Gap{}},
		"never an answer":             {nil, at(5), Gap{at(5), at(100), 10}},
		"the longest of several wins": {append(without(2, 4)[:4:4], all[9:]...), at(0), Gap{at(51), at(91), 3}},
	} {
		if got := timeline(c.answers...).LongestGap(c.since); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestBothAndFirstAndLast(t *testing.T) {
	tl := timeline(Answer{at(1), macA}, Answer{at(11), macA}, Answer{at(12), macB}, Answer{at(21), macB}, Answer{at(22), macB})
	if both := tl.Both(); len(both) != 1 || both[0] != at(10) {
		t.Errorf("both answered at %v, want the question at 10 ms", both)
	}
	if first, ok := tl.First(macB, at(12)); !ok || first.At != at(21) {
		t.Errorf("first: %v, %t", first, ok)
	}
	if last, ok := tl.Last(macA); !ok || last.At != at(11) {
		t.Errorf("last: %v, %t", last, ok)
	}
	if _, ok := tl.First(macA, at(12)); ok {
		t.Error("macA answered after 12 ms")
	}
	if _, ok := tl.Last(MAC{}); ok {
		t.Error("nobody answered")
	}
}

func TestRecordWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r record[int]
		r.add(1)
		go func() {
			time.Sleep(time.Second)
			r.add(2)
			time.Sleep(time.Second)
			r.add(3)
		}()
		is := func(want int) func(int) bool { return func(v int) bool { return v == want } }
		if _, seen, ok := r.wait(time.Second-1, is(3)); ok || seen != 1 {
			t.Errorf("one tick before: %t after %d", ok, seen)
		}
		if v, seen, ok := r.wait(time.Minute, is(3)); !ok || v != 3 || seen != 3 {
			t.Errorf("waited for 3: %d, %t after %d", v, ok, seen)
		}
		if v, _, ok := r.wait(0, is(1)); !ok || v != 1 {
			t.Errorf("what was there already: %d, %t", v, ok)
		}
	})
}

func TestParseAdvertRejects(t *testing.T) {
	ethernet := func(etherType byte, packet ...byte) []byte {
		return append([]byte{1, 0, 0x5e, 0, 0, 18, 2, 0, 0, 0, 1, 1, etherType, etherType - 0x08}, packet...)
	}
	ipv4 := []byte{
		0x45, 0xc0, 0, 28, 0, 0, 0, 0, 255, 112, 0, 0, 192, 0, 2, 1, 224, 0, 0, 18,
		0x21, 7, 100, 0, 0, 1, 0, 0,
	}
	padded := append(ethernet(0x08, ipv4...), make([]byte, 18)...)
	a, ok := parseAdvert(padded)
	if !ok || a.Version != 2 || a.VRID != 7 || a.Priority != 100 || len(a.Message) != 8 || a.HopLimit != 255 {
		t.Fatalf("a good one: %+v, %t", a, ok)
	}
	for n := range ethernet(0x08, ipv4...) {
		if _, ok := parseAdvert(padded[:n]); ok {
			t.Errorf("an advert in %d bytes", n)
		}
	}
	for name, change := range map[string]func(b []byte){
		"ethertype":         func(b []byte) { b[13] = 6 },
		"another version":   func(b []byte) { b[14] = 0x65 },
		"header too short":  func(b []byte) { b[14] = 0x44 },
		"another protocol":  func(b []byte) { b[23] = 17 },
		"total over frame":  func(b []byte) { b[17] = 200 },
		"total under head":  func(b []byte) { b[17] = 10 },
		"no advertisement":  func(b []byte) { b[34] = 0x22 },
		"message too short": func(b []byte) { b[17] = 27 },
	} {
		b := append([]byte(nil), padded...)
		change(b)
		if _, ok := parseAdvert(b); ok {
			t.Errorf("%s: taken for an advert", name)
		}
	}
}
