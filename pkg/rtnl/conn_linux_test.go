package rtnl_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"ripcord/pkg/rtnl"
	"ripcord/pkg/rtnl/rtnltest"
)

func dial(t *testing.T, k *rtnltest.Kernel) *rtnl.Conn {
	t.Helper()
	c, err := rtnl.Dial(rtnl.Config{Open: k.Open})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// get is a request whose Data the kernel of these tests returns.
func get(text string) netlink.Message {
	return netlink.Message{Header: netlink.Header{Type: unix.RTM_GETLINK}, Data: []byte(text)}
}

// echo answers a request with its Data.
func echo(request netlink.Message) netlink.Message {
	return rtnltest.Reply(request, unix.RTM_NEWLINK, 0, slices.Clone(request.Data))
}

func one(m ...netlink.Message) []rtnltest.Datagram { return []rtnltest.Datagram{{Messages: m}} }

func mustAnswer(t *testing.T, c *rtnl.Conn, text string) {
	t.Helper()
	answer, err := c.Execute(get(text))
	if err != nil || string(answer.Data) != text {
		t.Errorf("asked for %q: got %q, %v", text, answer.Data, err)
	}
}

// TestSlowSend: a request that the kernel executes for longer than the timeout of the answer is
// answered all the same: the time counts from the end of the send.
func TestSlowSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram {
			time.Sleep(rtnl.DefaultTimeout + time.Second)
			return one(echo(requests[0]))
		}}
		c := dial(t, k)
		mustAnswer(t, c, "first")
		mustAnswer(t, c, "second")
		if k.Opened() != 1 {
			t.Errorf("opened %d sockets, want 1", k.Opened())
		}
	})
}

// TestLateAnswer requires that a late answer does not count for a later request.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := rtnl.DefaultTimeout + time.Second
		k := &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram {
			after := late
			late = 0
			return []rtnltest.Datagram{{After: after, Messages: []netlink.Message{echo(requests[0])}}}
		}}
		c := dial(t, k)
		if _, err := c.Execute(get("first")); !errors.Is(err, rtnl.ErrUnknown) {
			t.Errorf("got %v, want %v", err, rtnl.ErrUnknown)
		}
		time.Sleep(time.Minute)
		mustAnswer(t, c, "second")
		if k.Opened() != 2 {
			t.Errorf("opened %d sockets, want 2", k.Opened())
		}
	})
}

// TestForeignSequence requires that an answer that comes twice, or unasked, is skipped.
func TestForeignSequence(t *testing.T) {
	k := &rtnltest.Kernel{}
	k.Answer = func(requests []netlink.Message) []rtnltest.Datagram {
		other := get("other")
		other.Header.Sequence = requests[0].Header.Sequence + 1000
		return []rtnltest.Datagram{
			{Messages: []netlink.Message{rtnltest.Ack(other, unix.EEXIST), echo(other)}},
			{Messages: []netlink.Message{echo(requests[0])}},
			{Messages: []netlink.Message{echo(requests[0])}}, // left for the next request to skip
		}
	}
	c := dial(t, k)
	mustAnswer(t, c, "first")
	mustAnswer(t, c, "second")
	mustAnswer(t, c, "third")
	if k.Opened() != 1 {
		t.Errorf("opened %d sockets, want 1", k.Opened())
	}
}

func TestOverrun(t *testing.T) {
	lost := true
	k := &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram {
		if lost {
			lost = false
			return []rtnltest.Datagram{{Err: rtnl.ErrOverrun}, {Messages: []netlink.Message{echo(requests[0])}}}
		}
		return one(echo(requests[0]))
	}}
	c := dial(t, k)
	if _, err := c.Execute(get("first")); !errors.Is(err, rtnl.ErrOverrun) || !errors.Is(err, rtnl.ErrUnknown) {
		t.Errorf("got %v, want an overrun", err)
	}
	mustAnswer(t, c, "second")
	if k.Opened() != 2 {
		t.Errorf("opened %d sockets, want 2", k.Opened())
	}
}

