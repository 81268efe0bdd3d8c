package control

import (
	"net/netip"
	"time"
)

// Status is the answer to GET /v1/status: the whole daemon. All times are UTC; an unknown time is
// null. Lists are never null.
type Status struct {
	Version   string     `json:"version"` // of ripcord
	Host      string     `json:"host"`
	Since     *time.Time `json:"since"` // when the daemon started
	Instances []Instance `json:"instances"`
	Groups    []Group    `json:"groups"`
	Links     []Link     `json:"links"` // those that instances use or track
	Checks    []Check    `json:"checks"`
	// StaticWarnings are the warnings about addresses, routes and rules that belong to no instance;
	// omitted if there are none.
	StaticWarnings []Warning `json:"static_warnings,omitempty"`
	// MachineWarnings are the warnings about the machine, which concern all instances; omitted if there
	// are none.
	MachineWarnings []Warning `json:"machine_warnings,omitempty"`
	// Runner is the process that runs checks, notify and fence commands.
	Runner *Runner `json:"runner,omitempty"`
	// ListenError is why control.listen is not open; omitted if it is.
	ListenError string `json:"listen_error,omitempty"`
}

// Instance is one virtual router, in the words of RFC 8347 if it has one, with RFC 9568's Active
// for its master.
type Instance struct {
	Name      string     `json:"name"`
	Group     string     `json:"group,omitempty"` // left out for an instance outside any group
	Interface string     `json:"interface"`
	VRID      uint8      `json:"vrid"`
	Family    string     `json:"family"`  // ipv4, ipv6
	Version   int        `json:"version"` // of VRRP
	State     string     `json:"state"`   // initialize, backup, active, fault
	Since     *time.Time `json:"since"`   // of the state
	Faults    []Fault    `json:"faults"`
	// LastStanding is set if it is Active though its group is not: it serves alone, with priority
	// 1, since no other router does.
	LastStanding bool   `json:"last_standing,omitempty"`
	Holding      string `json:"holding,omitempty"` // why it stays Backup though its waits are over
	// Wait is a wait that keeps it from taking over, or from starting, and ends by itself; omitted
	// if there is none.
	Wait     *Wait     `json:"wait,omitempty"`
	Probe    *Probe    `json:"probe,omitempty"` // the state of the Active's machine, if it is watched
	Missing  []string  `json:"missing"`         // what it should hold and could not be put in place
	Trackers []Tracker `json:"trackers"`        // its own trackers
	Warnings []Warning `json:"warnings"`        // problems other than faults that need a person

	Priority          uint8       `json:"priority"` // as configured
	EffectivePriority uint8       `json:"effective_priority"`
	IsOwner           bool        `json:"is_owner"`
	ActiveAddress     *netip.Addr `json:"active_address"` // source of the Active's adverts; null if unknown
	ActivePriority    uint8       `json:"active_priority"`
	Up                *time.Time  `json:"up_datetime"` // null in Initialize
	LastEvent         string      `json:"last_event"`
	NewActiveReason   string      `json:"new_active_reason"`

	Interval           int64        `json:"interval_us"` // the Active's: learned while Backup
	ActiveDownInterval int64        `json:"active_down_interval_us"`
	SkewTime           int64        `json:"skew_time_us"`
	VirtualMAC         *string      `json:"virtual_mac"`         // null: the interface's own is used
	Addresses          []netip.Addr `json:"addresses"`           // in the order in which they are advertised
	ExtraAddresses     []netip.Addr `json:"extra_addresses"`     // held with them, not advertised
	Statistics         Statistics   `json:"statistics,omitzero"` // omitted if not requested
}

// Probe is the state of the watch of the Active's machine (`probe` in the configuration).
type Probe struct {
	InUse          bool        `json:"in_use"`             // its answers may move the group
	Text           string      `json:"text"`               // the result, or why it is not in use
	Active         *netip.Addr `json:"active,omitempty"`   // the address that is asked; nil: none is
	Answered       int         `json:"answered,omitempty"` // of the last questions
	Asked          int         `json:"asked,omitempty"`    // the number of these questions, at most a hundred
	SuspendedUntil *time.Time  `json:"suspended_until,omitempty"`
}

// Wait is a wait of an instance in Backup or Initialize, beside its Active_Down_Interval.
type Wait struct {
	Reason string     `json:"reason"`          // that of the event instance.holding
	Text   string     `json:"text"`            // what is waited for, in words
	Until  *time.Time `json:"until,omitempty"` // its latest end; left out where that is not known
}

