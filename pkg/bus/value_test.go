package bus

// span is a value that shows what became of it: it stands for the
// publications of its key after number from, up to and including number to.
type span struct {
	key      string
	from, to int
}

// nth is what is published as number n of a key, from 1 on.
func nth(key string, n int) span { return span{key, n - 1, n} }

func (s span) Key() string { return s.key }

func (s span) Merge(newer span) span { return span{s.key, s.from, newer.to} }

func (s span) Rest() span { return span{s.key, s.to, s.to} }

var _ Mergeable[string, span] = span{}

// rang tells whether the bell has rung since it was last listened to.
func rang(b Bell) bool {
	select {
	case <-b:
		return true
	default:
		return false
	}
}
