package monitor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/link"
)

// unanswered runs a test with a monitor that records its questions to the kernel. subjects returns
// the questions that are reported as failing.
func unanswered(t *testing.T, test func(b *bench, subjects func() string)) {
	warnings := event.NewWarnings(func(event.Event) {})
	subjects := func() string {
		var all []string
		for _, w := range warnings.Of(event.MachineName) {
			all = append(all, w.Subject)
		}
		return strings.Join(all, " ")
	}
	onBench(t, func(b *bench) { test(b, subjects) }, func(c *Config, _ *fake) { c.Questions = event.NewQuestions(warnings) })
}

func (b *bench) set(change func(k *fake)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b.fake)
}

// TestDumpThatFailsIsReported checks that a list that the kernel refuses to send is reported while
// that lasts, and that the list is used as soon as it can be had.
func TestDumpThatFailsIsReported(t *testing.T) {
	unanswered(t, func(b *bench, subjects func() string) {
		b.set(func(k *fake) { k.refused = map[subject]error{ofLinks: errors.New("no buffer space available")} })
		b.send(ofLinks, packet{err: errOverrun})
		if time.Sleep(time.Second); subjects() != "" {
			t.Errorf("after a second %q is reported", subjects())
		}
		if time.Sleep(5 * time.Second); subjects() != "links" {
			t.Errorf("after some seconds %q is reported, want links", subjects())
		}
		b.set(func(k *fake) { k.refused, k.links = nil, []link.Seen{up(2, "eth0")} })
		time.Sleep(2 * time.Second)
		if got := b.published(); subjects() != "" || !strings.Contains(got, "eth1 gone") {
			t.Errorf("%q is still reported; published\n%s", subjects(), got)
		}
	})
}

// TestStreamThatFailsIsReported checks that a socket for notifications that cannot be opened, or
// fails as soon as it is opened, is reported while that lasts. Then the pauses grow.
func TestStreamThatFailsIsReported(t *testing.T) {
	for name, fail := range map[string]func(k *fake){
		"it cannot be opened": func(k *fake) { k.closed = errors.New("too many open files") },
		"it fails at once":    func(k *fake) { k.broken = errors.New("bad message") },
	} {
		t.Run(name, func(t *testing.T) {
			unanswered(t, func(b *bench, subjects func() string) {
				before := 0
				b.set(func(k *fake) { fail(k); before = k.opened[ofAddresses] })
				b.send(ofAddresses, packet{err: errors.New("connection refused")})
				if time.Sleep(10 * time.Second); subjects() != "address-notifications" {
					t.Errorf("%q is reported, want address-notifications", subjects())
				}
				b.set(func(k *fake) {
					if n := k.opened[ofAddresses] - before; n < 5 || n > 30 {
						t.Errorf("opened %d times within 10 s", n)
					}
					k.closed, k.broken = nil, nil
				})
				if time.Sleep(2 * time.Minute); subjects() != "" {
					t.Errorf("%q is still reported", subjects())
				}
			})
		})
	}
}
