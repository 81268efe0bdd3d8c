package lan

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/wire"
)

// stamped returns the control message of a frame received at t.
func stamped(t time.Time) []byte {
	oob := make([]byte, unix.CmsgSpace(16))
	header := oob[:unix.CmsgLen(0)]
	size := len(header) - 8 // of cmsg_len, a size_t; the level and the type follow
	if size == 8 {
		binary.NativeEndian.PutUint64(header, uint64(unix.CmsgLen(16)))
	} else {
		binary.NativeEndian.PutUint32(header, uint32(unix.CmsgLen(16)))
	}
	binary.NativeEndian.PutUint32(header[size:], unix.SOL_SOCKET)
	binary.NativeEndian.PutUint32(header[size+4:], unix.SO_TIMESTAMPNS_NEW)
	binary.NativeEndian.PutUint64(oob[len(header):], uint64(t.Unix()))
	binary.NativeEndian.PutUint64(oob[len(header)+8:], uint64(t.Nanosecond()))
	return oob
}

func TestInstant(t *testing.T) {
	now := time.Now()
	if got := now.Sub(instant(stamped(now.Add(-200 * time.Millisecond)))); (got - 200*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("a moment ago: heard %s ago, want 200ms", got)
	}
	// A frame without a useful time stamp counts as received now: between the instants around it.
	for name, oob := range map[string][]byte{
		"the clock was set forward": stamped(now.Add(-time.Hour)),
		"the clock was set back":    stamped(now.Add(time.Hour)),
		"without a stamp":           nil,
	} {
		before := time.Now()
		if got := instant(oob); got.Before(before) || got.After(time.Now()) {
			t.Errorf("%s: heard %s after it was read", name, got.Sub(before))
		}
	}
}

// TestOnlyAnAnswerCounts checks that an announcement to all, an answer to another host, and an
// answer for another address do not count as answers to our question.
func TestOnlyAnAnswerCounts(t *testing.T) {
	us, them := MAC{2, 0, 0, 0, 0, 1}, MAC{2, 0, 0, 0, 0, 2}
	p := &Prober{mac: us}
	reply := wire.AppendARPRequest(nil, them, addressB, addressA)
	reply[21] = 2
	copy(reply, us[:])
	if mac, ok := p.answer(reply, addressB); !ok || mac != them {
		t.Fatalf("the answer: %s, %t", mac, ok)
	}
	if _, ok := p.answer(reply, addressA); ok {
		t.Error("the answer for another address counts")
	}
	other := append([]byte(nil), reply...)
	other[5]++
	for name, frame := range map[string][]byte{
		"to another host": other,
		"announcement":    wire.AppendGARP(nil, them, addressB),
		"question":        append(append([]byte(nil), us[:]...), wire.AppendARPRequest(nil, them, addressB, addressA)[6:]...),
		"nothing":         nil,
	} {
		if _, ok := p.answer(frame, addressB); ok {
			t.Errorf("%s counts", name)
		}
	}
	unsolicited := wire.AppendNA(nil, them, addressB6)
	copy(unsolicited, us[:])
	if _, ok := p.answer(unsolicited, addressB6); ok {
		t.Error("an unsolicited neighbor advertisement counts")
	}
}

func TestQuestionNeedsASource(t *testing.T) {
	p := &Prober{host: &Host{Namespace: &Namespace{name: "a"}}, ipv4: netip.IPv4Unspecified()}
	if _, err := p.question(addressB6); err == nil {
		t.Error("a neighbor solicitation without a source")
	}
	if _, err := p.question(addressB); err != nil {
		t.Errorf("an ARP probe: %v", err)
	}
}
