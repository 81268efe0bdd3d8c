// Package conformance is the index of what the protocol demands, and of what
// others test: each with our own test of it. The test below sees that what the
// tables name is there.
//
// Names. "RFC n" is a sentence of the standard, "erratum" one of its corrections.
// "holo" is a case of Holo's conformance suite, "vpp" of VPP's test_vrrp, "ze" a
// negative that ze tests. CORRECTED marks a case in which the other contradicts
// RFC 9568, and ours follows the RFC; RELAXED a sentence that we obey in sending,
// but do not enforce on receipt.
package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entry says where a demand is tested: a script of pkg/vrrp/machine, or a file and a text
// in it, the name of a test or case.
type entry struct {
	demand string
	file   string
	text   string // "" for a script, which is about nothing else
}

const (
	scripts   = "pkg/vrrp/machine/testdata/"
	receiving = "pkg/advert/validate/conformance_test.go"
	rejects   = "pkg/wire/advert_test.go"
	packets   = "pkg/wire/conformance_test.go"
)

var standard = []entry{
	{"RFC 9568 §5.1.1, §5.1.2 carrier: group, TTL or hop limit, source", "test/lab/wire_test.go", "TestTsharkDecodes"},
	{"RFC 9568 §5.2 message, golden vectors", rejects, "TestGolden"},
	{"RFC 9568 §5.2.6 reserved bits are ignored", rejects, "TestReservedBitsAreIgnored"},
	{"RFC 9568 §5.2.7 interval, every value", "pkg/wire/roundtrip_test.go", "TestIntervalDoesNotDrift"},
	{"RFC 9568 §5.2.8 checksum, either form over IPv4", receiving, "§5.2.8: the checksum covers the message"},
	{"RFC 9568 §5.2.9 family of the addresses", packets, "TestFamilyIsThatOfTheIPHeader"},
	{"RFC 9568 §6.1 Skew_Time, Active_Down_Interval", scripts + "rfc9568-timers.txt", ""},
	{"RFC 9568 §6.1 the owner always preempts", scripts + "owner.txt", ""},
	{"RFC 9568 §6.4.3 Active: a higher priority is heard, were it the owner's, from our own address", "test/lab/owner_test.go", "TestOwnerReturns"},
	{"RFC 9568 §6.4.1 Initialize", scripts + "rfc9568-initialize.txt", ""},
	{"RFC 9568 §6.4.2 Backup", scripts + "rfc9568-backup.txt", ""},
	{"RFC 9568 §6.4.2 Backup, Preempt_Mode False", scripts + "rfc9568-backup-preempt-mode-false.txt", ""},
	{"RFC 9568 §6.4.3 Active", scripts + "rfc9568-active.txt", ""},
	{"RFC 9568 §7.1 every sentence", receiving, "TestRFC9568Receiving"},
	{"RFC 9568 §7.1 the order of the checks", "pkg/advert/validate/accept_test.go", "TestAcceptLadder"},
	{"RFC 9568 §7.2 gratuitous ARP, unsolicited NA", "pkg/wire/frames_test.go", "TestFrames"},
	{"RFC 9568 §8.4 an Active that sends both versions", scripts + "version_mixed_slow.txt", "An Active that sends both"},
	{"erratum 7947, 7949: the ARP carries the address and our MAC as target", "pkg/wire/frames_test.go", "TestFrames"},
	{"erratum 8298: two owners, on receipt", receiving, "erratum 8298"},
	{"erratum 8298: two owners, tie-break by address", scripts + "rfc9568-two-owners.txt", ""},
	{"erratum 8299: count 0", receiving, "erratum 8299"},
	{"erratum 8300: first address link-local, on receipt RELAXED: counted, logged, kept", receiving, "erratum 8300, RELAXED"},
	{"erratum 8300: warned of in the configuration", "pkg/config/testdata/03-defaults-and-warnings.golden", "is not link-local"},
	{"erratum 8301: interval 0", receiving, "erratum 8301"},
	{"erratum 8301: the range of the interval", "pkg/wire/roundtrip_test.go", "interval 40.96s"},

	{"RFC 3768 §5.3 message, golden vectors", rejects, "v2 two addresses"},
	{"RFC 3768 §5.2, §5.3 carrier and message on the wire", "test/lab/wire_test.go", "v2, password"},
	{"RFC 3768 §5.3.8 checksum over the message", rejects, "v2 with the checksum of v3"},
	{"RFC 3768 §5.3.10 data of no authentication is ignored", rejects, "TestAuthDataIsIgnored"},
	{"RFC 3768 §6 timers and states", scripts + "version_2.txt", ""},
	{"RFC 3768 §7.1 Adver Int, Auth Type, addresses", "pkg/advert/validate/accept_test.go", "TestAcceptV2"},
	{"RFC 2338 §5.3.10 simple password", rejects, "TestPassword"},

	{"a LAN of mixed versions: what is heard", "pkg/advert/validate/accept_test.go", "TestAcceptTheOtherVersion"},
	{"a LAN of mixed versions: a Backup is held, an Active goes on", scripts + "version_mixed.txt", ""},
	{"a LAN of mixed versions, with keepalived", "test/interop/versions_test.go", "TestKeepalivedLeftAtVersion2"},
}

