package monitor

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ripcord/pkg/bus"
	"ripcord/pkg/event"
	"ripcord/pkg/link"
	"ripcord/pkg/nic"
	"ripcord/pkg/wakeup"
)

// fake is a kernel in memory: its lists, the streams into which the test writes, and the carriers
// of its links.
type fake struct {
	mu          sync.Mutex
	links       []link.Seen
	addresses   []link.Assigned
	interrupted int               // the number of dumps that fail first
	refused     map[subject]error // the error of all dumps of a subject
	closed      error             // the error of all attempts to open a stream
	broken      error             // the error of each stream after it was opened
	dumps       int
	opened      map[subject]int
	streams     map[subject]*fakeStream
	carriers    map[string]bool // by name; absent: unknown
	asked       map[string]int
	mii         map[string]nic.MIIStatus // the reports of the transceivers, by name; absent: there is none
	probed      map[string]int           // how often each transceiver was asked
	alwaysUp    map[string]string        // why a driver always reports a carrier, by name
	stuck       bool                     // transceivers answer in 10 s
	slow        time.Duration            // how long an answer takes
	reasons     map[string]string        // the reason why there is no carrier, by name
	queries     map[string]int           // how often each reason was asked
	thinking    chan struct{}            // no driver reports a reason until this is closed
}

type packet struct {
	observations []link.Observation
	err          error
}

type fakeStream struct {
	queue  chan packet
	closed chan struct{}
	once   sync.Once
}

func (k *fake) open(what subject) (stream, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened[what]++
	if k.closed != nil {
		return nil, k.closed
	}
	k.streams[what] = &fakeStream{queue: make(chan packet, 100), closed: make(chan struct{})}
	if k.broken != nil {
		k.streams[what].queue <- packet{err: k.broken}
	}
	return k.streams[what], nil
}

func (k *fake) dump(what subject) (link.Dump, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dumps++
	if err := k.refused[what]; err != nil {
		return link.Dump{}, err
	}
	if k.interrupted > 0 {
		k.interrupted--
		return link.Dump{OfLinks: what == ofLinks}, errInterrupted
	}
	if what == ofLinks {
		return link.Dump{OfLinks: true, Links: slices.Clone(k.links)}, nil
	}
	return link.Dump{OfAddresses: true, Addresses: slices.Clone(k.addresses)}, nil
}

func (k *fake) client() client { return k }

func (k *fake) sleeper() sleeper { return newTimerSleeper() }

func (k *fake) Carrier(d nic.Device) (up, known, glink bool) {
	k.mu.Lock()
	slow := k.slow
	k.mu.Unlock()
	time.Sleep(slow)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked[d.Name]++
	up, known = k.carriers[d.Name]
	return up, known, known
}

// Questions returns nil: a fake is asked by Carrier alone.
func (k *fake) Questions([]nic.Device) []wakeup.Question { return nil }

func (k *fake) Capabilities(d nic.Device) nic.Capabilities {
	var can nic.Capabilities
	can.Carrier, can.Known, can.GLINK = k.Carrier(d)
	k.mu.Lock()
	defer k.mu.Unlock()
	can.AlwaysUp = k.alwaysUp[d.Name]
	if _, ok := k.mii[d.Name]; !ok {
		can.NoMII = "no transceiver"
	}
	return can
}

func (k *fake) MIIStatus(d nic.Device) (nic.MIIStatus, error) {
	k.mu.Lock()
	stuck := k.stuck
	k.mu.Unlock()
	if stuck {
		time.Sleep(10 * time.Second)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.probed[d.Name]++
	b, ok := k.mii[d.Name]
	if !ok {
		return nic.MIIStatus{}, errors.New("no transceiver")
	}
	if b.Flapped { // the latch shows it once
		k.mii[d.Name] = nic.MIIStatus{Up: b.Up}
	}
	return b, nil
}

func (k *fake) Reason(d nic.Device) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.queries[d.Name]++
	if hold := k.thinking; hold != nil {
		k.mu.Unlock()
		<-hold
		k.mu.Lock()
	}
	if k.reasons == nil {
		return "", errors.New("no such family")
	}
	return k.reasons[d.Name], nil
}

