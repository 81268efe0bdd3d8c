package link

import (
	"reflect"
	"testing"
)

// TestSeenEqual requires that a difference in any field counts, or Sift would drop it from a dump.
func TestSeenEqual(t *testing.T) {
	a := up(2, "eth0")
	for i := range reflect.TypeFor[Seen]().NumField() {
		b := a
		switch field := reflect.ValueOf(&b).Elem().Field(i); field.Kind() {
		case reflect.Bool:
			field.SetBool(!field.Bool())
		case reflect.String:
			field.SetString(field.String() + "9")
		case reflect.Int:
			field.SetInt(field.Int() + 1)
		case reflect.Uint8, reflect.Uint32:
			field.SetUint(field.Uint() + 1)
		case reflect.Slice:
			field.Set(reflect.ValueOf([]string{"uplink"}))
		case reflect.Array:
			field.Index(0).SetUint(2)
		default:
			t.Fatalf("field %s: teach this test a %v", reflect.TypeFor[Seen]().Field(i).Name, field.Kind())
		}
		if a.equal(&b) {
			t.Errorf("a link with another %s counts as the same", reflect.TypeFor[Seen]().Field(i).Name)
		}
	}
	if b := a; !a.equal(&b) {
		t.Error("a link is not equal to itself")
	}
}
