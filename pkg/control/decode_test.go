package control

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestDecodeStatus requires the result of encoding/json for any texts and any number of parts, and
// an error for a broken status.
func TestDecodeStatus(t *testing.T) {
	source := thousand()
	odd := []string{`"instances":[`, `]},{`, `\`, `\"`, `}`, `[[`, "é\n", `,`}
	for i := range source.groups {
		m := &source.groups[i].Members[0]
		in := *m.Instance
		in.Name = fmt.Sprintf("%d%s", i, odd[i%len(odd)])
		m.Instance = &in
	}
	for _, instances := range []int{0, 1, fewInstances, 1000} {
		part := source
		part.groups = source.groups[:instances]
		text, err := json.Marshal(Config{Source: part, Host: `"instances":[`}.status(true))
		if err != nil {
			t.Fatal(err)
		}
		var want, got Status
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if err := decodeStatus(text, &got); err != nil {
			t.Fatalf("%d instances: %v", instances, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%d instances (-want +got):\n%.2000s", instances, diff)
		}
		for n := 0; n < len(text); n += 1 + len(text)/29 {
			if decodeStatus(text[:n], new(Status)) == nil {
				t.Errorf("%d instances: the first %d bytes are no error", instances, n)
			}
			broken := append([]byte(nil), text...)
			broken[n] = 0
			if decodeStatus(broken, new(Status)) == nil {
				t.Errorf("%d instances: a NUL at byte %d is no error", instances, n)
			}
		}
	}
}

// TestCutArray requires that no element is cut.
func TestCutArray(t *testing.T) {
	for text, want := range map[string]string{
		`]`: `[""] 0`, `1]`: `["1"] 1`, `{"a":[1,2]},{"b":"]},{"},3] tail`: `["{\"a\":[1,2]}" "{\"b\":\"]},{\"}" "3"] 26`,
		`"\\",[[]]]`: `["\"\\\\\"" "[[]]"] 9`, `{"a":1},`: `[] -1`, `"`: `[] -1`, `"\`: `[] -1`,
	} {
		parts, end := cutArray([]byte(text), 100)
		if got := fmt.Sprintf("%q %d", parts, end); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
