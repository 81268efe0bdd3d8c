package lan

import (
	"testing"
	"time"
)

// TestSpanningTree checks that with a spanning tree a plugged cable has carrier but forwards
// nothing for twice the forward delay, while ports that forward already go on.
func TestSpanningTree(t *testing.T) {
	const delay = 2 * time.Second
	l := twoHosts(t, Options{})
	p, b := prober(t, l, "a"), l.Cable("b", "eth0")
	if err := l.Segment("inside").SpanningTree(delay); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, p, addressB, b.MAC())
	if _, err := b.Pull(); err != nil {
		t.Fatal(err)
	}
	back, err := b.Plug()
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.Watch(addressB, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	first, err := w.WaitAnswer(3*delay, func(Answer) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	if took := first.At.Sub(back); took < 2*delay-50*time.Millisecond || took > 3*delay {
		t.Errorf("it forwards %v after the plug, want %v", took, 2*delay)
	}
	if link, err := l.Host("b").Link("eth0"); err != nil || !link.Carrier {
		t.Errorf("b has %+v, %v, want carrier", link, err)
	}
}
