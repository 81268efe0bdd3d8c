package machine

import (
	"net/netip"
	"testing"
	"time"

	"ripcord/pkg/event"
	"ripcord/pkg/vrrp"
)

func heardOf(at time.Time) vrrp.Heard {
	return vrrp.Heard{
		Cause: event.Cause{Trace: 1, At: at}, Instance: "inside", Source: netip.MustParseAddr("192.0.2.9"),
		Priority: 200, Interval: time.Second,
	}
}

// BenchmarkStepHeardInBackup measures the most frequent input of a Backup, an advert of the
// Active; a flood of adverts is also the most likely attack.
func BenchmarkStepHeardInBackup(b *testing.B) {
	m, now := fixture()
	var in vrrp.Input = heardOf(now)
	b.ReportAllocs()
	for b.Loop() {
		m.Step(now, in)
	}
}

func BenchmarkStepHeardRival(b *testing.B) {
	m, _ := fixture()
	now, _ := serve(m)
	h := heardOf(now)
	h.Priority = 50
	var in vrrp.Input = h
	b.ReportAllocs()
	for b.Loop() {
		m.Step(now, in)
	}
}

func BenchmarkStepTick(b *testing.B) {
	m, now := fixture()
	var in vrrp.Input = vrrp.Tick{Cause: event.Cause{Trace: 1, At: now}}
	b.ReportAllocs()
	for b.Loop() {
		m.Step(now, in)
	}
}

func BenchmarkStatus(b *testing.B) {
	m, now := fixture()
	b.ReportAllocs()
	for b.Loop() {
		m.Status(now)
	}
}

func BenchmarkDeadline(b *testing.B) {
	m, _ := fixture()
	b.ReportAllocs()
	for b.Loop() {
		m.Deadline()
	}
}

// TestHeardAllocatesNothing checks that no memory is allocated for adverts of the Active, for
// those of a rival that was answered, for a Tick before its time, or for a status that has not
// changed, even if the group is in Fault.
func TestHeardAllocatesNothing(t *testing.T) {
	m, now := fixture()
	var heard, tick vrrp.Input = heardOf(now), vrrp.Tick{Cause: event.Cause{At: now}}
	step := func(in vrrp.Input) func() { return func() { m.Step(now, in); m.Status(now) } }
	if n := testing.AllocsPerRun(100, step(heard)); n != 0 {
		t.Errorf("an advert in Backup allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, step(tick)); n != 0 {
		t.Errorf("a Tick in Backup allocates %v times", n)
	}
	now, _ = serve(m)
	rival := heardOf(now)
	rival.Priority = 50
	if n := testing.AllocsPerRun(100, step(rival)); n != 0 {
		t.Errorf("a rival that was answered allocates %v times", n)
	}
	m.Step(now, vrrp.LinkSeen{Link: event.Link{Name: "eth1", Index: 3}})
	if n := testing.AllocsPerRun(100, step(heard)); n != 0 || m.State() != event.Fault {
		t.Errorf("an advert in Fault (%v) allocates %v times", m.State(), n)
	}
}