func (k *fake) Close() {}

func (s *fakeStream) receive(dst []link.Observation, until time.Time) ([]link.Observation, time.Time, error) {
	var late <-chan time.Time
	if until.IsZero() {
		instant := make(chan time.Time)
		close(instant)
		late = instant
		if len(s.queue) > 0 {
			late = nil
		}
	} else {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case d := <-s.queue:
		return append(dst, d.observations...), time.Now(), d.err
	case <-s.closed:
		return dst, time.Now(), os.ErrClosed
	case <-late:
		return dst, time.Now(), os.ErrDeadlineExceeded
	}
}

func (s *fakeStream) close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// answers records the tickets that were answered, in order.
type answers struct {
	mu      sync.Mutex
	tickets []uint64
}

func (a *answers) add(ticket uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tickets = append(a.tickets, ticket)
}

// take returns the tickets answered since the last call.
func (a *answers) take() []uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	tickets := a.tickets
	a.tickets = nil
	return tickets
}

// bench is a monitor on a fake kernel, with what it publishes.
type bench struct {
	*fake
	t       *testing.T
	monitor *Monitor
	facts   *bus.Merged[string, event.Link]
	answers *answers
	events  *bus.Ring[event.Event]
	choices link.Outcome
}

func (b *bench) announce(what subject, list ...link.Observation) {
	b.send(what, packet{observations: list})
}

func (b *bench) send(what subject, d packet) {
	b.mu.Lock()
	s := b.streams[what]
	b.mu.Unlock()
	s.queue <- d
	synctest.Wait()
}

func (b *bench) carry(name string, up bool) {
	b.mu.Lock()
	b.carriers[name] = up
	b.mu.Unlock()
}

func (b *bench) answerIn(d time.Duration) {
	b.mu.Lock()
	b.slow = d
	b.mu.Unlock()
}

// took returns how often the link was asked since the last call.
func (b *bench) took(name string) int {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.asked[name]
	b.asked[name] = 0
	return n
}

// published returns the outcomes since the last call, as lines writes them, without the choices of
// monitors, which chosen returns.
func (b *bench) published() string {
	synctest.Wait()
	o := link.Outcome{Facts: b.facts.Take()}
	for _, e := range first(b.events.Take()) {
		if _, ok := e.(event.LinkMonitored); ok {
			b.choices.Events = append(b.choices.Events, e)
		} else {
			o.Events = append(o.Events, e)
		}
	}
	return lines(o)
}

func (b *bench) chosen() string {
	b.published()
	defer func() { b.choices = link.Outcome{} }()
	return lines(b.choices)
}

// probes returns how often the transceiver was asked since the last call.
func (b *bench) probes(name string) int {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.probed[name]
	b.probed[name] = 0
	return n
}

func (b *bench) setMII(name string, now nic.MIIStatus) {
	b.mu.Lock()
	b.fake.mii[name] = now
	b.mu.Unlock()
}

func (b *bench) expect(want string) {
	b.t.Helper()
	if got := b.published(); got != want {
		b.t.Fatalf("got\n%swant\n%s", got, want)
	}
}