func TestRefusal(t *testing.T) {
	explained := func(request netlink.Message) netlink.Message {
		m := rtnltest.Ack(request, unix.EINVAL)
		tlv, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: 1, Data: []byte("Invalid prefix\x00")}})
		if err != nil {
			t.Fatal(err)
		}
		m.Header.Flags, m.Data = 0x300, append(m.Data, tlv...)
		return m
	}
	c := dial(t, &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram { return one(explained(requests[0])) }})
	_, err := c.Execute(get("x"))
	if !errors.Is(err, unix.EINVAL) || errors.Is(err, rtnl.ErrUnknown) || err.Error() != "invalid argument (Invalid prefix)" {
		t.Errorf("got %v", err)
	}
}

func TestInterruptedDump(t *testing.T) {
	interruptions := 2
	k := &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram {
		if interruptions--; interruptions >= 0 {
			m := rtnltest.List(requests[0], unix.RTM_NEWLINK, 0, []byte("stale"))
			m[len(m)-1].Header.Flags |= netlink.DumpInterrupted // only the last message may bear it
			return one(m...)
		}
		m := rtnltest.List(requests[0], unix.RTM_NEWLINK, 0, []byte("a"), []byte("b"), []byte("skipped"))
		return []rtnltest.Datagram{{Messages: m[:1]}, {Messages: m[1:]}}
	}}
	c := dial(t, k)
	list := func() ([]string, error) {
		return rtnl.Dump(c, get(""), func(m netlink.Message) (string, bool) { return string(m.Data), string(m.Data) != "skipped" })
	}
	if got, err := list(); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q, %v", got, err)
	}
	interruptions = 100
	if got, err := list(); !errors.Is(err, rtnl.ErrInterrupted) || got != nil {
		t.Errorf("a list that always changes: got %q, %v", got, err)
	}
}

// TestLongDump: a list may take longer than one answer, as long as it continues.
func TestLongDump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, &rtnltest.Kernel{Answer: func(requests []netlink.Message) (all []rtnltest.Datagram) {
			for i, m := range rtnltest.List(requests[0], unix.RTM_NEWLINK, 0, []byte("a"), []byte("b"), []byte("c")) {
				all = append(all, rtnltest.Datagram{After: time.Duration(i) * rtnl.DefaultTimeout * 2 / 3, Messages: []netlink.Message{m}})
			}
			return all
		}})
		got, err := rtnl.Dump(c, get(""), func(m netlink.Message) (string, bool) { return string(m.Data), true })
		if err != nil || len(got) != 3 {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// TestBatch requires that each request of a batch gets its own error if the kernel refuses some.
func TestBatch(t *testing.T) {
	c := dial(t, &rtnltest.Kernel{Answer: func(requests []netlink.Message) (all []rtnltest.Datagram) {
		for i, m := range requests {
			if i%100 == 7 {
				all = append(all, one(rtnltest.Ack(m, unix.EEXIST))...)
			}
		}
		return append(all, one(rtnltest.Ack(requests[len(requests)-1], 0))...)
	}})
	errs := c.Batch(make([]netlink.Message, 300))
	for i, err := range errs {
		if refuse := i < 256 && i%100 == 7 || i == 263; refuse != errors.Is(err, unix.EEXIST) || !refuse && err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if len(errs) != 300 {
		t.Errorf("%d errors for 300 requests", len(errs))
	}
}

// TestBatchUnanswered requires that the result of an unanswered batch is unknown, and that the wait
// is not repeated for each part.
func TestBatchUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		k := &rtnltest.Kernel{Answer: func(requests []netlink.Message) []rtnltest.Datagram {
			sent++
			return one(rtnltest.Ack(requests[0], unix.EEXIST))
		}}
		c := dial(t, k)
		start := time.Now()
		errs := c.Batch(make([]netlink.Message, 1000))
		if took := time.Since(start); took != rtnl.DefaultTimeout || sent != 1 {
			t.Errorf("took %v, sent %d datagrams", took, sent)
		}
		if len(errs) != 1000 || !errors.Is(errs[0], unix.EEXIST) {
			t.Fatalf("%d errors, the first %v", len(errs), errs[0])
		}
		for i, err := range errs[1:] {
			if !errors.Is(err, rtnl.ErrUnknown) {
				t.Fatal(fmt.Errorf("request %d: %w", i+1, err))
			}
		}
	})
}
