package addr

import (
	"errors"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func openDevices(t *testing.T) *LinuxDevices {
	t.Helper()
	d, err := OpenDevices()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// find lists all links, and gives the one of that name.
func find(t *testing.T, d *LinuxDevices, name string) Netdev {
	t.Helper()
	all, err := d.Links()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(n Netdev) bool { return n.Name == name })
	if i < 0 {
		return Netdev{}
	}
	return all[i]
}

func sysctl(t *testing.T, key string) string {
	t.Helper()
	value, err := readSysctl(key)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// A device is what was asked for, is known again by another run, and leaves the
// link below as it was.
func TestDeviceOfTheKernel(t *testing.T) {
	near, _ := cable(t)
	d, below := openDevices(t), indexOf(t, near)
	find(t, d, near)
	m := Make{Device: Device{Name: "vrrp6.51", MAC: [6]byte{0, 0, 0x5e, 0, 2, 51}}, Below: below, IPv6: true}
	if err := d.Make(m); err != nil {
		t.Fatal(err)
	}
	if err := d.Make(m); !errors.Is(err, unix.EEXIST) {
		t.Errorf("a second of that name: %v", err)
	}
	n := find(t, d, m.Name)
	if want := (Netdev{
		Index: n.Index, Below: below, Name: m.Name, MAC: m.MAC, Ours: true, On: below, Kind: "macvlan", MTU: 1500, Shared: true,
	}); !reflect.DeepEqual(n, want) || n.Index == 0 {
		t.Errorf("made %+v, want %+v", n, want)
	}
	if err := d.Tune(near, m.Name, true); err != nil {
		t.Fatal(err)
	}
	if err := d.SetUp([]int{n.Index}, true); err != nil {
		t.Fatal(err)
	}
	if !find(t, d, m.Name).Up {
		t.Error("it is not up")
	}
	if text := ip(t, "-d", "address", "show", m.Name); strings.Contains(text, "inet") || !strings.Contains(text, "mode vepa") {
		t.Errorf("RFC 9568 §7.4: no address made of the virtual MAC, and mode VEPA:\n%s", text)
	}
	ignore := "ipv4/conf/" + near + "/arp_ignore"
	if got := sysctl(t, ignore); got != "1" {
		t.Errorf("arp_ignore of %s is %s", near, got)
	}
	k := kernel(t) // its address has a route behind those of the link below
	if err := k.AddBatch([]Op{{Index: n.Index, Address: Address{Prefix: netip.MustParsePrefix("10.7.0.1/24")}, Behind: true}}); err != nil {
		t.Fatal(err)
	}
	if text := ip(t, "route", "show", "dev", m.Name); !strings.Contains(text, "metric 1048576") {
		t.Errorf("its route: %s", text)
	}

	d = openDevices(t) // after a crash
	if n := find(t, d, m.Name); !n.Ours {
		t.Errorf("it is not known again: %+v", n)
	}
	if err := d.SetUp([]int{n.Index, 99999}, false); err == nil || find(t, d, m.Name).Up {
		t.Errorf("one of two set down: %v, up %t", err, find(t, d, m.Name).Up)
	}
	if err := d.Restore([]string{near}); err != nil || sysctl(t, ignore) != "1" {
		t.Errorf("kept: %v, arp_ignore=%s", err, sysctl(t, ignore))
	}
	if err := errors.Join(d.Remove(n.Index), d.Restore(nil)); err != nil {
		t.Error(err)
	}
	if n := find(t, d, m.Name); n.Index != 0 || sysctl(t, ignore) != "0" {
		t.Errorf("left: %+v, arp_ignore=%s", n, sysctl(t, ignore))
	}
}

// What somebody else has set meanwhile is not taken back.
func TestRestoreLeavesOthersSettings(t *testing.T) {
	near, _ := cable(t)
	d := openDevices(t)
	find(t, d, near)
	m := Make{Device: Device{Name: "vrrp.9", MAC: [6]byte{0, 0, 0x5e, 0, 1, 9}}, Below: indexOf(t, near)}
	if err := errors.Join(d.Make(m), d.Tune(near, m.Name, false)); err != nil {
		t.Fatal(err)
	}
	if got := sysctl(t, "ipv6/conf/vrrp.9/disable_ipv6"); got != "1" {
		t.Errorf("it takes part in IPv6: %s", got)
	}
	ignore := "ipv4/conf/" + near + "/arp_ignore"
	if err := os.WriteFile(netSysctls+ignore, []byte("2"), 0); err != nil {
		t.Fatal(err)
	}
	index := find(t, d, m.Name).Index
	if err := errors.Join(d.Tune(near, m.Name, false), d.Remove(index), d.Restore(nil)); err != nil {
		t.Fatal(err)
	}
	if got := sysctl(t, ignore); got != "2" {
		t.Errorf("arp_ignore is %s, want what somebody set", got)
	}
}
