package link

import (
	"fmt"

	"ripcord/pkg/event"
)

// Extended is the extended state of a link, in which its driver says why there
// is no carrier: enum ethtool_link_ext_state of linux/ethtool.h and, where it is
// not 0, the substate that belongs to it.
type Extended struct{ State, Substate uint8 }

// String says it in words: "autoneg: no partner detected".
func (x Extended) String() string {
	if int(x.State) >= len(extended) {
		return fmt.Sprintf("extended state %d", x.State)
	}
	s := extended[x.State]
	switch {
	case x.Substate == 0:
		return s.word
	case int(x.Substate) > len(s.sub):
		return fmt.Sprintf("%s: substate %d", s.word, x.Substate)
	}
	return s.word + ": " + s.sub[x.Substate-1]
}

// extended are the states in the order of their numbers, which begin with 0, and
// their substates, which begin with 1.
var extended = [...]struct {
	word string
	sub  []string
}{
	{"autoneg", []string{"no partner detected", "ack not received", "next page exchange failed",
		"no partner detected in force mode", "FEC mismatch during override", "no common mode"}},
	{"link training failure", []string{"KR frame lock not acquired", "KR link inhibit timeout",
		"KR link partner did not set receiver ready", "remote fault"}},
	{"logical mismatch", []string{"PCS did not acquire block lock", "PCS did not acquire AM lock",
		"PCS did not get align status", "FC FEC is not locked", "RS FEC is not locked"}},
	{"bad signal integrity", []string{"large number of physical errors", "unsupported rate",
		"SerDes reference clock lost", "SerDes analog loss of signal"}},
	{"no cable", nil},
	{"cable issue", []string{"unsupported cable", "cable test failure"}},
	{"EEPROM issue", nil},
	{"calibration failure", nil},
	{"power budget exceeded", nil},
	{"overheat", nil},
	{"module", []string{"CMIS not ready"}},
}

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
