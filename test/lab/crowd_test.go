package lab

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ripcord/test/netns"
)

// What another link of a host bears: as many addresses and neighbors as a machine with
// many containers has.
const (
	crowdAddresses = 20_000
	crowdNeighbors = 60_000
)

// TestLossAmongAddresses: from the pulled cable to the decision p99 is little more on a
// machine with 20,000 addresses and 60,000 neighbors, which its audits list, than on one
// without. Work that grows with the square of the addresses takes seconds.
func TestLossAmongAddresses(t *testing.T) {
	netns.NeedRoot(t)
	measuredAnew(t, func(t *testing.T, _ *machine) (wrong string) {
		return lossesBesideAlone(t, 100, func(t *testing.T) (*site, *daemon) {
			s, b := startBackup(t, "", "")
			s.crowd("b")
			return s, b
		}, nil)
	})
}

// lossesBesideAlone pulls the cable of a Backup n times, and at the same time that of the
// crowded one, so that whatever else keeps the processors busy delays both. It returns what
// is wrong if the crowded one knows much later. Once the crowded one has lost its cable for
// the last time, after may look at it.
func lossesBesideAlone(t *testing.T, n int, crowded func(t *testing.T) (*site, *daemon), after func(t *testing.T, b *daemon)) (wrong string) {
	t.Helper()
	var alone, among []time.Duration
	begin := make(chan struct{})
	t.Run("both", func(t *testing.T) {
		t.Run("alone", func(t *testing.T) {
			t.Parallel()
			s, b := startBackup(t, "", "")
			<-begin
			alone = s.losses(b, n)
		})
		t.Run("crowded", func(t *testing.T) {
			t.Parallel()
			start := sync.OnceFunc(func() { close(begin) })
			defer start() // it may fail before
			s, b := crowded(t)
			start()
			among = s.losses(b, n)
			if after != nil {
				after(t, b)
			}
		})
	})
	for name, took := range map[string][]time.Duration{"alone": alone, "crowded": among} {
		t.Logf("%s: p50 %v, p90 %v, p99 %v, max %v of %d", name, quantile(took, 50), quantile(took, 90), quantile(took, 99), quantile(took, 100), len(took))
	}
	if got, limit := quantile(among, 99), 2*quantile(alone, 99)+20*time.Millisecond; got > limit || len(among) < n || len(alone) < n {
		return fmt.Sprintf("p99 of %d pulls is %v, want at most %v of %d", len(among), got, limit, n)
	}
	return ""
}

// startBackup starts a router that stays Backup for as long as the test lasts, and that
// asks for no proof that its segment forwards. The control section of its file begins with
// control, and the file with head.
func startBackup(t *testing.T, control, head string) (*site, *daemon) {
	t.Helper()
	s := newSite(t, []segment{inside}, "b")
	began := time.Now()
	yaml := router{100, 40 * time.Second, ""}.yaml(s, s.socket("b"))
	b := s.startYAML("b", head+"links: {default: {recovery: {wait: 0}}}\n"+strings.Replace(yaml, "control: {", "control: {"+control, 1))
	b.becomes("backup", began, 5*time.Second)
	return s, b
}

// crowd gives a host its addresses and neighbors.
func (s *site) crowd(host string) {
	s.t.Helper()
	s.ip(host, "link", "add", "crowd", "type", "veth", "peer", "name", "mob")
	s.ip(host, "link", "set", "crowd", "up")
	var made []string
	for i := range crowdAddresses {
		made = append(made, fmt.Sprintf("address add 10.%d.%d.%d/32 dev crowd", i>>14, i>>7&0x7f, i&0x7f))
	}
	for i := range crowdNeighbors {
		made = append(made, fmt.Sprintf("neighbor add 172.16.%d.%d lladdr 02:00:00:00:%02x:%02x dev crowd nud permanent", i>>8, i&0xff, i>>8, i&0xff))
	}
	s.batch(host, made...)
}

// losses pulls a Backup's cable n times, and returns how long it took each time until
// the daemon knew.
func (s *site) losses(b *daemon, n int) (took []time.Duration) {
	s.t.Helper()
	for i := range n {
		time.Sleep(time.Duration(100+17*i%100) * time.Millisecond)
		at := s.pull(b.name, inside)
		l := b.becomes("fault", at, patience)
		took = append(took, l.TS.Sub(at.Round(0)))
		b.becomes("backup", s.plug(b.name, inside), patience)
	}
	return took
}
