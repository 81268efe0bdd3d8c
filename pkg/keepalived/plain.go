package keepalived

import (
	"regexp"
	"slices"

	"ripcord/pkg/tree"
)

// plain leaves out what needs not be said.
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

// standard are the values that keys have by themselves.
var standard = map[string]string{
	"interval": "1s", "rise": "1", "fall": "1", "count": "5", "again_after": "5s", "refresh": "0s", "spacing": "0s",
}

// idle is the part of a duration that is nothing: the minutes and seconds of 1h0m0s.
var idle = regexp.MustCompile(`^(\d+(?:h\d+)?[hm])(?:0m)?0s$`)

// trim writes the durations of an instance or a check shortly, and leaves out what is as it
// would be by itself, unless there is something to be said of it.
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

// weights leaves out the weight of what is tracked where it is that of the check.
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

// runs reports whether anything is done as script_user.
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
