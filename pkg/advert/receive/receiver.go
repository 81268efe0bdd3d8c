package receive

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ripcord/pkg/advert/repeats"
	"ripcord/pkg/advert/validate"
	"ripcord/pkg/bus"
	"ripcord/pkg/deadline"
	"ripcord/pkg/event"
	"ripcord/pkg/mmsg"
	"ripcord/pkg/stats"
	"ripcord/pkg/vrrp"
	"ripcord/pkg/wakeup"
)

// Config has everything that a Receiver needs. All fields are required, except where noted.
type Config struct {
	Instances []*vrrp.Instance // only read
	Stats     stats.Book
	Unknown   *stats.Counters // for packets that belong to no instance
	Filtering Filtering       // of adverts that repeat the last one
	Links     *bus.Retained[string, event.Link]
	Heard     *bus.Topic[vrrp.Heard]
	Results   *bus.Topic[vrrp.Result]
	Events    *bus.Topic[event.Event]
	Warnings  *event.Warnings  // may be nil
	Questions *event.Questions // records the questions to the kernel that fail; nil: nowhere
	Minter    *event.Minter
	Now       func() time.Time
}

// Receiver receives the adverts on the links of its instances, through a raw socket for each link
// and family and a packet socket for each link, which are opened and closed with the link.
type Receiver struct {
	cfg       Config
	acceptor  *validate.Acceptor
	wanted    sockets
	byFD      map[int]*socket
	receipt   *receipt
	poller    *wakeup.Epoll
	peers     *peers
	fragments fragments
	coalesce  coalesce
	reports   *reports
	summary   *summary
	heard     []vrrp.Heard // adverts that are not published yet

	routes routes
	lists  *memberLists
	// These functions ask the kernel: lists.members and routes.delivers.
	members  membersFunc
	delivers deliversFunc

	auditAt time.Time // when the sockets are audited again
	audited time.Time // they are not audited before, even to verify

	mu     sync.Mutex
	alarm  *wakeup.Alarm // nil unless Run runs
	asked  bool
	ticket uint64           // the greatest ticket so far
	next   *reconfiguration // nil if none waits
}

// New returns a receiver that receives nothing until Run.
func New(cfg Config) *Receiver {
	r := &Receiver{
		cfg:      cfg,
		acceptor: validate.New(cfg.Instances, cfg.Stats, cfg.Unknown, cfg.Minter, nil),
		byFD:     make(map[int]*socket), receipt: newReceipt(),
		peers:     newPeers(cfg.Instances, cfg.Warnings),
		fragments: fragments{cfg.Instances, cfg.Warnings},
		lists:     newMemberLists(),
	}
	r.acceptor.Warn(cfg.Warnings)
	r.reports = newReports(&r.cfg)
	r.summary = newSummary(&r.cfg, &r.wanted, r.repeated)
	r.members, r.delivers = r.lists.members, r.askRoutes
	r.wanted = wants(cfg.Instances)
	return r
}

// Verify asks the receiver to read everything in its sockets, to publish the adverts, and then to
// publish vrrp.Answered with the ticket. Tickets grow: the answer to a ticket also answers all
// earlier ones.
func (r *Receiver) Verify(ticket uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked, r.ticket = true, max(r.ticket, ticket)
	if r.alarm != nil {
		r.alarm.Ring()
	}
}

// Summarize orders how the receiver reports adverts that repeat the last one. It may be called
// from any goroutine and never blocks.
func (r *Receiver) Summarize(orders ...vrrp.Summarize) {
	r.summary.order(orders)
	r.ring()
}

// Count makes the receiver add the packets dropped so far to the counters, and returns when that
// is done, or when ctx ends. It may be called from any goroutine.
func (r *Receiver) Count(ctx context.Context) {
	if r.cfg.Filtering.Filter == nil {
		return
	}
	if done := r.summary.ask(); r.ring() {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
}

// ring wakes the receiver, and reports whether it runs.
func (r *Receiver) ring() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.alarm != nil {
		r.alarm.Ring()
	}
	return r.alarm != nil
}

