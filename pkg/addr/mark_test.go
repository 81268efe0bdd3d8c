package addr

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
)

var errBusy = errors.New("busy")

// reapply removes the mark from an address as `ip address replace` does.
func (r *rig) reapply(key event.AddressKey) {
	r.kernel.with(func() {
		r.kernel.standing[key] = false
		r.kernel.facts.Publish(event.Address{Index: key.Index, Prefix: key.Prefix, Present: true})
	})
	synctest.Wait()
}

// TestAddressIsMarkedAgain: an address that we added is ours until we release it: its mark is
// restored when another program re-applied it, and the release removes it in any case.
func TestAddressIsMarkedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(2, Announce{})
		r := newRig(t, sets)
		r.do(Hold, "a")
		r.names()
		key := event.AddressKey{Index: eth0, Prefix: sets[0].Addresses[0].Prefix}
		r.reapply(key)
		expect(t, "batches", r.kernel.batches, "[+2 mark 1]")
		expect(t, "marked", r.kernel.standing[key], true)
		expect(t, "events", r.names(), "marked")
		for range 100 { // a program that does it repeatedly
			r.reapply(key)
			r.pass(300 * time.Millisecond)
		}
		expect(t, "events", r.names(), "marked marked marked marked")
		r.do(Release, "a")
		expect(t, "left", len(r.kernel.standing), 0)

		// The address is re-applied while it is removed: the kernel is busy with another request.
		r.do(Hold, "a")
		r.kernel.with(func() { r.kernel.stuck = errBusy })
		r.do(Release, "a")
		r.reapply(key)
		r.kernel.with(func() { r.kernel.stuck = nil })
		r.pass(time.Second)
		expect(t, "left", len(r.kernel.standing), 0)

		// An address added after the release belongs to its program.
		r.reapply(key)
		r.do(Hold, "a")
		r.do(Release, "a")
		expect(t, "left", len(r.kernel.standing), 1)
	})
}
