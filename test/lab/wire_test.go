package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// capture records, until the function is called, what reaches a host, and gives
// the file's path.
func (s *site) capture(host, ifname string) (stop func() string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "capture.pcapng")
	tshark := exec.Command(program(s.t, "tshark"), "-n", "-q", "-i", ifname, "-w", path)
	if err := s.Host(host).Start(tshark); err != nil {
		s.t.Fatal(err)
	}
	// It writes the head of the file when it has begun to listen.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			break
		}
		if time.Now().After(deadline) {
			s.t.Fatal("tshark has not begun to listen within 20s")
		}
	}
	return func() string {
		s.t.Helper()
		_ = tshark.Process.Signal(syscall.SIGINT)
		if err := tshark.Wait(); err != nil {
			s.t.Fatalf("tshark: %v", err)
		}
		return path
	}
}

// tshark reads a capture, by a display filter: a line for each packet.
func (s *site) tshark(path, filter string, args ...string) []string {
	s.t.Helper()
	var problems strings.Builder
	command := exec.Command(program(s.t, "tshark"), append([]string{"-n", "-r", path, "-Y", filter}, args...)...)
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		s.t.Fatalf("tshark -Y %q: %v: %s", filter, err, problems.String())
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

// Wireshark's eyes on what ripcord sends: adverts, resignations, gratuitous ARP
// and unsolicited neighbor advertisements of both families are well formed,
// their checksums good, and their headers as RFC 9568 §5.1, RFC 5227 and
// RFC 4861 §4.4 demand.
func TestTsharkDecodes(t *testing.T) {
	t.Parallel()
	s := newSharedSite(t, []shared{insideIPv4}, "a")
	six := insideIPv6
	six.name = "inside6"
	stop := s.capture("client", inside.ifname)
	began := time.Now()
	a := s.startShared("a", 150, 200*time.Millisecond, insideIPv4, six)
	a.becomes("active", began, 5*time.Second)
	time.Sleep(1500 * time.Millisecond)
	a.signal(syscall.SIGTERM)
	<-a.exited
	time.Sleep(500 * time.Millisecond) // the kernel gives a capture its frames in blocks
	path := stop()

	mac := s.Cable("a", inside.ifname).MAC().String()
	linkLocal, err := s.Cable("a", inside.ifname).LinkLocal()
	if err != nil {
		t.Fatal(err)
	}
	advert := "eth.src == " + mac + " && vrrp.version == 3 && vrrp.type == 1 && vrrp.virt_rtr_id == 51 && " +
		"vrrp.short_adver_int == 20 && vrrp.reserved_mbz == 0 && vrrp.checksum.status == 1"
	ipv4 := advert + " && eth.dst == 01:00:5e:00:00:12 && ip.dst == 224.0.0.18 && ip.src == 192.0.2.11 && ip.ttl == 255 && " +
		"ip.dsfield.dscp == 48 && vrrp.addr_count == 1 && vrrp.ip_addr == 192.0.2.1"
	ipv6 := advert + " && eth.dst == 33:33:00:00:00:12 && ipv6.dst == ff02::12 && ipv6.src == " + linkLocal.String() + " && ipv6.hlim == 255 && " +
		"ipv6.tclass.dscp == 48 && vrrp.addr_count == 2 && vrrp.ipv6_addr == fe80::51:1 && vrrp.ipv6_addr == 2001:db8:51::1"
	na := "eth.dst == 33:33:00:00:00:01 && ipv6.dst == ff02::1 && ipv6.hlim == 255 && icmpv6.checksum.status == 1 && icmpv6.code == 0 && " +
		"icmpv6.nd.na.flag.r == 1 && icmpv6.nd.na.flag.s == 0 && icmpv6.nd.na.flag.o == 1 && icmpv6.opt.linkaddr == " + mac
	garp := "eth.dst == ff:ff:ff:ff:ff:ff && arp.dst.proto_ipv4 == 192.0.2.1 && arp.src.hw_mac == " + mac
	kinds := []struct {
		fields string // of the packets: where to, what
		least  int
		pick   string
		want   string
	}{
		{"224.0.0.18 150", 6, "ip && vrrp.prio != 0", ipv4 + " && vrrp.prio == 150"},
		{"ff02::12 150", 6, "ipv6 && vrrp.prio != 0", ipv6 + " && vrrp.prio == 150"},
		{"224.0.0.18 0", 1, "ip && vrrp.prio == 0", ipv4},
		{"ff02::12 0", 1, "ipv6 && vrrp.prio == 0", ipv6},
		{"192.0.2.1", 5, "arp.isgratuitous == 1 && arp.src.proto_ipv4 == 192.0.2.1", garp},
		{"ff02::1 2001:db8:51::1", 5, "icmpv6.nd.na.target_address == 2001:db8:51::1", na},
		{"ff02::1 fe80::51:1", 5, "icmpv6.nd.na.target_address == fe80::51:1", na},
	}
	var picks, wrongs []string
	for _, k := range kinds {
		picks = append(picks, "("+k.pick+")")
		wrongs = append(wrongs, fmt.Sprintf("((%s) && !(%s))", k.pick, k.want))
	}
	found := make(map[string]int)
	for _, packet := range s.tshark(path, strings.Join(picks, " || "), "-T", "fields", "-e", "ip.dst", "-e", "ipv6.dst",
		"-e", "vrrp.prio", "-e", "arp.src.proto_ipv4", "-e", "icmpv6.nd.na.target_address") {
		found[strings.Join(strings.Fields(packet), " ")]++
	}
	t.Logf("tshark finds %v", found)
	for _, k := range kinds {
		if n := found[k.fields]; n < k.least {
			t.Errorf("tshark finds %d of %q, want at least %d", n, k.fields, k.least)
		}
	}
	if wrong := s.tshark(path, strings.Join(wrongs, " || ")); len(wrong) > 0 {
		t.Errorf("%d packets are not as they should be:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	const warning = "0x600000" // PI_WARN of Wireshark's epan/proto.h
	if complaints := s.tshark(path, "eth.src == "+mac+" && (vrrp || arp || icmpv6.type == 136) && "+
		"(_ws.malformed || _ws.expert.severity >= "+warning+")"); len(complaints) > 0 {
		t.Errorf("tshark complains:\n%s", strings.Join(complaints, "\n"))
	}
}
