package control

import (
	"encoding/json"
	"fmt"
	"time"

	"ripcord/pkg/stats"
)

// Statistics are the counters of one virtual router, by their names in stats.All (RFC 8347's among
// them). They count from Discontinuity on.
type Statistics struct {
	Counters      map[string]uint64
	Discontinuity *time.Time
}

const discontinuity = "discontinuity_datetime"

// Get returns a counter; 0 if a daemon of another version did not report it.
func (s Statistics) Get(c stats.Counter) uint64 { return s.Counters[c.String()] }

// IsZero reports whether there are no counters, because they were not requested.
func (s Statistics) IsZero() bool { return s.Counters == nil }

// MarshalJSON writes one object with a key for each counter, in the order of
// stats.All, and discontinuity_datetime last.
func (s Statistics) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for _, d := range stats.All {
		if n, ok := s.Counters[d.Key]; ok {
			b = fmt.Appendf(b, "%q:%d,", d.Key, n)
		}
	}
	since, err := json.Marshal(s.Discontinuity)
	return append(fmt.Appendf(b, "%q:", discontinuity), append(since, '}')...), err
}

// UnmarshalJSON reads the output of MarshalJSON, and counters that it does not know.
func (s *Statistics) UnmarshalJSON(b []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	s.Counters = make(map[string]uint64, len(fields))
	for key, value := range fields {
		if key == discontinuity {
			if err := json.Unmarshal(value, &s.Discontinuity); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			continue
		}
		var n uint64
		if err := json.Unmarshal(value, &n); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		s.Counters[key] = n
	}
	return nil
}
