package machine

import (
	"slices"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp/tracker"
)

// faultKey identifies a fault: the link or the instance that has it, and the reason.
type faultKey struct {
	source string
	reason event.Reason
}

// fault is one cause of the state Fault. It lasts until its source clears it.
type fault struct {
	since time.Time
	err   string // details that the reason does not contain
}

// faults are the faults of a group; nil if there are none, which is nearly always so.
type faults map[faultKey]fault

func (l faults) has(key faultKey) bool {
	_, on := l[key]
	return on
}

// add adds a fault, or updates the text of an existing one. It reports whether the fault is new.
func (l *faults) add(key faultKey, err string, now time.Time) bool {
	if old, on := (*l)[key]; on {
		(*l)[key] = fault{old.since, err}
		return false
	}
	if *l == nil {
		*l = make(faults)
	}
	(*l)[key] = fault{now, err}
	return true
}

// remove removes a fault; with the last one it drops the map.
func (l *faults) remove(key faultKey) {
	if delete(*l, key); len(*l) == 0 {
		*l = nil
	}
}

// linkFaults returns the keys of all possible faults of a member's link; at most one of them is
// present.
func (m *member) linkFaults() [4]faultKey {
	return [...]faultKey{
		m.linkKey(event.InterfaceDown), m.linkKey(event.Enslaved), m.linkKey(event.NoPrimaryAddress), m.linkKey(event.DuplicateAddress),
	}
}

// linkKey returns the key of a fault of a member's link. A link that is down is a fault of all
// members on it.
func (m *member) linkKey(reason event.Reason) faultKey {
	if reason == event.InterfaceDown {
		return faultKey{m.Interface, reason}
	}
	return faultKey{m.Name, reason}
}

// linkFault returns the present fault of a member's link and its details; the key has no reason
// if the link is usable.
func (m *member) linkFault() (key faultKey, err string) {
	reason, err := m.LinkFault(&m.link, m.source)
	if reason == "" {
		return faultKey{}, ""
	}
	return m.linkKey(reason), err
}

func (m *member) sendFault() faultKey { return faultKey{m.Name, event.SendFailed} }

func (m *member) lostFault() faultKey { return faultKey{m.Name, event.AddressLost} }

// faultKeys returns the keys of all faults that a member can have, in the order in which
// firstFault prefers them.
func (m *member) faultKeys() (keys [6 + len(event.Conditions)]faultKey) {
	of := m.linkFaults()
	n := copy(keys[:], of[:])
	n += copy(keys[n:], []faultKey{m.sendFault(), m.lostFault()})
	for i, reason := range event.Conditions {
		keys[n+i] = faultKey{m.Name, reason}
	}
	return keys
}

// trackerKey returns the key of the fault that a failed tracker raises.
func trackerKey(t *tracker.Entry) faultKey { return faultKey{t.Name, t.Reason()} }

// trackingMember returns the member that lists a tracker; nil if the group lists it.
func (f *facts) trackingMember(t *tracker.Entry) *member {
	if t.Member == tracker.OfGroup {
		return nil
	}
	return f.members[t.Member]
}

// releaseKey returns the key of the fault that a release raises on the whole group.
func (f *facts) releaseKey() faultKey { return faultKey{f.name, event.Released} }

// firstFault returns the fault that is reported as the reason of a transition if there are
// several, and its member, which is nil for the whole group. The reason is empty if there is no
// fault.
func (f *facts) firstFault() (*member, event.Reason) {
	for _, m := range f.members {
		for _, key := range m.faultKeys() {
			if f.faults.has(key) {
				return m, key.reason
			}
		}
	}
	if t := f.trackers.FirstFault(); t != nil {
		return f.trackingMember(t), t.Reason()
	}
	if f.faults.has(f.releaseKey()) {
		return nil, event.Released
	}
	return nil, ""
}

// faulty reports whether any tracker, or the link of a member, causes a fault.
func (f *facts) faulty(key faultKey) bool {
	if f.trackers.Causes(key.source, key.reason) {
		return true
	}
	for _, m := range f.members {
		if wrong, _ := m.linkFault(); wrong == key {
			return true
		}
	}
	return false
}

// memberHas reports whether the fault is among those that a present member can have.
func (f *facts) memberHas(key faultKey) bool {
	return slices.ContainsFunc(f.members, func(m *member) bool {
		keys := m.faultKeys()
		return slices.Contains(keys[:], key)
	})
}

// concerns reports whether a fault of a tracker or of the group is shown in the status of a
// member.
func (f *facts) concerns(key faultKey, m *member) bool {
	return key == f.releaseKey() || f.trackers.Concerns(key.source, key.reason, m.index)
}
