package bus

// span is a value that shows how it was merged: it stands for the publications of its key after
// number from, up to and including number to.
type span struct {
	key      string
	from, to int
}

// nth returns publication number n of a key, counted from 1.
func nth(key string, n int) span { return span{key, n - 1, n} }

func (s span) Key() string { return s.key }

func (s span) Merge(newer span) span { return span{s.key, s.from, newer.to} }

func (s span) Rest() span { return span{s.key, s.to, s.to} }

var _ Mergeable[string, span] = span{}

// rang reports whether the bell has rung since the last call.
func rang(b Bell) bool {
	select {
	case <-b:
		return true
	default:
		return false
	}
}
