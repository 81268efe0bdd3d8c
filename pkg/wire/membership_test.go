package wire

import (
	"bytes"
	"net/netip"
	"testing"
)

// TestReports compares whole frames; their checksums were computed independently of this code.
func TestReports(t *testing.T) {
	for _, tt := range []struct {
		name          string
		report        func(b []byte, mac [6]byte, source, group netip.Addr) []byte
		source, group netip.Addr
		hex           string
	}{
		{"MLDv1", AppendReport, host6, Group6,
			"33330000001202000000000786dd" + "6000000000200001" + "fe800000000000000000000000000007" + "ff020000000000000000000000000012" +
				"3a00050200000100" + "83007ffb00000000" + "ff020000000000000000000000000012"},
		{"MLDv2", AppendStateReport, host6, Group6,
			"33330000001602000000000786dd" + "6000000000240001" + "fe800000000000000000000000000007" + "ff020000000000000000000000000016" +
				"3a00050200000100" + "8f006ff200000001" + "04000000" + "ff020000000000000000000000000012"},
		{"IGMPv2", AppendReport, host4, Group4,
			"01005e0000120200000000070800" + "46c00020000040000102" + "41fec0000207e0000012" + "94040000" + "160009ed" + "e0000012"},
		{"IGMPv3", AppendStateReport, host4, Group4,
			"01005e0000160200000000070800" + "46c00028000040000102" + "41f2c0000207e0000016" + "94040000" + "2200f9eb00000001" + "04000000" + "e0000012"},
	} {
		want := unhex(t, tt.hex)
		if got := tt.report([]byte{9}, host, tt.source, tt.group); !bytes.Equal(got[1:], want) || got[0] != 9 {
			t.Errorf("%s:\n%x, want\n%x", tt.name, got[1:], want)
		}
	}
}
