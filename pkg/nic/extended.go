package nic

import "fmt"

// Extended is the extended state of a link, by which its driver reports why there is no carrier:
// enum ethtool_link_ext_state of linux/ethtool.h, with the substate if it is not 0.
type Extended struct{ State, Substate uint8 }

// String names state and substate: "autoneg: no partner detected".
func (x Extended) String() string {
	if int(x.State) >= len(extended) {
		return fmt.Sprintf("extended state %d", x.State)
	}
	s := extended[x.State]
	switch {
	case x.Substate == 0:
		return s.name
	case int(x.Substate) > len(s.sub):
		return fmt.Sprintf("%s: substate %d", s.name, x.Substate)
	}
	return s.name + ": " + s.sub[x.Substate-1]
}

// extended lists the states in the order of their numbers, which begin with 0, and their substates,
// which begin with 1.
var extended = [...]struct {
	name string
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
