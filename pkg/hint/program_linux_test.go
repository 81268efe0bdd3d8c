package hint

import (
	"net"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"ripcord/pkg/confine"
)

// at returns a member of a structure at an offset in bytes.
func at(offset uint32, name string, kind btf.Type) btf.Member {
	return btf.Member{Name: name, Type: kind, Offset: btf.Bits(8 * offset)}
}

// TestOffset checks that members are found in the structures, unions and types in which kernels
// have them.
func TestOffset(t *testing.T) {
	number := &btf.Int{Name: "int", Size: 4}
	possible := &btf.Typedef{Name: "possible_net_t", Type: &btf.Struct{Members: []btf.Member{at(8, "net", &btf.Pointer{Target: number})}}}
	device := &btf.Struct{Name: "net_device", Members: []btf.Member{
		at(0, "name", number),
		at(64, "", &btf.Struct{Members: []btf.Member{at(0, "state", number), at(16, "", &btf.Union{Members: []btf.Member{at(4, "ifindex", number)}})}}),
		at(200, "nd_net", possible),
	}}
	for _, tt := range []struct {
		path []string
		want uint32
		err  string
	}{
		{[]string{"name"}, 0, ""},
		{[]string{"ifindex"}, 84, ""},
		{[]string{"nd_net", "net"}, 208, ""},
		{[]string{"iflink"}, 0, "the kernel's struct net_device has no iflink"},
		{[]string{"nd_net", "inum"}, 0, "the kernel's struct net_device has no inum"},
	} {
		got, err := offset(device, tt.path...)
		if got != tt.want || err != nil && err.Error() != tt.err || err == nil && tt.err != "" {
			t.Errorf("%v: %d, %v; want %d, %q", tt.path, got, err, tt.want, tt.err)
		}
	}
}

// TestOpen checks that the loss of a link's carrier is reported, if the kernel permits attaching
// programs; test/vm runs it on a kernel that does.
func TestOpen(t *testing.T) {
	runtime.LockOSThread() // for good: the thread ends in a namespace of its own
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespace for the test: %v", err)
	}
	source, err := Open()
	if err != nil {
		if !confine.Has(unix.CAP_BPF, unix.CAP_PERFMON) && err.Error() != "CAP_BPF and CAP_PERFMON are required" {
			t.Errorf("Open without the rights: %v", err)
		}
		t.Skipf("no program can be attached here: %v", err)
	}
	defer source.Close()
	const name = "rchint0"
	if out, err := exec.Command("ip", "link", "add", name, "up", "type", "veth", "peer", "name", "rchint1").CombinedOutput(); err != nil {
		t.Skipf("no veth: %s", out)
	}
	link, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if out, err := exec.Command("ip", "link", "set", "rchint1", "up").CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	timeout := time.AfterFunc(5*time.Second, func() { _ = source.Close() })
	defer timeout.Stop()
	for {
		record, err := source.Next()
		if err != nil {
			t.Fatalf("no record of %s: %v", name, err)
		}
		if record.Index == link.Index && record.Kind == Changed {
			if late := record.At.Sub(begin); late < 0 || late > 5*time.Second {
				t.Errorf("the record is of %v after the change", late)
			}
			return
		}
	}
}
