package lan

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ripcord/pkg/wire"
)

// answersOnly passes ARP replies and neighbor advertisements.
var answersOnly = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 12}, // EtherType
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ETH_P_ARP, Jf: 2},
	{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 20}, // operation
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 2, Jt: 5, Jf: 6},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ETH_P_IPV6, Jf: 5},
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 20}, // next header
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.IPPROTO_ICMPV6, Jf: 3},
	{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 54}, // ICMPv6 type
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 136, Jf: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xffff},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
}

// Prober asks which station has an address, by ARP or a neighbor solicitation, as a host does
// before it sends. It does not use the host's own neighbour table.
type Prober struct {
	host   *Host
	index  int
	mac    MAC
	ipv4   netip.Addr // the source; if there is none, unspecified, which makes an ARP probe
	ipv6   netip.Addr // the link-local source; invalid if there is none
	ifname string
}

// Prober returns a Prober at the host's end of a cable, with the addresses that the end has now.
func (h *Host) Prober(ifname string) (*Prober, error) {
	c, ok := h.cable(ifname)
	if !ok {
		return nil, fmt.Errorf("probe from host %s: no cable in %s", h.name, ifname)
	}
	linkLocal, _, err := h.linkLocal(c.near)
	if err != nil {
		return nil, err
	}
	return &Prober{host: h, index: c.near, mac: c.mac, ipv4: c.ipv4(), ipv6: linkLocal, ifname: ifname}, nil
}

// Ask asks once for an address and returns the first answer. ok is false if none came in time; an
// error means that it could not ask.
func (p *Prober) Ask(address netip.Addr, within time.Duration) (mac MAC, ok bool, err error) {
	question, err := p.question(address)
	if err != nil {
		return MAC{}, false, err
	}
	s, err := p.host.listen(p.index, answersOnly)
	if err != nil {
		return MAC{}, false, err
	}
	defer s.close()
	if err := s.setDeadline(time.Now().Add(within)); err != nil {
		return MAC{}, false, err
	}
	if err := s.send(question); err != nil {
		return MAC{}, false, fmt.Errorf("ask from %s of host %s for %s: %w", p.ifname, p.host.name, address, err)
	}
	for {
		f, err := s.receive()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return MAC{}, false, nil
		}
		if err != nil {
			return MAC{}, false, err
		}
		if mac, ok := p.answer(f.data, address); ok {
			return mac, true, nil
		}
	}
}

func (p *Prober) question(address netip.Addr) ([]byte, error) {
	if address.Is4() {
		return wire.AppendARPRequest(nil, p.mac, p.ipv4, address), nil
	}
	if !p.ipv6.IsValid() {
		return nil, fmt.Errorf("ask from %s of host %s for %s: it has no link-local address", p.ifname, p.host.name, address)
	}
	return wire.AppendNS(nil, p.mac, p.ipv6, address), nil
}

// answer returns the MAC of the address if the frame is the answer to us, and not an announcement
// to all.
func (p *Prober) answer(data []byte, address netip.Addr) (MAC, bool) {
	if len(data) < 6 || MAC(data[:6]) != p.mac {
		return MAC{}, false
	}
	if address.Is4() {
		mac, ip, ok := wire.ParseARPReply(data)
		return mac, ok && ip == address
	}
	mac, ip, solicited, ok := wire.ParseNA(data)
	return mac, ok && solicited && ip == address
}

// Watch asks for an address repeatedly.
type Watch struct {
	asked    record[time.Time]
	answers  record[Answer]
	listener listener
	asking   sync.WaitGroup
	quit     context.CancelFunc // ends the questions
}

// Watch asks for the address at once and then once per period, until Stop or the LAN's Close. It
// goes on while the cable is unplugged or the interface is down.
func (p *Prober) Watch(address netip.Addr, every time.Duration) (*Watch, error) {
	question, err := p.question(address)
	if err != nil {
		return nil, err
	}
	s, err := p.host.listen(p.index, answersOnly)
	if err != nil {
		return nil, err
	}
	ctx, quit := context.WithCancel(context.Background())
	w := &Watch{listener: listener{socket: s}, quit: quit}
	w.asking.Go(func() { w.ask(ctx, question, every) })
	w.listener.hear(func(f frame) {
		if mac, ok := p.answer(f.data, address); ok {
			w.answers.add(Answer{At: f.at, MAC: mac})
		}
	})
	p.host.lan.onClose(func() { w.end((*listener).cut) })
	return w, nil
}

func (w *Watch) ask(ctx context.Context, question []byte, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		w.asked.add(time.Now())
		_ = w.listener.socket.send(question) // a question that is not sent counts as unanswered
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Timeline returns the questions and answers so far.
func (w *Watch) Timeline() Timeline {
	// Read the answers first, so that the question of each answer is included.
	answers := w.answers.all()
	return Timeline{Asked: w.asked.all(), Answers: answers}
}

// WaitAnswer waits for an answer that matches, among those so far and those to come.
func (w *Watch) WaitAnswer(within time.Duration, match func(Answer) bool) (Answer, error) {
	a, seen, ok := w.answers.wait(within, match)
	if !ok {
		return a, fmt.Errorf("none of %d answers in %s is the expected one", seen, within)
	}
	return a, nil
}

// Stop ends the questions and returns them with the answers so far. It may be called again.
func (w *Watch) Stop() Timeline {
	w.end((*listener).Close)
	return w.Timeline()
}

func (w *Watch) end(finish func(*listener)) {
	w.quit()
	w.asking.Wait()
	finish(&w.listener)
}
