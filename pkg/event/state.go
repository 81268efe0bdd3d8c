package event

// State is the state of a group of virtual routers, and so of each member (RFC 9568 §6.4, and
// Fault).
//
//	             startup                  every member silent, or resigned
//	Initialize ───────────► Backup ◄─────────────────────────────► Active
//	     ▲                    │ ▲        a better Active is heard      │
//	     │ shutdown           │ │                                      │
//	     └──── from any       │ │ no fault is left, recovery is over   │
//	                   fault  ▼ │                               fault  │
//	                          Fault ◄──────────────────────────────────┘
//
// An address owner (priority 255) leaves Initialize and Fault for Active.
type State uint8

// The states.
const (
	Initialize State = iota
	Backup
	Active
	Fault
)

// String returns the state's word in the log and the API.
func (s State) String() string {
	return [...]string{"initialize", "backup", "active", "fault"}[s]
}

// Reason is why a state changed: one of RFC 8347's event names, or of ripcord's own.
type Reason string

// Reasons named by RFC 8347 (with RFC 9568's words).
const (
	Startup              Reason = "startup"
	Shutdown             Reason = "shutdown"
	HigherPriorityBackup Reason = "higher-priority-backup" // another Active is better than this router
	ActiveTimeout        Reason = "active-timeout"
	InterfaceUp          Reason = "interface-up"
	InterfaceDown        Reason = "interface-down"
	NoPrimaryAddress     Reason = "no-primary-ip-address"
	PrimaryAddress       Reason = "primary-ip-address"
	LowerPriorityActive  Reason = "lower-priority-active" // this router preempts
	OwnerPreempt         Reason = "owner-preempt"
	PreemptHoldTimeout   Reason = "preempt-hold-timeout" // this router preempts, delayed by preempt_delay
)

// Reasons of ripcord's own.
const (
	PeerResigned     Reason = "peer-resigned" // a priority 0 ended the wait
	PeerDead         Reason = "peer-dead"     // the machine of the Active no longer answers (`probe`)
	GroupMoved       Reason = "group"         // another member caused the group's transition
	Recovered        Reason = "recovered"     // a fault raised by ripcord itself has ended, or a returned link has proved that it forwards
	Adopted          Reason = "adopted"       // the group became Active in the previous daemon: no transition has this reason
	Recovery         Reason = "recovery"      // a returned link has yet to prove that it forwards: no transition has this reason
	StalledLoop      Reason = "stalled"
	SendFailed       Reason = "send-failed"
	CheckFailed      Reason = "check-failed"  // a check that is tracked without a weight is down
	Released         Reason = "released"      // a person took the router out of service
	Resumed          Reason = "resumed"       // a person ended the release
	FenceFailed      Reason = "fence-failed"  // the Active fell silent, the fence failed, and the group takes over nevertheless
	LastStanding     Reason = "last-standing" // no router served, and the group has a fault that is not the member's own
	AddressLost      Reason = "address-lost"
	Enslaved         Reason = "enslaved"          // the interface is a port of another device, which takes everything that arrives on it
	DuplicateAddress Reason = "duplicate-address" // another station has the source address of adverts
)

// These are reasons of a fault that lasts as long as a condition, of which an executor or a
// watcher reports the begin and the end.
const (
	Deaf          Reason = "deaf"            // adverts on the link would not reach this router
	AdvertTooLong Reason = "advert-too-long" // the advert does not fit the link's MTU
	MACConflict   Reason = "mac-conflict"    // another link has the virtual MAC
	WorkerHung    Reason = "worker-hung"     // the address worker does not answer
)

// Conditions are the reasons of faults that are reported as conditions. If there are several, the
// first one is shown.
var Conditions = [...]Reason{Deaf, AdvertTooLong, MACConflict, WorkerHung}

// NewActiveReason is RFC 8347's new-master-reason in RFC 9568's words.
type NewActiveReason string

// These are the reasons why the present Active became Active.
const (
	NotActive  NewActiveReason = "not-active"
	ByPriority NewActiveReason = "priority"
	Preempted  NewActiveReason = "preempted"
	NoResponse NewActiveReason = "no-response"
)