// Fault is one cause of the state fault.
type Fault struct {
	Source string     `json:"source"` // a link, an instance
	Reason string     `json:"reason"`
	Since  *time.Time `json:"since"`
	Until  *time.Time `json:"until,omitempty"` // of a recovery: its end at the latest
	Error  string     `json:"error,omitempty"` // what is wrong and what to do, if the reason does not say everything
	Text   string     `json:"text"`            // the fault in words, with the present trouble of its link
}

// Warning is a problem that keeps an instance from working as configured, and that is not a fault.
type Warning struct {
	Reason  string     `json:"reason"`
	Subject string     `json:"subject"` // an address, a link; empty if the reason needs none
	Text    string     `json:"text"`    // what is wrong, and what to do
	Since   *time.Time `json:"since"`
}

// Group is one group of virtual routers that move as one.
type Group struct {
	Name     string     `json:"name"`
	State    string     `json:"state"`
	Since    *time.Time `json:"since"`
	Reason   string     `json:"reason"` // of the last transition
	Members  []string   `json:"members"`
	Trackers []Tracker  `json:"trackers"` // the trackers of the group as a whole, beside its members'
}

// Tracker is one entry of a list `track`.
type Tracker struct {
	Kind    string     `json:"kind"` // interface, check, or file: a check of a file
	Name    string     `json:"name"`
	State   string     `json:"state"`             // waiting (no result yet), up, down
	Since   *time.Time `json:"since"`             // of the state
	Weight  *int       `json:"weight"`            // null: its failure is a fault, or a file contains the number
	Reverse bool       `json:"reverse,omitempty"` // the weight counts, or it is a fault, while it is in the other state
	Adds    int        `json:"adds"`              // the amount added to the priority, now
	Error   string     `json:"error,omitempty"`   // why it is down
}

// Check is the state of one check.
type Check struct {
	Name    string     `json:"name"`
	Checks  string     `json:"checks"` // what is checked, as "tcp 192.0.2.80:443"
	State   string     `json:"state"`  // waiting (no result yet), up, down
	Since   *time.Time `json:"since"`  // of the state
	Value   int        `json:"value"`  // the amount that a file adds to the priority; 0 for other checks
	Runs    uint64     `json:"runs"`
	Failed  uint64     `json:"failed"`  // runs
	Skipped uint64     `json:"skipped"` // runs that were due while one was still running, or that had no result
	Error   string     `json:"error"`   // of the last run; empty if it passed
}

// Runner is the process that runs the commands of the configuration.
type Runner struct {
	Ready bool       `json:"ready"` // it runs them
	PID   int        `json:"pid"`   // 0 if there is none
	Since *time.Time `json:"since"` // of this state
	Lost  uint64     `json:"lost"`  // how often it was lost
	Error string     `json:"error"` // why it is not ready; empty if it is
	// Unkept is set if no process would start it again: ripcord has to be restarted.
	Unkept bool `json:"unkept,omitempty"`
}

// Link is one network interface, with RFC 2863's operational state.
type Link struct {
	Name             string `json:"name"`
	Index            int    `json:"ifindex"` // 0 if there is no such interface
	Up               bool   `json:"up"`      // usable, by everything that ripcord knows
	AdminUp          bool   `json:"admin_up"`
	Carrier          bool   `json:"carrier"`
	OperState        string `json:"operstate"`
	Monitor          string `json:"monitor"` // the source that reports the link's state
	CarrierUpCount   uint32 `json:"carrier_up_count"`
	CarrierDownCount uint32 `json:"carrier_down_count"`
	Confirm          int64  `json:"confirm_us"` // the present period of questions to the driver; 0: it is not asked
	Poll             int64  `json:"poll_us"`    // the same for the poller
	Stretched        bool   `json:"stretched"`  // one of them is longer than configured
	Hint             string `json:"hint"`       // how the kernel's hints are used: used, unproven, late, off, none
	Reason           string `json:"reason"`     // why there is no carrier, in the driver's words; empty if unknown
	Trouble          string `json:"trouble"`    // why it is not usable, in words; empty if it is
	// Device is the interface's own name if Name is an alternative one; Master is the device that
	// takes all frames that arrive on it, as "br0 (bridge)".
	Device           string     `json:"device,omitempty"`
	Master           string     `json:"master,omitempty"`
	LastChange       *time.Time `json:"last_change"`
	LastChangeSource string     `json:"last_change_source"`
	Unchanged        bool       `json:"unchanged,omitempty"` // since the daemon found it, at LastChange
}
