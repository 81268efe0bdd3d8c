package macvlan

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ripcord/pkg/sysctl"
	"ripcord/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

func openKernel(t *testing.T) *LinuxKernel {
	t.Helper()
	d, err := OpenKernel()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// find lists all links, and returns the one with that name.
func find(t *testing.T, d *LinuxKernel, name string) Link {
	t.Helper()
	all, err := d.Links()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(n Link) bool { return n.Name == name })
	if i < 0 {
		return Link{}
	}
	return all[i]
}

func read(t *testing.T, key string) string {
	t.Helper()
	value, err := sysctl.Read(key)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestDeviceOfTheKernel requires that a device has the requested properties, is recognized by
// another run, and leaves the link below as it was.
func TestDeviceOfTheKernel(t *testing.T) {
	near, _ := netns.Cable(t)
	d, below := openKernel(t), netns.Index(t, near)
	find(t, d, near)
	m := Shape{Device: Device{Name: "vrrp6.51", MAC: [6]byte{0, 0, 0x5e, 0, 2, 51}}, Below: below, IPv6: true}
	if err := d.Make(m); err != nil {
		t.Fatal(err)
	}
	if err := d.Make(m); !errors.Is(err, unix.EEXIST) {
		t.Errorf("a second device with that name: %v", err)
	}
	n := find(t, d, m.Name)
	if want := (Link{
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
		t.Error("the device is not up")
	}
	if text := netns.IP(t, "-d", "address", "show", m.Name); strings.Contains(text, "inet") || !strings.Contains(text, "mode vepa") {
		t.Errorf("RFC 9568 §7.4: no address made from the virtual MAC, and mode VEPA:\n%s", text)
	}
	ignore := "ipv4/conf/" + near + "/arp_ignore"
	if got := read(t, ignore); got != "1" {
		t.Errorf("arp_ignore of %s is %s", near, got)
	}

	d = openKernel(t) // after a crash
	if n := find(t, d, m.Name); !n.Ours {
		t.Errorf("the device is not recognized: %+v", n)
	}
	if err := d.SetUp([]int{n.Index, 99999}, false); err == nil || find(t, d, m.Name).Up {
		t.Errorf("one of two set down: %v, up %t", err, find(t, d, m.Name).Up)
	}
	if err := d.Restore([]string{near}); err != nil || read(t, ignore) != "1" {
		t.Errorf("kept: %v, arp_ignore=%s", err, read(t, ignore))
	}
	if err := errors.Join(d.Remove(n.Index), d.Restore(nil)); err != nil {
		t.Error(err)
	}
	if n := find(t, d, m.Name); n.Index != 0 || read(t, ignore) != "0" {
		t.Errorf("left: %+v, arp_ignore=%s", n, read(t, ignore))
	}
}

// TestRestoreLeavesOthersSettings requires that a setting that another program has changed
// meanwhile is not restored.
func TestRestoreLeavesOthersSettings(t *testing.T) {
	near, _ := netns.Cable(t)
	d := openKernel(t)
	find(t, d, near)
	m := Shape{Device: Device{Name: "vrrp.9", MAC: [6]byte{0, 0, 0x5e, 0, 1, 9}}, Below: netns.Index(t, near)}
	if err := errors.Join(d.Make(m), d.Tune(near, m.Name, false)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, "ipv6/conf/vrrp.9/disable_ipv6"); got != "1" {
		t.Errorf("the device takes part in IPv6: %s", got)
	}
	ignore := "ipv4/conf/" + near + "/arp_ignore"
	if err := sysctl.Write(ignore, "2"); err != nil {
		t.Fatal(err)
	}
	index := find(t, d, m.Name).Index
	if err := errors.Join(d.Tune(near, m.Name, false), d.Remove(index), d.Restore(nil)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, ignore); got != "2" {
		t.Errorf("arp_ignore is %s, want the other program's value", got)
	}
}
