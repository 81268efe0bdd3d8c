package nic

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeNIC answers the ioctls of an MII as the kernel would.
type fakeNIC struct {
	phy       uint16
	registers map[uint16][]uint16 // each reading takes the next value; the last one repeats
	fails     map[uint]error
	asked     int
}

func (n *fakeNIC) ioctl(_ int, request uint, arg *miiRequest) error {
	n.asked++
	if err := n.fails[request]; err != nil {
		return err
	}
	switch request {
	case unix.SIOCGIFNAME:
		if arg.phy != 7 {
			return unix.ENODEV
		}
		copy(arg.name[:], "eth7")
	case siocgmiiphy, siocgmiireg:
		if string(arg.name[:5]) != "eth7\x00" {
			return unix.ENODEV
		}
		if request == siocgmiiphy {
			arg.phy = n.phy
			return nil
		}
		if arg.phy != n.phy {
			return unix.EIO
		}
		values := n.registers[arg.register]
		if len(values) == 0 {
			return nil
		}
		arg.out = values[0]
		if len(values) > 1 {
			n.registers[arg.register] = values[1:]
		}
	}
	return nil
}

func TestMIIFakeIoctl(t *testing.T) {
	nic := &fakeNIC{phy: 1, registers: map[uint16][]uint16{
		regBMCR: {0x1140}, regBMSR: {0x7969, 0x796d}, regID1: {0x02a8}, regID2: {0x0150}, regAdvertise: {0x0de1}, regPartner: {0x01e1}}}
	m := &MII{ioctl: nic.ioctl}
	if phy, err := m.Present(7); phy != 1 || err != nil {
		t.Errorf("Present: %d, %v", phy, err)
	}
	if b, err := m.Status(7); b != (MIIStatus{Up: true, Flapped: true}) || err != nil {
		t.Errorf("first Status: %+v, %v: the latched loss is missing", b, err)
	}
	if b, err := m.Status(7); b != (MIIStatus{Up: true}) || err != nil {
		t.Errorf("second Status: %+v, %v", b, err)
	}
	want := Transceiver{PHY: 1, ID: 0x02a80150, BMCR: 0x1140, BMSR: 0x796d, Advertised: 0x0de1, Partner: 0x01e1, Status: MIIStatus{Up: true}}
	if x, err := m.Probe(7); x != want || err != nil {
		t.Errorf("Probe: %+v, %v", x, err)
	}
	if n := testing.AllocsPerRun(100, func() { m.Status(7) }); n != 0 {
		t.Errorf("Status allocates %v times", n)
	}
}

// TestMIIErrorsFakeIoctl requires that an error is not a state, neither up nor down.
func TestMIIErrorsFakeIoctl(t *testing.T) {
	for name, c := range map[string]struct {
		nic   fakeNIC
		index int
		want  error
		text  string
	}{
		"no transceiver":  {fakeNIC{fails: map[uint]error{siocgmiiphy: unix.EOPNOTSUPP}}, 7, unix.EOPNOTSUPP, "SIOCGMIIPHY: operation not supported"},
		"not allowed":     {fakeNIC{fails: map[uint]error{siocgmiiphy: unix.EPERM}}, 7, unix.EPERM, "SIOCGMIIPHY: operation not permitted"},
		"register fails":  {fakeNIC{fails: map[uint]error{siocgmiireg: unix.EIO}}, 7, unix.EIO, "SIOCGMIIREG 1: input/output error"},
		"no such NIC":     {fakeNIC{}, 8, unix.ENODEV, "SIOCGIFNAME: no such device"},
		"bus is floating": {fakeNIC{registers: map[uint16][]uint16{regBMSR: {0xffff}}}, 7, errSilent, errSilent.Error()},
	} {
		m := &MII{ioctl: c.nic.ioctl}
		if b, err := m.Status(c.index); !errors.Is(err, c.want) || err.Error() != c.text || b != (MIIStatus{}) {
			t.Errorf("%s: Status %+v, %v", name, b, err)
		}
		if x, err := m.Probe(c.index); !errors.Is(err, c.want) || x != (Transceiver{}) {
			t.Errorf("%s: Probe %+v, %v", name, x, err)
		}
	}
}
