package nic

import "fmt"

// Report contains everything known about the link of one interface. Its JSON keys are part of the
// interface of `ripcord link --json`.
type Report struct {
	Name      string `json:"name"`
	Index     int    `json:"ifindex"`
	AdminUp   bool   `json:"admin_up"`
	Carrier   bool   `json:"carrier"` // IFF_LOWER_UP
	OperState string `json:"operstate"`
	UpCount   uint32 `json:"carrier_up_count"`
	DownCount uint32 `json:"carrier_down_count"`
	Driver    string `json:"driver,omitempty"`
	GLINK     struct {
		Up    *bool  `json:"up,omitempty"`
		Error string `json:"error,omitempty"`
	} `json:"ethtool"`
	MII struct {
		Transceiver *Transceiver `json:"transceiver,omitempty"`
		Up          *bool        `json:"up,omitempty"`
		Flapped     bool         `json:"flapped,omitempty"` // lost and back since it was last asked
		Error       string       `json:"error,omitempty"`
	} `json:"mii"`
	// Extended is the driver's reason why there is no carrier.
	Extended struct {
		State string `json:"state,omitempty"`
		Error string `json:"error,omitempty"`
	} `json:"extended_state"`
	Monitor string `json:"monitor"` // the monitor that auto would choose now, before any change was seen
	Why     string `json:"why"`
	// Hint describes how the kernel's own reports of changes of its carrier flag are used, in the
	// words of status, and HintWhy the reason.
	Hint    string `json:"hint"`
	HintWhy string `json:"hint_why"`
}

// times formats how often something happened.
func times(n uint32) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Lines returns the report for a person: pairs of a label and a text.
func (r Report) Lines() [][2]string {
	lines := [][2]string{
		{"flags", r.flags()},
		{"operstate", r.OperState},
		{"carrier", yes(r.Carrier) + "; came " + times(r.UpCount) + ", went " + times(r.DownCount)},
	}
	if r.Driver != "" {
		lines = append(lines, [2]string{"driver", r.Driver})
	}
	if r.GLINK.Up != nil {
		lines = append(lines, [2]string{"ethtool", "link " + yes(*r.GLINK.Up)})
	} else {
		lines = append(lines, [2]string{"ethtool", r.GLINK.Error})
	}
	if state := r.extended(); state != "" {
		lines = append(lines, [2]string{"extended", state})
	}
	if r.MII.Transceiver != nil {
		lines = append(lines, [2]string{"mii", "transceiver present: " + r.MII.Transceiver.String()},
			[2]string{"link beat", yes(*r.MII.Up)})
	} else {
		lines = append(lines, [2]string{"mii", r.MII.Error})
	}
	lines = append(lines, [2]string{"monitor", "auto is " + r.Monitor + ": " + r.Why})
	if r.Hint != "" {
		lines = append(lines, [2]string{"hint", r.Hint + ": " + r.HintWhy})
	}
	return lines
}

// extended returns the text for the extended state. Drivers have one only while a link that is set
// up has no carrier.
func (r Report) extended() string {
	switch {
	case r.Extended.Error != "":
		return r.Extended.Error
	case r.Extended.State == "" && r.AdminUp && !r.Carrier:
		return "the driver reports no reason for the missing carrier"
	}
	return r.Extended.State
}

func (r Report) flags() string {
	flags := "DOWN"
	if r.AdminUp {
		flags = "UP"
	}
	switch {
	case r.Carrier:
		flags += ",LOWER_UP"
	case r.AdminUp:
		flags += ",NO-CARRIER"
	}
	return flags
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
