package keepalived

import (
	"regexp"
	"slices"

	"ripcord/pkg/tree"
)

// plain removes keys that have their default value.
func (c *converter) plain() {
	for _, key := range []string{"instances", "checks"} {
		for _, block := range c.items(key) {
			trim(block)
		}
	}
	c.weights()
	if !c.runs() {
		c.root.Entries = slices.DeleteFunc(c.root.Entries, func(e tree.Entry) bool { return e.Key == "script_user" || e.Key == "script_group" })
	}
}

// standard are the default values of keys.
var standard = map[string]string{
	"interval": "1s", "rise": "1", "fall": "1", "count": "5", "again_after": "5s", "refresh": "0s", "spacing": "0s",
}

// idle matches the empty parts of a duration: the minutes and seconds of 1h0m0s.
var idle = regexp.MustCompile(`^(\d+(?:h\d+)?[hm])(?:0m)?0s$`)

// trim shortens the durations of an instance or a check, and removes values that are defaults
// unless a comment belongs to them.
func trim(block *tree.Node) {
	for i := range block.Entries {
		e := &block.Entries[i]
		if e.Key == "announce" {
			trim(e.Value)
		}
		if e.Value.Kind == tree.Scalar {
			e.Value.Text = idle.ReplaceAllString(e.Value.Text, "$1")
		}
	}
	block.Entries = slices.DeleteFunc(block.Entries, func(e tree.Entry) bool {
		asUsual := e.Value.Kind == tree.Scalar && standard[e.Key] == e.Value.Text || e.Key == "announce" && len(e.Value.Entries) == 0
		return asUsual && len(e.Value.Comments) == 0
	})
}

// weights removes the weights of tracked things that equal those of the check.
func (c *converter) weights() {
	own := map[string]string{}
	for _, check := range c.items("checks") {
		if weight := check.Find("weight"); weight != nil {
			own[check.Find("name").Value.Text] = weight.Value.Text
		}
	}
	for _, block := range slices.Concat(c.items("instances"), c.items("groups")) {
		list := block.Find("track")
		if list == nil {
			continue
		}
		for _, one := range list.Value.Items {
			if check := one.Find("check"); check != nil {
				one.Entries = slices.DeleteFunc(one.Entries, func(e tree.Entry) bool { return e.Key == "weight" && e.Value.Text == own[check.Value.Text] })
			}
		}
	}
}

// runs reports whether anything runs as script_user.
func (c *converter) runs() bool {
	for _, key := range []string{"fifo", "startup", "shutdown"} {
		if c.root.Find(key) != nil {
			return true
		}
	}
	for _, block := range slices.Concat(c.items("instances"), c.items("groups"), c.items("checks")) {
		if block.Find("notify") != nil || block.Find("command") != nil {
			return true
		}
	}
	return false
}