// Run receives until ctx ends. A socket that cannot be opened is no error: that is published, and
// tried again every second.
func (r *Receiver) Run(ctx context.Context) (err error) {
	if r.poller, err = wakeup.OpenEpoll(); err != nil {
		return fmt.Errorf("advert receiver: %w", err)
	}
	r.arm(r.poller.Alarm)
	r.cfg.Filtering.report(r.cfg.Events, r.cfg.Now())
	bell := bus.NewBell()
	links := r.cfg.Links.Subscribe(bell)
	var forwarder sync.WaitGroup
	defer func() {
		forwarder.Wait()
		err = errors.Join(err, r.shut())
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	forwarder.Go(func() { forward(ctx, bell, r.poller.Alarm) })

	for ctx.Err() == nil {
		r.reconfigure()
		changed := links.Take()
		if len(changed) > 0 {
			r.summary.stopAll()
		}
		for _, l := range changed {
			r.follow(l)
			stamp := event.Stamp{Cause: l.Cause, At: r.cfg.Now()}
			r.peers.follow(l, stamp)
			r.fragments.follow(l, stamp)
		}
		r.reopen()
		if len(changed) > 0 {
			r.audit()
		}
		r.auditWhenDue()
		r.summary.execute()
		r.answer()
		r.summary.sweep()
		r.publishHeard()
		r.watchFloods(false)
		r.publish(r.acceptor.Flush(r.cfg.Now(), false))
		if err := r.poller.Wait(r.timeout(), r.coalesce.linger(), r.ready); err != nil {
			return fmt.Errorf("advert receiver: %w", err)
		}
		r.publishHeard()
	}
	r.watchFloods(true)
	r.publish(r.acceptor.Flush(r.cfg.Now(), true))
	return nil
}

// forward rings the alarm of the poller for each ring of the bell.
func forward(ctx context.Context, bell bus.Bell, a *wakeup.Alarm) {
	for {
		select {
		case <-bell:
			a.Ring()
		case <-ctx.Done():
			a.Ring()
			return
		}
	}
}

func (r *Receiver) arm(a *wakeup.Alarm) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alarm = a
}

func (r *Receiver) shut() error {
	r.arm(nil)
	var fds []int
	for _, w := range r.wanted {
		if w.port == nil {
			continue
		}
		if r.drain(w, r.cfg.Now()); w.port != nil {
			r.summary.unassign(w)
			w.port.forget()
			fds = append(fds, w.port.fd)
			w.port = nil
		}
	}
	clear(r.byFD)
	_ = mmsg.Close(fds...) // receive sockets have nothing left to lose
	r.routes.close()
	r.lists.close()
	return r.poller.Close()
}

// timeout returns how long the receiver may sleep; negative if it is until a wake-up.
func (r *Receiver) timeout() time.Duration {
	var next deadline.Earliest
	next.AddIf(r.acceptor.Next())
	for _, w := range r.wanted {
		next.Add(w.retry)
		if w.port != nil {
			if r.auditAt.IsZero() {
				return 0 // the first audit
			}
			next.Add(r.auditAt)
			next.AddIf(w.port.flood.next())
			next.AddIf(w.runs.Next())
		}
	}
	at, ok := next.Get()
	if !ok {
		return -1
	}
	return max(0, at.Sub(r.cfg.Now()))
}

// ready reads once from a socket. If packets are left it becomes ready again, after the other
// sockets.
func (r *Receiver) ready(fd int) {
	if w := r.byFD[fd]; w != nil && w.port != nil {
		r.read(w)
	}
}

// publishHeard publishes the received adverts, all at once, so that the loop is woken once.
func (r *Receiver) publishHeard() {
	r.cfg.Heard.Publish(r.heard...)
	clear(r.heard)
	r.heard = r.heard[:0]
}

