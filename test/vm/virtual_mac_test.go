package vm

import (
	"encoding/binary"
	"testing"
	"time"
)

// inVRF is a NIC in a VRF with an instance that has a virtual MAC. The guest tells, as
// lines of the event test.master, what VRF the macvlan is in each time that it is up.
var inVRF = nic{
	name: "virtual MAC in a VRF", device: "virtio-net-pci", modules: []string{"virtio_pci", "virtio_net", "vrf", "macvlan"},
	keys: ", virtual_mac: true",
	stack: "$b ip link add red type vrf table 10; $b ip link set red up; $b ip link set $nic master red; " +
		"(was=; while :; do now=; [ \"$($b cat /sys/class/net/vrrp.51/operstate)\" = up ] && now=$($b readlink /sys/class/net/vrrp.51/master || echo none); " +
		"[ \"$now\" = \"$was\" ] || echo '{\"event\":\"test.master\",\"msg\":\"'${now##*/}'\"}'; was=$now; $b sleep 1; done) 2>/dev/null &",
	median: time.Second, latest: 3 * time.Second, plugged: 5 * time.Second,
}

// virtualMAC is that of VRID 51 over IPv4, and station that of a host that pings.
var (
	virtualMAC = [6]byte{0, 0, 0x5e, 0, 1, 51}
	station    = [6]byte{2, 0, 0, 0, 0, 99}
)

// TestVirtualMACInVRF: the macvlan of a virtual MAC stands in the VRF that its interface
// is in, so that hosts of the VRF's routes reach the address, on whichever of two
// routers it is.
func TestVirtualMACInVRF(t *testing.T) {
	p := need(t)
	t.Parallel()
	pair := newPair(t, p, inVRF, inVRF)
	pair.settle()
	for range 2 {
		c := pair.cables[pair.active]
		if l := c.wait(time.Time{}, 10*time.Second, "macvlan that is up", func(l line) bool { return l.Event == "test.master" && l.Msg != "" }); l.Msg != "red" {
			t.Errorf("the macvlan of guest %d is in %q, want the VRF red", pair.active, l.Msg)
		}
		pair.lan.serves(t, number(pair.active))
		other := pair.cables[1-pair.active]
		pulled := c.pull()
		other.reaches(pulled, 20*time.Second, "active")
		c.reaches(c.plug(), 20*time.Second, "backup")
		pair.active = 1 - pair.active
	}
}

// serves checks that adverts leave from the virtual MAC, and that the virtual address
// answers a host of the segment that pings it there.
func (s *lanSwitch) serves(t *testing.T, host byte) {
	t.Helper()
	begin := time.Now()
	for time.Since(begin) < 10*time.Second && len(s.answered(begin)) == 0 {
		s.send(request(host))
		s.send(echo())
		time.Sleep(100 * time.Millisecond)
	}
	for _, a := range s.since(host, begin) {
		if a.mac != virtualMAC {
			t.Errorf("an advert left from %x", a.mac)
		}
	}
	answers := s.answered(begin)
	if len(answers) == 0 {
		t.Error("the virtual address answers no ping")
	}
	for _, a := range answers {
		if a.to != station || a.host != 1 {
			t.Errorf("10.0.0.%d answered %x", a.host, a.to)
		}
	}
}

// ethernet is a frame from the station.
func ethernet(to [6]byte, kind uint16, payload []byte) []byte {
	frame := append(append([]byte{}, to[:]...), station[:]...)
	return append(binary.BigEndian.AppendUint16(frame, kind), payload...)
}

// request is the station's ARP request for a guest's own address: the guest learns the
// station's MAC from it.
func request(host byte) []byte {
	body := append([]byte{0, 1, 8, 0, 6, 4, 0, 1}, station[:]...)
	body = append(body, 10, 0, 0, 99, 0, 0, 0, 0, 0, 0, 10, 0, 0, host)
	return ethernet([6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0x0806, append(body, make([]byte, 18)...))
}

// echo is the station's ping of the virtual address.
func echo() []byte {
	packet := []byte{
		0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 99, 10, 0, 0, 1,
		8, 0, 0, 0, 0, 1, 0, 1,
	}
	binary.BigEndian.PutUint16(packet[10:], checksum(packet[:20]))
	binary.BigEndian.PutUint16(packet[22:], checksum(packet[20:]))
	return ethernet(virtualMAC, 0x0800, append(packet, make([]byte, 18)...))
}

// checksum is the Internet checksum (RFC 1071) of an even number of bytes.
func checksum(data []byte) uint16 {
	var sum uint32
	for i := 0; i < len(data); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(data[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