// onBench runs a test in virtual time with the watched links eth0 and eth1.
func onBench(t *testing.T, test func(b *bench), change ...func(*Config, *fake)) {
	synctest.Test(t, func(t *testing.T) {
		k := &fake{
			links: []link.Seen{up(2, "eth0"), up(3, "eth1")}, addresses: []link.Assigned{address(2, "10.0.0.1/24")},
			interrupted: 2, opened: map[subject]int{}, streams: map[subject]*fakeStream{},
			carriers: map[string]bool{"eth0": true, "eth1": true}, asked: map[string]int{},
			mii: map[string]nic.MIIStatus{}, probed: map[string]int{}, queries: map[string]int{},
		}
		cfg := Config{
			Default: link.Settings{Monitor: link.Auto, Confirm: 10 * time.Millisecond}, Watched: []string{"eth0", "eth1", "eth9"},
			Facts: bus.NewRetained[string, event.Link](), Addresses: &bus.Topic[event.Address]{},
			Events: &bus.Topic[event.Event]{}, Minter: event.NewMinter(0),
		}
		answers := &answers{}
		cfg.Answer = answers.add
		for _, c := range change {
			c(&cfg, k)
		}
		bell := bus.NewBell()
		b := &bench{fake: k, t: t, monitor: newMonitor(cfg, k), facts: cfg.Facts.Subscribe(bell),
			answers: answers, events: bus.SubscribeRing(cfg.Events, bell, 100)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.monitor.Run(ctx) }()
		<-b.monitor.Ready()
		b.expect("eth0[2] up\neth1[3] up\neth9 gone\n")
		b.took("eth0")
		test(b)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestMonitorStart(t *testing.T) {
	onBench(t, func(b *bench) {
		fact := b.monitor.Links()[0]
		if fact.Name != "eth0" || fact.Primary4.String() != "10.0.0.1" || fact.Seq == 0 {
			t.Errorf("first fact %+v", fact)
		}
		time.Sleep(time.Second)
		if n := b.took("eth0"); n != 0 {
			t.Errorf("asked %d times though no instance is on the link", n)
		}
		b.announce(ofLinks, link.LinkSeen{Link: up(4, "eth9")})
		b.expect("eth9[4] up\nlink.added eth9 by notification\nlink.up eth9 by notification\n")
		b.announce(ofAddresses, link.AddressGone{Address: address(2, "10.0.0.1/24")})
		b.expect("") // the burst of changes may go on
		time.Sleep(10 * time.Millisecond)
		b.expect("eth0[2] up\n")
	})
}

func TestMonitorLogsTheChoice(t *testing.T) {
	onBench(t, func(b *bench) {
		events := &bus.Topic[event.Event]{}
		ring := bus.SubscribeRing(events, bus.NewBell(), 10)
		b.monitor.cfg.Events = events
		b.carry("eth9", true)
		b.announce(ofLinks, link.LinkSeen{Link: up(4, "eth9")}, link.LinkSeen{Link: up(4, "eth9", mtu(9000))})
		var got []string
		for _, e := range first(ring.Take()) {
			if e, ok := e.(event.LinkMonitored); ok {
				got = append(got, e.Message())
			}
		}
		want := []string{"eth9 is watched by netlink: the driver reports its carrier; asked by ETHTOOL_GLINK every 10ms while an instance on it is Backup or Active"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

func first[T any](v T, _ uint64) T { return v }

func TestConfirmerSeesLossBeforeTheNotification(t *testing.T) {
	onBench(t, func(b *bench) {
		b.monitor.Engage([]string{"eth0"})
		time.Sleep(time.Second)
		if n := b.took("eth0"); n < 99 || n > 102 {
			t.Errorf("asked %d times in 1 s", n)
		}
		if n := b.took("eth1"); n > 1 {
			t.Errorf("eth1 was asked %d times", n)
		}
		b.carry("eth0", false)
		time.Sleep(10 * time.Millisecond)
		b.expect("eth0[2] out -1\nlink.down eth0 by confirm\n")
		time.Sleep(900 * time.Millisecond)
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", noCarrier)})
		b.expect("eth0[2] out\n")

		b.monitor.Engage(nil) // the group is in Fault; the loss must be taken back all the same
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", lost(1))})
		b.expect("eth0[2] out\n")
		b.carry("eth0", true)
		time.Sleep(10 * time.Millisecond)
		b.expect("eth0[2] up\nlink.up eth0 by confirm\n")
		b.took("eth0")
		time.Sleep(time.Second)
		if n := b.took("eth0"); n != 0 {
			t.Errorf("asked %d times though no source reports down", n)
		}
	})
}

// TestConfirmerAsksTheParent: an upper device learns of its parent's loss when the kernel announces
// it, so the parent is asked.
func TestConfirmerAsksTheParent(t *testing.T) {
	onBench(t, func(b *bench) {
		b.announce(ofLinks, link.LinkSeen{Link: up(4, "eth9", on(3))})
		b.published()
		b.monitor.Engage([]string{"eth9"})
		time.Sleep(50 * time.Millisecond)
		b.carry("eth1", false)
		time.Sleep(10 * time.Millisecond)
		b.expect("eth1[3] out -1\neth9[4] barred -1\nlink.down eth1 by confirm\nlink.down eth9 by confirm\n")
	})
}

func TestConfirmerWithoutAnAnswer(t *testing.T) {
	onBench(t, func(b *bench) {
		b.monitor.Engage([]string{"eth0"})
		time.Sleep(time.Second)
		b.mu.Lock()
		delete(b.carriers, "eth0")
		b.mu.Unlock()
		time.Sleep(time.Second)
		b.expect("")
	})
}

// TestConfirmerFallsBehind requires that slow answers make the confirmer skip turns, and never ask
// in a burst.
func TestConfirmerFallsBehind(t *testing.T) {
	onBench(t, func(b *bench) {
		b.answerIn(25 * time.Millisecond)
		b.monitor.Engage([]string{"eth0"})
		time.Sleep(time.Second)
		n := b.took("eth0")
		b.answerIn(0)
		time.Sleep(time.Second)
		if m := b.took("eth0"); n > 41 || m > 102 {
			t.Errorf("asked %d times in 1 s while each took 25 ms, %d times in the next second", n, m)
		}
	})
}

// TestVerify requires that the answer comes after the findings: a reader of the answer finds the
// fact.
func TestVerify(t *testing.T) {
	onBench(t, func(b *bench) {
		b.carry("eth0", false)
		b.monitor.Verify(7, []string{"eth0", "eth1", "nosuch"})
		b.monitor.Verify(8, []string{"eth0"})
		synctest.Wait()
		b.expect("eth0[2] out -1\nlink.down eth0 by confirm\n")
		if tickets := b.answers.take(); !slices.Equal(tickets, []uint64{7, 8}) {
			t.Errorf("tickets %v", tickets)
		}
		b.carry("eth0", true)
		time.Sleep(100 * time.Millisecond)
		b.expect("eth0[2] up\nlink.up eth0 by confirm\n")
	}, func(c *Config, _ *fake) { c.Links = map[string]link.Settings{"eth0": {Monitor: link.Auto, Confirm: 0}} })
}

// TestVerifyAnswersBehindTheFact requires that a finding and the answer after it keep their order
// while another goroutine publishes.
func TestVerifyAnswersBehindTheFact(t *testing.T) {
	onBench(t, func(b *bench) {
		order := make(chan string, 10)
		b.monitor.mu.Lock()
		b.monitor.flushing = true // another goroutine is publishing
		b.monitor.mu.Unlock()
		b.carry("eth0", false)
		b.monitor.Verify(1, []string{"eth0"})
		synctest.Wait()
		if len(b.answers.take()) != 0 {
			t.Fatal("the answer overtook the fact")
		}
		b.monitor.mu.Lock()
		for _, p := range b.monitor.outbox {
			if p.answered {
				order <- "answer"
			} else {
				order <- "fact"
			}
		}
		b.monitor.flushing = false
		b.monitor.mu.Unlock()
		b.monitor.flush()
		if a, c := <-order, <-order; a != "fact" || c != "answer" {
			t.Errorf("published %s, then %s", a, c)
		}
		b.expect("eth0[2] out -1\nlink.down eth0 by confirm\n")
	})
}

func TestOverrunEndsInADump(t *testing.T) {
	onBench(t, func(b *bench) {
		b.mu.Lock()
		b.links = []link.Seen{up(2, "eth0", noCarrier)}
		b.interrupted = 3
		b.mu.Unlock()
		b.send(ofLinks, packet{err: errOverrun})
		time.Sleep(time.Second)
		b.expect("eth1 gone -1\neth0[2] out -1\nlink.removed eth1 by resync\nlink.down eth0 by resync\nlink.resync overrun links=1 differences=2\n")
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0", lost(1))})
		b.expect("eth0[2] up\nlink.up eth0 by notification\n")
	})
}

// TestOverrunDrainsFirst requires that messages that had arrived before the dump are observed
// first.
func TestOverrunDrainsFirst(t *testing.T) {
	onBench(t, func(b *bench) {
		b.mu.Lock()
		b.links = []link.Seen{up(2, "eth0"), up(3, "eth1")}
		s := b.streams[ofLinks]
		b.mu.Unlock()
		s.queue <- packet{err: errOverrun}
		s.queue <- packet{observations: []link.Observation{link.LinkSeen{Link: up(2, "eth0", dormant)}}}
		synctest.Wait()
		b.expect("eth0[2] up -1\nlink.down eth0 by notification\nlink.up eth0 by resync\nlink.resync overrun links=2 differences=1\n")
	})
}

func TestFailedSocketIsOpenedAgain(t *testing.T) {
	onBench(t, func(b *bench) {
		b.mu.Lock()
		b.links = []link.Seen{up(2, "eth0"), up(3, "eth1", noCarrier)}
		b.mu.Unlock()
		b.send(ofLinks, packet{err: errors.New("broken")})
		time.Sleep(time.Second)
		b.expect("eth1[3] out -1\nlink.down eth1 by resync\nlink.resync overrun links=2 differences=1\n")
		if b.opened[ofLinks] != 2 || b.opened[ofAddresses] != 1 {
			t.Errorf("opened %v", b.opened)
		}
		b.announce(ofLinks, link.LinkSeen{Link: up(3, "eth1", lost(1))})
		b.expect("eth1[3] up\nlink.up eth1 by notification\n")
	})
}

func TestAudit(t *testing.T) {
	onBench(t, func(b *bench) {
		time.Sleep(auditEvery - time.Millisecond)
		b.expect("")
		time.Sleep(time.Millisecond)
		b.expect("link.resync audit links=2 differences=0\n")
		time.Sleep(auditEvery / 2) // a message does not delay the audit
		b.announce(ofLinks, link.LinkSeen{Link: up(2, "eth0")})
		time.Sleep(auditEvery / 2)
		b.expect("link.resync audit links=2 differences=0\n")
	})
}

// TestAuditFindsWhatWasNotAnnounced requires that the audit finds unannounced changes.
func TestAuditFindsWhatWasNotAnnounced(t *testing.T) {
	onBench(t, func(b *bench) {
		b.mu.Lock()
		b.links = []link.Seen{up(2, "eth0", noCarrier), up(4, "eth9")}
		b.addresses = append(b.addresses, address(4, "10.0.9.1/24"))
		b.mu.Unlock()
		time.Sleep(auditEvery - time.Millisecond)
		b.expect("")
		time.Sleep(time.Millisecond)
		got := b.published()
		for _, want := range []string{"eth1 gone -1\n", "eth0[2] out -1\n", "eth9[4] up\n", "link.removed eth1 by resync\n",
			"link.down eth0 by resync\n", "link.up eth9 by resync\n", "link.resync audit links=2 differences=3\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("no %sin\n%s", want, got)
			}
		}
		if l := b.monitor.Links()[1]; l.Primary4.String() != "10.0.9.1" {
			t.Errorf("the unannounced address is missing: %+v", l)
		}
	})
}