// read checks the packets of one call of recvmmsg, and reports whether more are queued.
func (r *Receiver) read(w *socket) (more bool, last time.Time) {
	w.runs.Look()
	n, err := r.receipt.read(w.port)
	now := r.cfg.Now()
	if err != nil {
		// Reading clears a pending error of the socket; an error that stays is of another kind.
		if w.port.errors >= maxErrors {
			r.fail(w, err)
		}
		return false, now
	}
	r.coalesce.took(now, n, n == maxRead)
	rejected := 0
	r.summary.begin()
	for i := range n {
		p := r.receipt.packet(i, w.port, now)
		last = p.At
		if w.families[p.Family] == nil {
			continue // the last instance of the family was removed
		}
		if p.Early && p.Family == event.IPv4 {
			w.examine(&p, r.acceptor, r.delivers, now)
		}
		run := r.summary.run(w, &p)
		verdict := r.acceptor.Accept(&p, now)
		if verdict.Valid && verdict.Heard.Priority == 0 {
			r.summary.takeAhead() // it may move other members of the group
		}
		if verdict.Valid {
			r.heard = append(r.heard, verdict.Heard)
		}
		if verdict.Rejected || p.Early && !verdict.Valid {
			rejected++
		}
		if run != nil {
			r.summary.follow(w, run, &p, &verdict)
		}
		r.publish(verdict.Events)
		r.compareDelivery(w, &p, verdict, now)
	}
	if n < maxRead {
		w.runs.Emptied()
	}
	if w.port.flood.rejected(now, rejected) {
		r.summary.stop(w)
		w.port.shield()
	}
	return n == maxRead, last
}

// repeated handles an advert that a filter has dropped, and the earlier ones that it stands for.
func (r *Receiver) repeated(w *socket, run *repeats.Run, h vrrp.Heard) {
	h.Cause = r.cfg.Minter.Cause(h.Cause.At)
	r.acceptor.Repeated(w.socketKey.link, w.family, run.VRID(), &h)
	r.heard = append(r.heard, h)
	if over := w.families[w.family].deliveries.deliver(h.Instance, h.Cause.At, h.Cause.At); over != nil {
		r.reports.notFiltered(over, h.Cause.At)
	}
}

// compareDelivery compares a received packet with what the raw socket of the link and family
// delivers.
func (r *Receiver) compareDelivery(w *socket, p *validate.Packet, v validate.Verdict, now time.Time) {
	a, instance := w.families[p.Family], r.acceptor.Judged()
	switch {
	case v.Own:
		a.deliveries.receiveOwn(instance, now)
	case !p.Early || v.Valid || v.Rejected:
		if over := a.deliveries.deliver(instance, p.At, now); over != nil {
			r.reports.notFiltered(over, now)
		}
	case a.watches(instance):
		if a.deliveries.heard++; a.deliveries.heard == maxArrivals {
			w.watch(p.Family, vridSet{})
		}
		raw := r.wanted[socketKey{w.socketKey.link, p.Family}]
		if raw.port == nil || raw.port.flood.on {
			return // it may miss adverts for another reason
		}
		if x, ok := r.acceptor.Arrived(p); ok {
			a.deliveries.see(x, p.At, now)
		}
	}
}

// maxErrors is how many reads in a row may fail before a socket is opened again.
const maxErrors = 8

func (r *Receiver) publish(events []event.Event) {
	for _, e := range events {
		r.cfg.Events.Publish(e)
	}
}

// answer reads all sockets until no packet is left that had arrived when Verify was called, and
// then answers the ticket.
func (r *Receiver) answer() {
	r.mu.Lock()
	asked, ticket := r.asked, r.ticket
	r.asked = false
	r.mu.Unlock()
	if !asked {
		return
	}
	r.auditToVerify()
	since := r.cfg.Now()
	for _, w := range r.wanted {
		r.drain(w, since)
	}
	r.summary.take()
	r.publishHeard()
	r.cfg.Results.Publish(vrrp.Answered{Ticket: ticket, By: vrrp.Receiver})
}

// drain reads and publishes the packets that had arrived before the instant; it does not wait for
// the end of a flood. For a few bursts it reads on whatever the stamps are: the kernel begins to
// stamp packets a little after the first socket requests it, and until then a stamp is the time
// of reading.
func (r *Receiver) drain(w *socket, before time.Time) {
	defer r.publishHeard()
	for i := range maxBursts {
		if w.port == nil {
			return
		}
		if more, last := r.read(w); !more || i >= minBursts && last.After(before) {
			return
		}
	}
}

const (
	minBursts = 8
	maxBursts = 256 // more than a receive buffer holds
)
