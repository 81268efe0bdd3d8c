package config

import (
	"testing"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
	"ripcord/pkg/tree"
)

// TestOrigin checks that a problem is placed at the key of the instance, or at the instance if only
// the defaults have the key.
func TestOrigin(t *testing.T) {
	line := func(n int) problem.Place {
		return problem.Place{Path: "x", Position: tree.Position{Line: n, Column: 1}}
	}
	o := origin{
		at: line(7), own: schema.KeySet{"vrid": line(8)},
		present: schema.KeySet{"vrid": line(8), "routes": line(2), "name": {Position: tree.Position{Line: 9}, Bad: true}},
	}
	if got := o.where("vrid").Line; got != 8 {
		t.Errorf("an own key stands on line %d", got)
	}
	if got := o.where("routes"); got.Line != 7 || got.Path != "x.routes" {
		t.Errorf("a key of the defaults stands at %+v", got)
	}
	if got := o.spot("routes", line(3)).Line; got != 7 {
		t.Errorf("an entry of a list of the defaults stands on line %d", got)
	}
	if got := o.spot("vrid", line(8)).Line; got != 8 {
		t.Errorf("an entry of an own list stands on line %d", got)
	}
	if !o.sound("vrid") || !o.sound("routes") || o.sound("name") || o.sound("priority") {
		t.Error("sound is wrong about a key that is missing or could not be read")
	}
}
