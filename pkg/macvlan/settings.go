package macvlan

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// setting is one sysctl of a link, below /proc/sys/net, with the link's name instead of the
// asterisk.
type setting struct{ key, value string }

// deviceSettings returns the settings of a device: it answers only for its own addresses, and
// accepts packets from hosts that are reached through the link below, which the reverse path filter
// would drop. The greater of the values of "all" and of the link is in force, so the link's can
// make a strict "all" loose.
func deviceSettings(ipv6 bool, read func(key string) (string, error)) []setting {
	filter := "0"
	if all, err := read("ipv4/conf/all/rp_filter"); err == nil && all != "0" {
		filter = "2"
	}
	settings := []setting{
		{"ipv4/conf/*/arp_ignore", "1"},
		{"ipv4/conf/*/rp_filter", filter},
		{"ipv4/conf/*/promote_secondaries", "1"},
	}
	if !ipv6 {
		return append(settings, setting{"ipv6/conf/*/disable_ipv6", "1"})
	}
	return append(settings, setting{"ipv6/conf/*/disable_ipv6", "0"}, // whatever the default for new links
		setting{"ipv6/conf/*/accept_ra", "0"}, setting{"ipv6/conf/*/autoconf", "0"},
		setting{"ipv6/conf/*/accept_dad", "0"}, setting{"ipv6/conf/*/dad_transmits", "0"},
		setting{"ipv6/conf/*/router_solicitations", "0"})
}

// inherited are settings that a device takes from the link below: if that forwards, the device
// forwards.
var inherited = []string{"ipv4/conf/*/forwarding", "ipv6/conf/*/forwarding"}

// belowSettings are those of the link below: it answers only for its own addresses, and does not
// use an address of a device as the sender when it asks for a host, which would give that host the
// wrong MAC. A greater value than the one here is kept.
var belowSettings = []setting{
	{"ipv4/conf/*/arp_ignore", "1"},
	{"ipv4/conf/*/arp_announce", "2"},
}

// serves reports whether the present value of a setting of belowSettings suffices.
func (s setting) serves(now string) bool {
	have, err := strconv.Atoi(now)
	want, _ := strconv.Atoi(s.value)
	return err == nil && have >= want
}

// on returns the key of a setting for a link.
func (s setting) on(link string) string { return strings.Replace(s.key, "*", link, 1) }

// earlier contains the original values of the changed settings of a link, by key. The alias of each
// device on the link contains them, so they outlive a crash, but not the device.
type earlier map[string]string

// deviceMark begins the alias of a device of ours.
const deviceMark = "ripcord"

// onKey precedes, in an alias, the ifindex of the link for which the device was made: the kernel
// attaches a macvlan on a macvlan to the lowest link.
const onKey = "on"

// lowestPrefix precedes, in an alias, the settings of the link below the one for which the device
// was made.
const lowestPrefix = "low/"

// with returns the values for the alias of a device that was made for the link on.
func (b earlier) with(lowest earlier, on int) earlier {
	all := earlier{onKey: strconv.Itoa(on)}
	maps.Copy(all, b)
	for key, was := range lowest {
		all[lowestPrefix+key] = was
	}
	return all
}

// ofLowest returns the settings of the link below the one for which a device was made.
func (b earlier) ofLowest() earlier {
	part := make(earlier)
	for key, was := range b {
		if own, ok := strings.CutPrefix(key, lowestPrefix); ok {
			part[own] = was
		}
	}
	return part
}

// alias returns the text of the alias.
func (b earlier) alias() string {
	text := []string{deviceMark}
	if on, ok := b[onKey]; ok {
		text = append(text, onKey+"="+on)
	}
	for _, prefix := range []string{"", lowestPrefix} {
		for _, s := range belowSettings {
			if was, ok := b[prefix+s.key]; ok {
				text = append(text, prefix+s.key+"="+was)
			}
		}
	}
	return strings.Join(text, " ")
}

// parseAlias parses an alias; ok is false if it is not ours.
func parseAlias(text string) (b earlier, ok bool) {
	words := strings.Fields(text)
	if len(words) == 0 || words[0] != deviceMark {
		return nil, false
	}
	b = make(earlier)
	for _, w := range words[1:] {
		key, was, _ := strings.Cut(w, "=")
		_, err := strconv.Atoi(was)
		bare := strings.TrimPrefix(key, lowestPrefix)
		known := key == onKey || slices.ContainsFunc(belowSettings, func(s setting) bool { return s.key == bare })
		if err == nil && known {
			b[key] = was
		}
	}
	return b, true
}
