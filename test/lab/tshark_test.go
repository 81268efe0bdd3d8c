package lab

import (
	endian "encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ripcord/pkg/lan"
)

// program returns the path of a program that test/setup installs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: run test/setup, which installs it", name)
	}
	return path
}

// record starts to record the frames of the inside segment.
func (s *site) record() *lan.Recorder {
	s.t.Helper()
	r, err := s.Segment(inside.name).Record()
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// decoded is a frame as tshark reads it: the values of its fields, by name.
type decoded map[string]string

// fields are the fields that tshark prints, in addition to its complaints.
var fields = []string{
	"eth.src", "eth.dst", "ip.src", "ip.dst", "ip.ttl", "ip.dsfield.dscp", "ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.tclass.dscp",
	"vrrp.version", "vrrp.type", "vrrp.virt_rtr_id", "vrrp.prio", "vrrp.addr_count", "vrrp.adver_int", "vrrp.short_adver_int",
	"vrrp.reserved_mbz", "vrrp.checksum.status", "vrrp.auth_type", "vrrp.auth_string", "vrrp.ip_addr", "vrrp.ipv6_addr",
	"arp.isgratuitous", "arp.opcode", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.proto_ipv4",
	"icmp.type", "icmpv6.type", "icmpv6.code", "icmpv6.checksum.status", "icmpv6.nd.na.flag.r", "icmpv6.nd.na.flag.s", "icmpv6.nd.na.flag.o",
	"icmpv6.nd.na.target_address", "icmpv6.opt.linkaddr",
}

// complaints are the fields in which tshark reports errors of a frame, and their severity.
var complaints = []string{"_ws.expert.severity", "_ws.expert.message", "_ws.malformed"}

// decode decodes frames with tshark.
func decode(t *testing.T, frames []lan.Frame) []decoded {
	t.Helper()
	path := filepath.Join(t.TempDir(), "frames.pcap")
	if err := os.WriteFile(path, pcap(frames), 0o600); err != nil {
		t.Fatal(err)
	}
	all := append(fields[:len(fields):len(fields)], complaints...)
	args := []string{"-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|"}
	for _, f := range all {
		args = append(args, "-e", f)
	}
	var problems strings.Builder
	command := exec.Command(program(t, "tshark"), args...)
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, problems.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(frames) {
		t.Fatalf("tshark reads %d of %d frames: %s", len(lines), len(frames), problems.String())
	}
	var read []decoded
	for _, line := range lines {
		d := make(decoded)
		for i, value := range strings.Split(line, "\t") {
			switch value { // later versions than Debian 12's spell them out
			case "True":
				value = "1"
			case "False":
				value = "0"
			}
			d[all[i]] = value
		}
		read = append(read, d)
	}
	return read
}

// pcap returns the content of a capture file of Ethernet frames, in the classic format.
func pcap(frames []lan.Frame) []byte {
	le := endian.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4) // times in µs
	b = le.AppendUint16(b, 2)             // version 2.4
	b = le.AppendUint16(b, 4)
	b = le.AppendUint64(b, 0)      // time zone, accuracy
	b = le.AppendUint32(b, 0xffff) // longest frame
	b = le.AppendUint32(b, 1)      // Ethernet
	for _, f := range frames {
		b = le.AppendUint32(b, uint32(f.At.Unix()))
		b = le.AppendUint32(b, uint32(f.At.Nanosecond()/1000))
		b = le.AppendUint32(b, uint32(len(f.Data))) // captured length
		b = le.AppendUint32(b, uint32(len(f.Data))) // original length
		b = append(b, f.Data...)
	}
	return b
}

// complaint returns what tshark reports about a frame as a warning or an error; empty if nothing.
func (d decoded) complaint() string {
	const warning = 0x600000 // PI_WARN of Wireshark's epan/proto.h
	if d["_ws.malformed"] != "" {
		return "malformed: " + d["_ws.expert.message"]
	}
	messages := strings.Split(d["_ws.expert.message"], "|")
	for i, s := range strings.Split(d["_ws.expert.severity"], "|") {
		if severity, _ := strconv.ParseUint(s, 0, 32); severity >= warning {
			return messages[min(i, len(messages)-1)]
		}
	}
	return ""
}

// differing returns the names of the fields that do not have the wanted value.
func (d decoded) differing(want decoded) (names []string) {
	for name, value := range want {
		if d[name] != value {
			names = append(names, name)
		}
	}
	return names
}

// isICMPError reports whether a frame is an ICMP error, which contains the header of another packet:
// a host without VRRP answers unicast adverts with such errors.
func (d decoded) isICMPError() bool {
	return d["icmp.type"] != "" || d["icmpv6.type"] == "1" || d["icmpv6.type"] == "4"
}

// count returns the number of frames whose fields have the wanted values.
func count(frames []decoded, want decoded) (n int) {
	for _, f := range frames {
		if len(f.differing(want)) == 0 {
			n++
		}
	}
	return n
}

// merged returns the fields of all of these. Later ones replace earlier ones.
func merged(list ...decoded) decoded {
	all := make(decoded)
	for _, d := range list {
		maps.Copy(all, d)
	}
	return all
}
