package event

import (
	"slices"
	"testing"
)

// TestSchemaIsExact checks that the schema has no level that an event never has, and calls no
// field optional that every event with the name has, or none.
func TestSchemaIsExact(t *testing.T) {
	byName := map[string][]Event{}
	for _, e := range samples() {
		byName[e.Name()] = append(byName[e.Name()], e)
	}
	for _, d := range Schema {
		seen := map[string]int{}
		var levels []Level
		for _, e := range byName[d.Name] {
			levels = append(levels, e.Level())
			for _, f := range e.Fields() {
				seen[f.Key]++
			}
		}
		slices.Sort(levels)
		if levels = slices.Compact(levels); !slices.Equal(levels, d.Levels) {
			t.Errorf("%s: the samples have the levels %v, the schema %v", d.Name, levels, d.Levels)
		}
		for _, key := range d.May {
			if n := seen[key]; n == 0 || n == len(byName[d.Name]) {
				t.Errorf("%s: %d of %d samples have the field %s, which the schema calls optional", d.Name, n, len(byName[d.Name]), key)
			}
		}
	}
}
