package link

import (
	"fmt"

	"ripcord/pkg/event"
)

// NIC is what one interface can tell of its link.
type NIC struct {
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
		Flapped     bool         `json:"flapped,omitempty"` // lost since it was last asked
		Error       string       `json:"error,omitempty"`
	} `json:"mii"`
	// Extended is why there is no carrier, in the driver's words.
	Extended struct {
		State string `json:"state,omitempty"`
		Error string `json:"error,omitempty"`
	} `json:"extended_state"`
	Monitor string `json:"monitor"` // what auto would choose now, before anything was seen to happen
	Why     string `json:"why"`
}

func describeNIC(s Seen) NIC {
	return NIC{Name: s.Name, Index: s.Index, AdminUp: s.AdminUp, Carrier: s.LowerUp,
		OperState: s.OperState.String(), UpCount: s.UpCount, DownCount: s.DownCount}
}

// Lines says it all, a line for each thing, behind the name of what it is.
func (n NIC) Lines() [][2]string {
	lines := [][2]string{
		{"flags", n.flags()},
		{"operstate", n.OperState},
		{"carrier", fmt.Sprintf("%s; came %d times, went %d times", yes(n.Carrier), n.UpCount, n.DownCount)},
	}
	if n.Driver != "" {
		lines = append(lines, [2]string{"driver", n.Driver})
	}
	if n.GLINK.Up != nil {
		lines = append(lines, [2]string{"ethtool", "link " + yes(*n.GLINK.Up)})
	} else {
		lines = append(lines, [2]string{"ethtool", n.GLINK.Error})
	}
	if state := n.extended(); state != "" {
		lines = append(lines, [2]string{"extended", state})
	}
	if n.MII.Transceiver != nil {
		lines = append(lines, [2]string{"mii", "transceiver present: " + n.MII.Transceiver.String()},
			[2]string{"link beat", yes(*n.MII.Up)})
	} else {
		lines = append(lines, [2]string{"mii", n.MII.Error})
	}
	return append(lines, [2]string{"monitor", "auto is " + n.Monitor + ": " + n.Why})
}

// extended is what there is to say of the extended state; drivers have one only
// while a link that is set up has no carrier.
func (n NIC) extended() string {
	switch {
	case n.Extended.Error != "":
		return n.Extended.Error
	case n.Extended.State == "" && n.AdminUp && !n.Carrier:
		return "the driver does not say why there is no carrier"
	}
	return n.Extended.State
}

func (n NIC) flags() string {
	words := "DOWN"
	if n.AdminUp {
		words = "UP"
	}
	switch {
	case n.Carrier:
		words += ",LOWER_UP"
	case n.AdminUp:
		words += ",NO-CARRIER"
	}
	return words
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Choice is what watches the link of that index, and why.
func (t *Table) Choice(index int) (monitor, why string) {
	e := t.byIndex[index]
	switch {
	case e == nil:
		return event.Unmonitored, "there is no such link"
	case e.choice.why == "":
		return string(e.choice.monitor), "it is administratively down; what its driver can tell is found out when it is set up"
	}
	return string(e.choice.monitor), e.choice.why
}
