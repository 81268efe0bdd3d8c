package lab

import (
	"testing"
	"time"
)

// watching has each router watch the machine of its Active.
const watching = "routers: 2, probe: {interval: 50ms, miss: 3}"

// A router loses power: its peer finds that its machine answers no more, and serves both segments
// long before an advert is missing.
func TestProbePowerLost(t *testing.T) {
	lossOf(t, 300*time.Millisecond, watching, func(s *site) (time.Time, func()) {
		time.Sleep(2 * time.Second) // the Backup knows its Active
		at := s.losePower("a")
		return at, func() {
			s.start("a", router{150, time.Second, watching})
			time.Sleep(time.Second) // it takes away what the killed one left
			for _, seg := range bothSegments {
				s.plug("a", seg)
			}
		}
	})
}

// losePower kills the daemon of a host and pulls its cables, and gives the instant of the last.
func (s *site) losePower(host string) (at time.Time) {
	s.daemons[host].kill()
	for _, seg := range s.segments {
		at = s.pull(host, seg)
	}
	return at
}
