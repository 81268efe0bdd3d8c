package simulate

import (
	"fmt"
	"time"
)

// This file holds what the text and the SVG picture share: names of lanes and formats of times.

// written formats a time that readers compare with other times.
func written(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + written(-d)
	case d == 0:
		return "0 s"
	case d.Round(100*time.Microsecond) < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d.Round(time.Millisecond) < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond)/time.Millisecond)
	case d.Round(10*time.Millisecond) < 2*time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// instant formats an instant.
func instant(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

// ticks returns the instants that an axis marks: at most the given number, at round distances.
func ticks(long time.Duration, most int) (all []time.Duration) {
	step := time.Millisecond
	for _, factor := range []time.Duration{10, 100, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000} {
		if int(long/step) <= most {
			break
		}
		step = factor * time.Millisecond
	}
	for int(long/step) > most {
		step *= 2
	}
	for at := time.Duration(0); at <= long; at += step {
		all = append(all, at)
	}
	return all
}

// title returns the label of the lane of a service: its first address, and how many more there
// are.
func (s *Service) title() string {
	if n := len(s.Addresses); n > 1 {
		return fmt.Sprintf("%s +%d", s.Addresses[0], n-1)
	}
	return s.Addresses[0]
}
