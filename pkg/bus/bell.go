package bus

// Bell wakes the one reader of some subscriptions. Ringing it twice before the reader receives
// from it wakes the reader once.
type Bell chan struct{}

// NewBell returns a bell.
func NewBell() Bell { return make(Bell, 1) }

// Ring wakes the reader; it never blocks.
func (b Bell) Ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}
