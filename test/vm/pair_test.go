package vm

import (
	"testing"
	"time"
)

// pair is two guests on one segment.
type pair struct {
	t        *testing.T
	lan      *lanSwitch
	cables   [2]cable
	readings [2]readings
	active   int // index of the Active
}

// number returns the last byte of a guest's address.
func number(side int) byte { return byte(11 + side) }

// activeDown is the longer Active_Down_Interval of the two guests (RFC 9568 §6.1: three intervals
// and Skew_Time).
const activeDown = 3*interval + (256-100)*interval/256

// newPair boots two guests at the same time.
func newPair(t *testing.T, p platform, left, right nic) *pair {
	t.Helper()
	begin := time.Now()
	lan := newSwitch(t)
	a := start(t, p, host{nics: []nic{left}, number: number(0), priority: 150}, lan)
	b := start(t, p, host{nics: []nic{right}, number: number(1), priority: 100, links: alone}, lan) // left hears its adverts
	a.ready()
	b.ready()
	t.Logf("both are ready after %.1f s", time.Since(begin).Seconds())
	return &pair{t: t, lan: lan, cables: [2]cable{a.cable(0), b.cable(0)}}
}

func (p *pair) test() {
	p.settle()
	for i := range 2 * pulls {
		p.quiet(time.Second + time.Duration(i)*370*time.Millisecond%time.Second)
		p.failOver()
		p.active = 1 - p.active
	}
	for side, c := range p.cables {
		c.judge(p.readings[side])
	}
}

// settle waits until one guest is Active and the other Backup long enough for the other to have
// heard it: if both boot slowly, each may start as Active.
func (p *pair) settle() {
	p.t.Helper()
	states, since := [2]string{}, time.Now()
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		now := [2]string{p.cables[0].state(), p.cables[1].state()}
		if now != states {
			states, since = now, time.Now()
		}
		apart := now == [2]string{"active", "backup"} || now == [2]string{"backup", "active"}
		if apart && time.Since(since) > 3*activeDown {
			p.active = 0
			if now[1] == "active" {
				p.active = 1
			}
			return
		}
	}
	p.t.Fatalf("left is %s and right %s, want one active and one backup", p.cables[0].state(), p.cables[1].state())
}

// quiet waits for a time that is not a multiple of the drivers' timers and exceeds linkwatch's
// second after a change of a link, and checks that only the Active sends adverts.
func (p *pair) quiet(d time.Duration) {
	p.t.Helper()
	begin := time.Now()
	time.Sleep(d)
	active, backup := p.lan.since(number(p.active), begin), p.lan.since(number(1-p.active), begin)
	if len(active) == 0 || len(backup) > 1 { // one may have been under way
		p.t.Fatalf("in %v %v as Active sent %d adverts and %v as Backup %d, want the Active's alone",
			d, p.cables[p.active].nic, len(active), p.cables[1-p.active].nic, len(backup))
	}
}

// failOver pulls the Active's cable, and plugs it when the other guest has taken over.
func (p *pair) failOver() {
	p.t.Helper()
	c, other, r := p.cables[p.active], p.cables[1-p.active], &p.readings[p.active]
	pulled := c.pull()
	taken := other.reaches(pulled, 5*time.Second, "active")
	down := c.await(pulled, 10*time.Second, "link.down")
	c.reaches(pulled, 5*time.Second, "fault")
	if late := taken.at.Sub(pulled) - activeDown; late > time.Second {
		p.t.Errorf("%v took over %v after Active_Down_Interval, want within a second", other.nic, late)
	}
	time.Sleep(2 * interval)
	if l, ok, _ := c.find(down.at, func(l line) bool { return l.Event == "group.transition" }); ok && l.To != "fault" {
		p.t.Errorf("%v, its cable out: %s", c.nic, l.Msg)
	}
	if len(p.lan.since(number(1-p.active), taken.at.Add(-interval))) == 0 {
		p.t.Errorf("%v sent no advert that passed the switch", other.nic)
	}

	plugged := c.plug()
	up := c.await(plugged, c.nic.plugged, "link.up")
	c.reaches(plugged, c.nic.plugged+10*time.Second, "backup")
	r.took = append(r.took, down.at.Sub(pulled))
	r.sources = append(r.sources, down.Source)
	r.taken = append(r.taken, taken.at.Sub(pulled))
	r.back = append(r.back, up.at.Sub(plugged))
}
