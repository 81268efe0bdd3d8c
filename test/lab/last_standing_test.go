package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ripcord/pkg/lan"
)

// TestLastStanding pulls the cables of two routers on different segments. Both are in Fault, and
// each serves its remaining segment with priority 1. When the cable of the better router returns,
// it takes over everything, without an outage on its own segment.
func TestLastStanding(t *testing.T) {
	t.Parallel()
	const interval = 200 * time.Millisecond
	s := newSite(t, bothSegments, "a", "b")
	start := func(host string, priority int) *daemon {
		yaml := router{priority, interval, "preempt: false"}.yaml(s, s.socket(host))
		return s.startYAML(host, strings.Replace(yaml, "members: [inside, outside]", "members: [inside, outside], last_standing: true", 1))
	}
	began := time.Now()
	a := start("a", 150)
	a.becomes("active", began, 5*time.Second)
	b := start("b", 100)
	b.becomes("backup", began, 5*time.Second)
	in, out := s.watch(inside, 5*time.Millisecond), s.watch(outside, 5*time.Millisecond)
	sniffers := map[segment]*lan.Sniffer{inside: s.sniff(inside), outside: s.sniff(outside)}

	first := s.pull("a", inside)
	s.servedBy("b", outside, out, first, 5*time.Second)
	second := s.pull("b", outside)
	servedOut, servedIn := s.servedBy("a", outside, out, second, 5*time.Second), s.servedBy("b", inside, in, second.Add(500*time.Millisecond), 5*time.Second)
	t.Logf("after the second cable outside is served after %v, inside after %v", servedOut.Sub(second), servedIn.Sub(second))
	for d, seg := range map[*daemon]segment{a: outside, b: inside} {
		l := d.wait(second, patience, "that it serves alone", func(l line) bool { return l.Reason == "last-standing" })
		if l.Instance != seg.name || l.From != "fault" || l.To != "active" || l.Level != "warn" {
			t.Errorf("%s: %+v", d.name, l)
		}
		for _, i := range d.status().Instances {
			alone := i.Name == seg.name
			if i.LastStanding != alone || alone && (i.State != "active" || i.EffectivePriority != 1) || !alone && i.State != "fault" {
				t.Errorf("%s: %s is %s with priority %d, last standing %t", d.name, i.Name, i.State, i.EffectivePriority, i.LastStanding)
			}
		}
		if g := d.status().Groups[0]; g.State != "fault" {
			t.Errorf("the group of %s is %s", d.name, g.State)
		}
		if said := s.ripcord(d.name, "status", "--socket", d.socket); !strings.Contains(said.out, seg.name+": serves as the last one standing") {
			t.Errorf("status of %s:\n%s", d.name, said.out)
		}
		series := fmt.Sprintf(`ripcord_instance_last_standing{family="ipv4",instance=%q,interface=%q,vrid="%d"}`, seg.name, seg.ifname, seg.vrid)
		if got := d.scrape()[series]; got != 1 {
			t.Errorf("%s: %s is %v", d.name, series, got)
		}
	}

	back := s.plug("a", inside)
	b.wait(back, 10*time.Second, "that it yields", func(l line) bool { return l.Event == "instance.transition" && l.Reason == "higher-priority-backup" })
	s.servedBy("a", inside, in, back, patience)
	time.Sleep(3 * interval)
	s.uninterrupted(out, servedOut.Add(100*time.Millisecond))
	if st := a.status(); st.Groups[0].State != "active" || st.Instances[0].EffectivePriority != 150 || st.Instances[1].LastStanding {
		t.Errorf("a: group %s, %+v", st.Groups[0].State, st.Instances)
	}
	if st := b.status(); st.Instances[0].State != "fault" || s.holds("b", inside) {
		t.Errorf("b is %s, holds the address: %t", st.Instances[0].State, s.holds("b", inside))
	}

	again := s.plug("b", outside)
	b.becomes("backup", again, 10*time.Second)
	time.Sleep(3 * interval)
	for seg, sniffer := range sniffers {
		overlaps(t, seg, sniffer, first, interval)
	}
	if l := a.moves(again); len(l) > 0 {
		t.Errorf("a moved: %+v", l)
	}
}

// overlaps reports that two routers advertised in turn, for longer than it takes to hear each
// other once.
func overlaps(t *testing.T, seg segment, s *lan.Sniffer, since time.Time, interval time.Duration) {
	t.Helper()
	turns := 0
	var last lan.Advert
	var began time.Time // of the last one's present series
	for _, x := range s.Adverts() {
		if x.At.Before(since) || x.Priority == 0 {
			continue
		}
		if x.Host != last.Host {
			if turns++; x.At.Sub(began) > 2*interval {
				turns = 0
			}
			if began = x.At; turns > 2 { // one may have been on its way as the other began
				t.Errorf("%s: both advertise, at %v", seg.name, x.At)
			}
		}
		last = x
	}
}
