package nic

import "testing"

// TestExtendedString checks names of enum ethtool_link_ext_state, and of a substate of each.
func TestExtendedString(t *testing.T) {
	for x, want := range map[Extended]string{
		{0, 0}: "autoneg", {0, 1}: "autoneg: no partner detected", {0, 6}: "autoneg: no common mode", {0, 7}: "autoneg: substate 7",
		{1, 4}: "link training failure: remote fault", {2, 5}: "logical mismatch: RS FEC is not locked",
		{3, 2}: "bad signal integrity: unsupported rate", {4, 0}: "no cable", {4, 1}: "no cable: substate 1",
		{5, 1}: "cable issue: unsupported cable", {6, 0}: "EEPROM issue", {7, 0}: "calibration failure",
		{8, 0}: "power budget exceeded", {9, 0}: "overheat", {10, 1}: "module: CMIS not ready", {11, 2}: "extended state 11",
	} {
		if got := x.String(); got != want {
			t.Errorf("%+v: %q, want %q", x, got, want)
		}
	}
}
