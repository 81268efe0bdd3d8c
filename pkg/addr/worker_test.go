package addr

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/neigh"
)

func TestWorkerHoldsAnnouncesReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(100, Announce{Count: 2, AgainAfter: 5 * time.Second}))
		r.do(Hold, "a")
		expect(t, "batches", r.kernel.batches, "[+64 +36]")
		expect(t, "promoted", r.kernel.promoted, "[eth0]")
		expect(t, "events", r.names(), "added")
		sent := r.packets.take()
		expect(t, "frames", len(sent), 200)
		expect(t, "a frame", sent[0], "7:020000000001")
		expect(t, "dumps", r.kernel.lists, 1)

		r.do(Hold, "a")
		expect(t, "batches after a second Hold", r.kernel.batches, "[+64 +36]")
		expect(t, "frames after it", len(r.packets.take()), 200)

		r.pass(5 * time.Second)
		expect(t, "frames of the second set", len(r.packets.take()), 200)

		r.do(Release, "a")
		expect(t, "batches", r.kernel.batches, "[+64 +36 -100]")
		expect(t, "events", r.names(), "removed")
		r.do(Release, "a")
		expect(t, "batches", r.kernel.batches, "[+64 +36 -100]")
		expect(t, "promoted before each change", r.kernel.promoted, "[eth0 eth0]")
		expect(t, "dumps", r.kernel.lists, 1)
		expect(t, "stop", r.stop(), nil)
		expect(t, "dumps, with that which shows that nothing is left", r.kernel.lists, 2)
	})
}

// TestWorkerStopsDuringALargeTakeover stops the worker while a takeover of many addresses is queued:
// it ends, and leaves no address.
func TestWorkerStopsDuringALargeTakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := many(250, Announce{Count: 5, AgainAfter: time.Second})[0], many(500, Announce{Count: 5, AgainAfter: time.Second})[0]
		second.Instance, second.Addresses = "b", second.Addresses[250:]
		r := newRig(t, []Set{first, second})
		var once sync.Once
		ended := make(chan error, 1)
		r.packets.hook = func() {
			once.Do(func() {
				r.Do(Order{Kind: Hold, Instances: []string{"b"}})
				go func() { ended <- r.stop() }()
			})
		}
		r.do(Hold, "a")
		expect(t, "stop", <-ended, nil)
		expect(t, "left", len(r.kernel.standing), 0)
	})
}

func TestWorkerReleaseDoesNotWaitForAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(250, Announce{Count: 5, AgainAfter: time.Second}))
		n := 0
		r.packets.hook = func() {
			if n++; n == 10 {
				r.Do(Order{Kind: Release, Instances: []string{"a"}})
			}
		}
		r.do(Hold, "a")
		expect(t, "batches", r.kernel.batches, "[+64 +64 +64 +58 -250]")
		expect(t, "frames", len(r.packets.take()), 250+neigh.MaxFrames) // the first while the addresses were added
		expect(t, "left to announce", len(r.announcer.jobs)+r.announcer.waiting.Len(), 0)
		r.pass(2 * time.Second)
		expect(t, "frames after the Release", len(r.packets.take()), 0)
	})
}

// TestWorkerAnnouncesBySlices checks the cost of 250 addresses: one system call for each 64, and
// one for each batch of their announcements. All are announced once before any is repeated.
func TestWorkerAnnouncesBySlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(250, Announce{Count: 5}))
		r.do(Hold, "a")
		expect(t, "batches", r.kernel.batches, "[+64 +64 +64 +58]")
		expect(t, "sends", r.packets.calls, (5*250+neigh.MaxFrames-1)/neigh.MaxFrames)
		expect(t, "frames", len(r.packets.take()), 5*250)
	})
}

// TestWorkerTellsWhatItCouldNotAnnounce requires that a frame that cannot be sent delays no other,
// and that the failure is reported once for each time the address is held, and not for a link that
// is known to be down.
func TestWorkerTellsWhatItCouldNotAnnounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(100, Announce{Count: 2})
		r := newRig(t, sets)
		full := errors.New("no buffer space available")
		r.packets.refuse = func(n int) error {
			if n%10 == 3 {
				return full
			}
			return nil
		}
		for range 2 {
			r.do(Hold, "a")
			expect(t, "frames", len(r.packets.take()), 200)
			events, _ := r.events.Take()
			expect(t, "events", len(events), 2)
			failed := events[1].(event.AddressMoved)
			expect(t, "the first that failed", failed.Addresses, fmt.Sprint([]any{sets[0].Addresses[3].Prefix}))
			expect(t, "event", failed.Kind, event.AddressFailed)
			expect(t, "why", failed.Err, "held, but it could not be announced: "+full.Error())
			r.do(Release, "a")
			expect(t, "events", r.names(), "removed")
		}
		r.links.Publish(event.Link{Seq: 9, Name: "eth0", Index: eth0, AdminUp: true, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}})
		r.do(Hold, "a")
		expect(t, "frames", len(r.packets.take()), 200)
		expect(t, "events where the link is down", r.names(), "added")
	})
}

