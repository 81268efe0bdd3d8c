package neigh

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/wire"
	"ripcord/test/netns"
)

// openBoth opens the sender of questions and the receiver of answers in this namespace.
func openBoth(t *testing.T) (*Answers, *LinuxSender) {
	t.Helper()
	answers, err := OpenAnswers()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answers.Close() })
	sender, err := OpenSender()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sender.Close() })
	return answers, sender
}

// TestAnswers asks the kernel of this namespace from the far end of a cable, by a broadcast
// question and by one to the MAC that answered, over both families.
func TestAnswers(t *testing.T) {
	near, far := cable(t)
	for link, name := range map[string]string{near: "fe80::98/64", far: "fe80::99/64"} {
		ip(t, "addr", "add", name, "nodad", "dev", link)
	}
	ip(t, "addr", "add", "203.0.113.98/24", "dev", near)
	answers, sender := openBoth(t)

	from := event.Link{Index: indexOf(t, far), HardwareAddr: otherMAC, LinkLocal6: netip.MustParseAddr("fe80::5")}
	to := event.Link{Index: indexOf(t, near)}
	hear := func(what string) (seen []Sighting) {
		t.Helper()
		for deadline := time.Now().Add(5 * time.Second); len(seen) == 0; time.Sleep(time.Millisecond) {
			if !answers.Read(func(s Sighting) { seen = append(seen, s) }) {
				t.Errorf("%s: answers were lost", what)
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: no answer", what)
			}
		}
		return seen
	}
	var batch Batch
	ask := func(what string, frame func()) Sighting {
		t.Helper()
		batch.Reset()
		frame()
		sender.Send(batch.Frames())
		if err := batch.Frames()[0].Err; err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		all := hear(what)
		at := slices.IndexFunc(all, func(s Sighting) bool { return s.Index == from.Index && s.Answer })
		if at < 0 {
			t.Fatalf("%s: heard %+v", what, all)
		}
		return all[at]
	}
	station := netip.MustParseAddr("203.0.113.98")
	first := ask("all", func() { batch.Ask(from, station) })
	if first.Address != station || first.MAC == [6]byte{} {
		t.Errorf("heard %+v", first)
	}
	if again := ask("one", func() { batch.AskAt(from, station, first.MAC) }); again != first {
		t.Errorf("heard %+v, before %+v", again, first)
	}

	// A question to another MAC is not answered, and a message that is not an answer is not
	// received.
	batch.Reset()
	batch.AskAt(from, station, [6]byte{2, 0, 0, 0, 0, 0x55})
	sender.Send(batch.Frames())
	sender.Send([]Frame{{Index: to.Index, Data: wire.AppendARPRequest(nil, otherMAC, own4, host4)}})
	time.Sleep(100 * time.Millisecond)
	answers.Read(func(s Sighting) { t.Errorf("heard %+v", s) })

	// Over IPv6 the answer goes to a host that has the address of the sender of the question.
	from.LinkLocal6 = netip.MustParseAddr("fe80::99")
	from.HardwareAddr = netns.MAC(t, far)
	six := netip.MustParseAddr("fe80::98")
	first = ask("all, IPv6", func() { batch.Ask(from, six) })
	if first.Address != six || first.MAC == [6]byte{} {
		t.Errorf("heard %+v", first)
	}
	if again := ask("one, IPv6", func() { batch.AskAt(from, six, first.MAC) }); again.Address != six {
		t.Errorf("heard %+v", again)
	}
}

// TestAnswersLost requires that a flood that does not fit into the buffer is noticed.
func TestAnswersLost(t *testing.T) {
	_, far := cable(t)
	answers, sender := openBoth(t)
	reply := wire.AppendARPRequest(nil, otherMAC, host4, own4)
	reply[21] = 2 // an answer
	frames := make([]Frame, 20000)
	for i := range frames {
		frames[i] = Frame{Index: indexOf(t, far), Data: reply}
	}
	sender.Send(frames)
	heard := 0
	if answers.Read(func(Sighting) { heard++ }) {
		t.Errorf("Read reports all of %d answers, and returned %d", len(frames), heard)
	}
	for range 10 {
		answers.Read(func(Sighting) {})
	}
	sender.Send(frames[:3])
	heard = 0
	if !answers.Read(func(Sighting) { heard++ }) || heard != 3 {
		t.Errorf("received %d of 3", heard)
	}
}
