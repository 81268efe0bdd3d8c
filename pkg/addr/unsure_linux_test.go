package addr

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/macvlan/macvlantest"
	"ripcord/pkg/rtnl"
	"ripcord/pkg/rtnl/rtnltest"
)

// lateKernel holds the addresses of eth0 and answers after delay.
type lateKernel struct {
	mu       sync.Mutex
	standing map[netip.Prefix]bool
	// delay returns how late the answer to a message of that type comes; less than 0: never.
	delay func(kind netlink.HeaderType) time.Duration
	hang  time.Duration // how long the send takes
}

func (k *lateKernel) answer(requests []netlink.Message) []rtnltest.Datagram {
	k.mu.Lock()
	hang := k.hang
	k.mu.Unlock()
	time.Sleep(hang)
	k.mu.Lock()
	defer k.mu.Unlock()
	var messages []netlink.Message
	for _, m := range requests {
		switch m.Header.Type {
		case unix.RTM_NEWADDR:
			if a := k.address(m); k.standing[a.Prefix] {
				messages = append(messages, rtnltest.Ack(m, unix.EEXIST))
			} else {
				k.standing[a.Prefix] = true
			}
		case unix.RTM_DELADDR:
			if a := k.address(m); !k.standing[a.Prefix] {
				messages = append(messages, rtnltest.Ack(m, unix.EADDRNOTAVAIL))
			} else {
				delete(k.standing, a.Prefix)
			}
		case unix.RTM_GETADDR:
			var all [][]byte
			for p := range k.standing {
				all = append(all, k.encode(p))
			}
			messages = append(messages, rtnltest.List(m, unix.RTM_NEWADDR, 0, all...)...)
		case netlink.Noop:
			messages = append(messages, rtnltest.Ack(m, 0))
		}
	}
	after := k.delay(requests[0].Header.Type)
	if after < 0 {
		return nil
	}
	return []rtnltest.Datagram{{After: after, Messages: messages}}
}

// with changes how it answers.
func (k *lateKernel) with(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

// stand returns how many addresses it has.
func (k *lateKernel) stand() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.standing)
}

func (k *lateKernel) address(m netlink.Message) rtnl.Address {
	a, ok := rtnl.DecodeAddress(m)
	if !ok {
		panic(fmt.Sprintf("no address in %v", m))
	}
	return a
}

func (k *lateKernel) encode(p netip.Prefix) []byte {
	b := []byte{unix.AF_INET, byte(p.Bits()), 0, 0, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(b[4:], eth0)
	attributes, _ := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.IFA_LOCAL, Data: p.Addr().AsSlice()}, {Type: rtnl.IFAProto, Data: []byte{rtnl.Mark}},
	})
	return append(b, attributes...)
}

// sysctlless is a netlinkKernel that does not touch the sysctls of this machine.
type sysctlless struct{ *netlinkKernel }

func (sysctlless) PromoteSecondaries(int, string) error { return nil }

// lateRig is a rig whose worker uses a lateKernel.
func lateRig(t *testing.T, k *lateKernel) *rig {
	t.Helper()
	fake := &rtnltest.Kernel{Answer: k.answer}
	kernel, err := openNetlink(rtnl.Config{Open: fake.Open})
	if err != nil {
		t.Fatal(err)
	}
	return startRig(t, many(2, Announce{Count: 1}), new(fakeFirewall), macvlantest.New(), sysctlless{kernel})
}

var soonAnswered = func(netlink.HeaderType) time.Duration { return 0 }

// TestSlowKernel: the result of a request that outlasts the wait for its answer counts all the
// same: no address is lost, none is taken for another program's, and all are announced.
func TestSlowKernel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &lateKernel{standing: make(map[netip.Prefix]bool), delay: soonAnswered}
		r := lateRig(t, k)
		k.with(func() { k.hang = rtnl.DefaultTimeout + time.Second })
		r.do(Hold, "a")
		time.Sleep(rtnl.DefaultTimeout + 2*time.Second)
		k.with(func() { k.hang = 0 })
		r.pass(time.Minute)
		expect(t, "events", r.names(), "added")
		expect(t, "announced", len(r.packets.take()), 2)
		expect(t, "not placed", r.placed(), "[]")
		r.do(Release, "a")
		expect(t, "events", r.names(), "removed")
		expect(t, "left", k.stand(), 0)
		expect(t, "stop", r.stop(), nil)
	})
}

// TestReleaseOfWhatIsNotKnown: a release removes ordered addresses even if their state is unknown
// because the kernel answered neither the order nor the question.
func TestReleaseOfWhatIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &lateKernel{standing: make(map[netip.Prefix]bool), delay: soonAnswered}
		r := lateRig(t, k)
		k.with(func() {
			k.delay = func(kind netlink.HeaderType) time.Duration {
				if kind == unix.RTM_DELADDR {
					return 0
				}
				return -1
			}
		})
		r.do(Hold, "a")
		r.pass(rtnl.DefaultTimeout / 2)
		expect(t, "stand, unanswered", k.stand(), 2)
		r.do(Release, "a")
		r.pass(4 * rtnl.DefaultTimeout)
		expect(t, "left", k.stand(), 0)
		k.with(func() { k.delay = soonAnswered })
		r.pass(2 * rtnl.DefaultTimeout)
		expect(t, "stop", r.stop(), nil)
	})
}

// TestStopWhileTheKernelIsSilent requires an error that names what may be left at the end.
func TestStopWhileTheKernelIsSilent(t *testing.T) {
	for _, held := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			k := &lateKernel{standing: make(map[netip.Prefix]bool), delay: soonAnswered}
			r := lateRig(t, k)
			if held {
				r.do(Hold, "a")
			}
			k.with(func() { k.delay = func(netlink.HeaderType) time.Duration { return -1 } })
			if err := r.stop(); err == nil || !strings.Contains(err.Error(), "could not remove") {
				t.Errorf("held %v: %v", held, err)
			}
		})
	}
}
