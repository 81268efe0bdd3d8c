package link

import "ripcord/pkg/event"

// loss is a carrier that is not there, and what is known of the reason.
type loss struct {
	lasts  bool
	asking bool // nobody has answered yet
	why    string
	cause  event.Cause // of the change that made the link unusable
}

// scheduleReasonQuery asks the driver why the carrier was lost, and forgets its answer
// when the carrier returns.
func (t *Table) scheduleReasonQuery(e *entry) {
	lost := e.seen.AdminUp && (!e.seen.LowerUp || e.denies())
	if lost == e.loss.lasts {
		return
	}
	e.loss = loss{lasts: lost, asking: lost && t.beneath(e)}
	if e.loss.asking {
		t.reasonQueries++
	}
}

// ReasonQueries returns a number that changes whenever Unexplained would grow.
func (t *Table) ReasonQueries() uint64 { return t.reasonQueries }

// Unexplained appends the links of which nobody has been asked yet why they
// have no carrier.
func (t *Table) Unexplained(dst []Target) []Target {
	for _, e := range t.relevant() {
		if e.loss.asking {
			dst = append(dst, target(e, 0))
		}
	}
	return dst
}

// explained takes in what the driver says. It bears the trace of the loss.
func (t *Table) explained(x Explained) {
	e := t.byIndex[x.Index]
	if e == nil || e.birth != x.Birth || !e.loss.asking {
		return
	}
	e.loss.asking, e.loss.why = false, x.Why
	if x.Why == "" {
		return
	}
	t.cause = e.loss.cause
	t.judge(e, 0)
	t.judgeAbove(e)
}

// reason is what a driver said of the link, or of what it stands on.
func (t *Table) reason(e *entry) string {
	for range maxDepth {
		if e.loss.why != "" {
			return e.loss.why
		}
		if e = t.byIndex[e.seen.Parent]; e == nil {
			break
		}
	}
	return ""
}