var others = []entry{
	{"holo 1 master-down-timer1", scripts + "holo-01-master-down-timer1.txt", ""},
	{"holo 2 nb-config-instance1: the virtual MAC's interface", "test/lab/virtual_mac_test.go", "TestVirtualMAC"},
	{"holo 3 nb-config-instance2: it is removed", "test/lab/virtual_mac_life_test.go", "TestVirtualMACAfterACrash"},
	{"holo 8 packet-error1", receiving, "packet-error1"},
	{"holo 9 packet-error2", receiving, "packet-error2"},
	{"holo 9 CORRECTED for v3: learned", receiving, "CORRECTED for v3"},
	{"holo 10 packet-error3", receiving, "packet-error3"},
	{"holo 11 packet1", scripts + "holo-11-packet1.txt", ""},
	{"holo 12 packet2, CORRECTED for v3", scripts + "holo-12-packet2.txt", "CORRECTED"},
	{"holo 13 packet3", scripts + "holo-13-packet3.txt", ""},
	{"holo 14 ibus-iface-update1, CORRECTED", scripts + "holo-14-ibus-iface-update1.txt", "CORRECTED"},
	{"holo 15 ibus-iface-update2, CORRECTED: the interface of the virtual MAC is put back", "test/lab/virtual_mac_life_test.go", "TestVirtualMACFollowsItsLink"},
	{"holo 16 topology v2-topo1-1", scripts + "holo-16-topology-v2.txt", ""},
	{"holo 17 topology v3-topo1-1, CORRECTED", scripts + "holo-17-topology-v3-ipv6.txt", "CORRECTED"},
	{"holo 18 topology v3-topo1-2", scripts + "holo-18-topology-v3-ipv4.txt", ""},
	{"holo packet tests", packets, "TestHoloPackets"},

	{"vpp master_adv", scripts + "vpp-master-adv.txt", ""},
	{"vpp master_adv: the frames", "test/lab/wire_test.go", "TestTsharkDecodes"},
	{"vpp backup_noadv", scripts + "vpp-backup-noadv.txt", ""},
	{"vpp election", scripts + "vpp-election.txt", ""},
	{"vpp backup_preempts", scripts + "vpp-backup-preempts.txt", ""},
	{"vpp master_preempted", scripts + "vpp-master-preempted.txt", ""},
	{"vpp master_arp, backup_noarp: who answers", "test/interop/events_test.go", "alone checks that in the last interval"},
	{"vpp master_nd, backup_nond, with the virtual MAC", "test/lab/virtual_mac_test.go", "TestVirtualMAC"},
	{"vpp accept_mode_disabled, accept_mode_enabled", "test/lab/held_test.go", "TestAcceptFalse"},
	{"vpp master_adv_unicast", "test/lab/unicast_test.go", "TestUnicast"},
	{"vpp oversized_addrlist", receiving, "TestVPPOversizedAddrlist"},

	{"ze N1 either checksum", receiving, "[N1]"},
	{"ze N1b both wrong", rejects, "[N1b]"},
	{"ze N2 trailer of v2 on v3", rejects, "[N2]"},
	{"ze N3 IP options, header lengths", "pkg/wire/ipv4_test.go", "TestSplitIPv4"},
	{"ze N4 TTL 64", rejects, "[N4]"},
	{"ze N5 count 0", rejects, "[N5]"},
	{"ze N6 interval 0", rejects, "[N6]"},
	{"ze N7 255 addresses, nothing allocated", "pkg/wire/roundtrip_test.go", "[N7]"},
	{"ze N8 auth type", "pkg/advert/validate/accept_test.go", "MUST verify that the Auth Type matches"},
	{"ze N9 the other version", "pkg/advert/validate/accept_test.go", "[N9]"},
	{"ze N10 no drift", "pkg/wire/roundtrip_test.go", "[N10]"},
	{"ze boundaries of VRID, interval, priority", "pkg/wire/roundtrip_test.go", "TestEncodable"},
}

// Not ours to test yet, since what they are about is refused by name: holo 4 to 7
// and vpp master_adv_update (a configuration that changes while it is in force), vpp
// intf_tracking.

func TestIndex(t *testing.T) {
	for _, e := range append(append([]entry{}, standard...), others...) {
		text, err := os.ReadFile(filepath.Join("..", "..", e.file))
		if err != nil {
			t.Errorf("%s: %v", e.demand, err)
		} else if !strings.Contains(string(text), e.text) {
			t.Errorf("%s: %s does not have %q", e.demand, e.file, e.text)
		}
	}
}

// TestEveryScriptIsListed: a conformance script that nobody finds is lost.
func TestEveryScriptIsListed(t *testing.T) {
	for _, pattern := range []string{"rfc*.txt", "holo-*.txt", "vpp-*.txt"} {
		files, err := filepath.Glob(filepath.Join("..", "..", scripts, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			listed := false
			for _, e := range append(append([]entry{}, standard...), others...) {
				listed = listed || e.file == scripts+filepath.Base(file)
			}
			if !listed {
				t.Errorf("%s is in no table", filepath.Base(file))
			}
		}
	}
}
