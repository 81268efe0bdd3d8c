package config

import (
	"fmt"
	"reflect"
	"strings"

	"ripcord/pkg/vrrp"
)

// shownKeys are the keys of an instance whose values a reload names in its log. None of them is a
// secret.
var shownKeys = []struct {
	key string
	at  func(*vrrp.Instance) any // returns a pointer
}{
	{"priority", func(in *vrrp.Instance) any { return &in.Priority }},
	{"interval", func(in *vrrp.Instance) any { return &in.Interval }},
	{"miss", func(in *vrrp.Instance) any { return &in.Miss }},
	{"routers", func(in *vrrp.Instance) any { return &in.Routers }},
	{"preempt", func(in *vrrp.Instance) any { return &in.Preempt }},
	{"preempt_delay", func(in *vrrp.Instance) any { return &in.PreemptDelay }},
	{"startup_delay", func(in *vrrp.Instance) any { return &in.StartupDelay }},
}

// changedValues returns how the values of shownKeys of an instance changed, as they are compared,
// or an empty string if none did. Other values may have changed, too.
func changedValues(old, next []any) string {
	was, ok := old[0].(vrrp.Instance)
	if !ok {
		return ""
	}
	is := next[0].(vrrp.Instance)
	var texts []string
	for _, k := range shownKeys {
		before, after := reflect.ValueOf(k.at(&was)).Elem(), reflect.ValueOf(k.at(&is)).Elem()
		if !before.Equal(after) {
			texts = append(texts, fmt.Sprintf("%s %v (was %v)", k.key, after, before))
		}
	}
	return strings.Join(texts, ", ")
}
