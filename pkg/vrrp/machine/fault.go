package machine

import (
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

// faultKey tells faults apart: the link or the instance that has it, and why.
type faultKey struct {
	source string
	reason event.Reason
}

// fault is one cause of the state Fault. It stands until its source takes it back.
type fault struct {
	since time.Time
	err   string // what is wrong, where the reason does not say it all
}

// lift removes a fault, and with the last one the map: most groups have none for years.
func (f *facts) lift(key faultKey) {
	if delete(f.faults, key); len(f.faults) == 0 {
		f.faults = nil
	}
}

// firstFault returns the fault that is reported as the reason of a transition where
// there are several, and the member that has it, nil for the whole group; no reason if there
// is none.
func (f *facts) firstFault() (*member, event.Reason) {
	for _, m := range f.members {
		for _, key := range m.faultKeys() {
			if _, ok := f.faults[key]; ok {
				return m, key.reason
			}
		}
	}
	if t := f.trackers.FirstFault(); t != nil {
		return f.lister(t), t.Reason()
	}
	if _, ok := f.faults[f.releaseKey()]; ok {
		return nil, event.Released
	}
	return nil, ""
}

// faultKeys returns all faults that a member can have, in the order in which they are
// reported as the reason of a transition.
func (m *member) faultKeys() (keys [6 + len(event.Conditions)]faultKey) {
	name := m.Name
	of := m.linkFaults()
	n := copy(keys[:], of[:])
	n += copy(keys[n:], []faultKey{{name, event.SendFailed}, {name, event.AddressLost}})
	for i, reason := range event.Conditions {
		keys[n+i] = faultKey{name, reason}
	}
	return keys
}

// raise adds a fault, or updates the text of one that is there already. The first fault is
// the reason of the transition.
func (s *step) raise(key faultKey, err string, why trigger) {
	if flt, ok := s.f.faults[key]; ok {
		flt.err = err
		s.f.faults[key] = flt
		return
	}
	if len(s.f.faults) == 0 {
		s.why, s.f.faults = why, make(map[faultKey]fault)
	} else if s.why.reason == "" {
		s.why = why // it may end that a member serves alone
	}
	s.f.faults[key] = fault{since: s.now, err: err}
	s.f.unverify()
}

// clear removes a fault. After the last one the waits begin anew.
func (s *step) clear(key faultKey, why trigger) {
	if _, ok := s.f.faults[key]; !ok {
		return
	}
	s.f.lift(key)
	if len(s.f.faults) == 0 {
		s.f.restart(s.now, event.Fault, why)
		s.recoverFlapped()
		s.why = why
	}
}

// raiseLinkFault raises a fault of a member's link and reports it, if its reason does
// not say it all.
func (s *step) raiseLinkFault(m *member, key faultKey, err string) {
	_, known := s.f.faults[key]
	s.raise(key, err, trigger{key.reason, m, m.link.Cause})
	if !known && err != "" {
		s.report(event.InstanceFault{Stamp: s.stamp(m.link.Cause), Virtual: m.Virtual, Reason: key.reason, Err: err})
	}
}

// absorbCondition raises a fault for as long as a condition lasts that another goroutine
// watches, and reports its begin and its end.
func (s *step) absorbCondition(in vrrp.Condition) {
	m := s.member(in.Instance)
	if m == nil {
		return
	}
	key := faultKey{in.Instance, in.Reason}
	_, on := s.f.faults[key]
	if in.On {
		s.raise(key, in.Err, trigger{in.Reason, m, in.Cause})
	} else {
		s.clear(key, trigger{event.Recovered, m, in.Cause})
	}
	if in.On != on {
		s.report(event.InstanceFault{
			Stamp: s.stamp(in.Cause), Virtual: m.Virtual, Reason: in.Reason, Err: in.Err, Over: !in.On,
		})
	}
}