func TestWorkerReannounces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(1, Announce{Count: 3}))
		r.do(Reannounce, "a")
		expect(t, "frames though not held", len(r.packets.take()), 0)
		r.do(Hold, "a")
		r.packets.take()
		r.do(Reannounce, "a")
		r.do(Reannounce, "a")
		expect(t, "frames", len(r.packets.take()), 3)
		r.pass(2 * time.Second)
		expect(t, "frames a second later", len(r.packets.take()), 3)
	})
}

// TestWorkerAnnouncesANewMAC requires that a new MAC counts at once and is announced to the
// neighbors, which know the old one.
func TestWorkerAnnouncesANewMAC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{Count: 3}))
		r.link(eth0, 8)
		synctest.Wait()
		expect(t, "frames though not held", len(r.packets.take()), 0)
		r.do(Hold, "a")
		r.packets.take()
		r.link(eth0, 9)
		r.pass(2 * time.Second)
		sent := r.packets.take()
		expect(t, "frames", len(sent), 6)
		expect(t, "a frame", sent[0], "7:020000000009")
		r.links.Publish(event.Link{Seq: 10, Name: "eth0", Index: eth0, AdminUp: true, Usable: true, MTU: 1400, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 9}})
		r.pass(2 * time.Second)
		expect(t, "frames for another MTU", len(r.packets.take()), 0)
		expect(t, "events", r.names(), "added")
	})
}

func TestWorkerPutsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(2, Announce{Count: 1}))
		r.do(Hold, "a")
		r.names()
		r.packets.take()
		key := event.AddressKey{Index: eth0, Prefix: many(1, Announce{})[0].Addresses[0].Prefix}
		for range 3 {
			r.kernel.with(func() { r.kernel.drop(key) })
			synctest.Wait()
			expect(t, "events", r.names(), "restored")
			expect(t, "stands", r.kernel.standing[key], true)
			expect(t, "missing", r.missing(), "[]")
			r.pass(100 * time.Millisecond)
		}
		// It is reported, but not each time.
		for range 600 {
			r.kernel.with(func() { r.kernel.drop(key) })
			r.pass(time.Second)
		}
		if n := strings.Count(r.names(), "restored"); n < 30 || n > 60 {
			t.Errorf("reported %d times in 10 minutes", n)
		}
		expect(t, "missing", r.missing(), "[]")
		expect(t, "stands", r.kernel.standing[key], true)
	})
}

func TestWorkerPutsBackWhatWentWithItsLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := Set{Instance: "a", Interval: time.Second, Miss: 3, Addresses: []Address{{Prefix: vip6, Interface: "eth0"}}}
		r := newRig(t, []Set{set})
		r.do(Hold, "a")
		r.names()
		key := event.AddressKey{Index: eth0, Prefix: vip6}
		r.kernel.with(func() { r.kernel.down = true; r.kernel.drop(key) })
		r.pass(500 * time.Millisecond)
		expect(t, "events", r.names(), "")
		r.kernel.with(func() { r.kernel.down = false })
		r.link(eth0, 2)
		synctest.Wait()
		expect(t, "events", r.names(), "restored")
		expect(t, "lost", r.missing(), "[]")
	})
}

func TestWorkerWaitsForTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(1, Announce{Count: 1}))
		r.link(0, 2)
		r.do(Hold, "a")
		expect(t, "events", r.names(), "failed")
		r.pass(time.Second - time.Nanosecond)
		expect(t, "lost too early", r.missing(), "[]")
		r.pass(time.Nanosecond)
		expect(t, "lost", r.missing(), "[a:2:1]")
		r.link(8, 3)
		synctest.Wait()
		expect(t, "in place", r.missing(), "[a:0:0]")
		expect(t, "events", r.names(), "added")
		expect(t, "frames", r.packets.take(), "[8:020000000003]")
	})
}

func TestWorkerRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(1, Announce{}))
		r.kernel.with(func() { r.kernel.refuse = errors.New("no room") })
		r.do(Hold, "a")
		r.pass(3 * retryEvery)
		expect(t, "batches", r.kernel.batches, "[+1 +1 +1 +1]")
		expect(t, "events", r.names(), "failed")
		r.kernel.with(func() { r.kernel.refuse = nil; r.kernel.stuck = errors.New("stuck") })
		r.pass(retryEvery)
		expect(t, "events", r.names(), "added")
		r.do(Release, "a")
		expect(t, "events", r.names(), "failed")
		r.kernel.with(func() { r.kernel.stuck = nil })
		r.pass(retryEvery)
		expect(t, "events", r.names(), "removed")
	})
}

func TestWorkerUsesForeignAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(2, Announce{Count: 1})
		r := newRig(t, sets, Standing{eth0, sets[0].Addresses[0].Prefix, false})
		r.do(Hold, "a")
		expect(t, "batches", r.kernel.batches, "[+1]")
		expect(t, "events", r.names(), "foreign added")
		expect(t, "frames", len(r.packets.take()), 2)
		r.do(Release, "a")
		expect(t, "left", len(r.kernel.standing), 1)
		// An address that came unseen is found by the kernel's refusal.
		r.kernel.with(func() { r.kernel.standing[event.AddressKey{Index: eth0, Prefix: sets[0].Addresses[1].Prefix}] = false })
		r.names()
		r.do(Hold, "a")
		expect(t, "events", r.names(), "foreign foreign") // each when it is found
		expect(t, "stop", r.stop(), nil)
		expect(t, "left", len(r.kernel.standing), 2)
	})
}

func TestWorkerRemovesLeftovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(1, Announce{}), Standing{3, vip4, true}, Standing{3, vip6, false})
		expect(t, "batches", r.kernel.batches, "[-1]")
		expect(t, "events", r.names(), "removed")
		expect(t, "left", len(r.kernel.standing), 1)
	})
}

func TestWorkerReleasesWhenTheLoopHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(1, Announce{Count: 1, AgainAfter: 3 * time.Second}) // the limit is 3 s
		r := newRig(t, sets)
		r.do(Hold, "a")
		r.pass(5 * time.Second)
		r.names()
		time.Sleep(time.Until(r.lease.Last().Add(3*time.Second - 1)))
		synctest.Wait()
		expect(t, "events before the limit", r.names(), "")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		expect(t, "events", r.names(), "removed")
		expect(t, "left", len(r.kernel.standing), 0)
		expect(t, "reports", fmt.Sprint(r.leases()), "[a 3s false]")
	})
}

// TestWorkerReleasesEachAtItsLimit checks that the worker releases the addresses of each instance
// exactly at its limit.
func TestWorkerReleasesEachAtItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := append(many(1, Announce{}), Set{
			Instance: "b", Interval: 2 * time.Second, Miss: 3, Addresses: []Address{{Prefix: vip6, Interface: "eth0"}},
		})
		r := newRig(t, sets)
		r.do(Hold, "a", "b")
		r.pass(5 * time.Second)
		for _, at := range []struct {
			limit time.Duration
			left  int
		}{{3 * time.Second, 1}, {6 * time.Second, 0}} {
			time.Sleep(time.Until(r.lease.Last().Add(at.limit - 1)))
			synctest.Wait()
			expect(t, "left before the limit", r.kernel.count(), at.left+1)
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			expect(t, "left at the limit", r.kernel.count(), at.left)
		}
	})
}

// TestWorkerAtRestSleeps checks that a worker at rest wakes every 5 s to check its links, and every 3 s
// at most for its lease.
func TestWorkerAtRestSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := many(1, Announce{Count: 1})
		sets[0].Link = "eth0"
		r := newRig(t, sets)
		r.do(Hold, "a")
		r.pass(time.Minute)
		before := r.Turns()
		r.pass(time.Minute)
		if turns := r.Turns() - before; turns > 35 {
			t.Errorf("it turned %d times in a minute, want 30 or a few more", turns)
		}
	})
}

func TestWorkerTakesItsOwnPauseForNoHungLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(1, Announce{Count: 2}))
		paused := false
		r.packets.hook = func() {
			if !paused {
				paused = true
				time.Sleep(10 * time.Second) // nothing runs, so nothing is stamped
			}
		}
		r.Do(Order{Kind: Hold, Instances: []string{"a"}})
		time.Sleep(10*time.Second + 2*time.Millisecond)
		r.pass(time.Second)
		expect(t, "left", len(r.kernel.standing), 1)
	})
}

func TestWorkerDrainsAndRemovesAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sets := append(many(1, Announce{}), Set{
			Instance: "b", Interval: time.Second, Miss: 3, Addresses: []Address{{Prefix: vip6, Interface: "eth0"}},
		})
		r := newRig(t, sets)
		r.do(Hold, "a")
		r.Do(Order{Kind: Hold, Instances: []string{"b"}})
		expect(t, "stop", r.stop(), nil)
		expect(t, "batches", r.kernel.batches[len(r.kernel.batches)-1], "-2")
		expect(t, "left", len(r.kernel.standing), 0)
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, many(1, Announce{}))
		r.do(Hold, "a")
		r.kernel.with(func() { r.kernel.stuck = errors.New("stuck") })
		if err := r.stop(); err == nil || !strings.Contains(err.Error(), "192.0.2.1/24") {
			t.Errorf("stop: %v, want the names of what is left", err)
		}
	})
}
