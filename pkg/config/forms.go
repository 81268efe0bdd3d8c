package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/spelling"
	"ripcord/pkg/tree"
	"ripcord/pkg/wire"
)

// plain reads what would be another thing in quotes: 51 is a number, "51" text.
func plain[V any](f form[V]) form[V] {
	what := f.what
	what.Plain = true
	return form[V]{what, func(l *loader, at place) (V, bool) {
		if at.node.Quoted {
			var none V
			l.fail(at, "%q is text; write it without quotes", at.node.Text)
			return none, false
		}
		return f.read(l, at)
	}}
}

var (
	digits  = regexp.MustCompile(`^-?[0-9]+$`)
	leading = regexp.MustCompile(`^-?0[0-9]`)
)

// number is a whole decimal number. Versions of YAML differ on 010, 0x10 and
// 1_000, so none of them is one.
func number[V ~int | ~uint8 | ~uint32](from, upto V) form[V] {
	what := Description{Type: Number, From: int64(from), Upto: int64(upto)}
	return plain(as(what, func(l *loader, at place) (V, bool) {
		s, ok := l.word(at, "a whole number")
		switch {
		case !ok:
			return 0, false
		case !digits.MatchString(s):
			l.fail(at, "%s is not a whole decimal number", show(s))
			return 0, false
		case leading.MatchString(s):
			l.advise(at, "write it without the leading zero", "%s could mean an octal number", show(s))
			return 0, false
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < int64(from) || n > int64(upto) {
			l.fail(at, "%s is not between %d and %d", show(s), from, upto)
			return 0, false
		}
		return V(n), true
	}))
}

// duration is a Go duration in whole steps.
func duration(from, upto, step time.Duration) form[time.Duration] {
	what := Description{Type: Duration, From: int64(from), Upto: int64(upto), Range: short(from) + " to " + short(upto)}
	if step > 1 && step != ms {
		what.Range += " in steps of " + short(step)
	}
	return as(what, func(l *loader, at place) (time.Duration, bool) {
		s, ok := l.word(at, "a duration")
		if !ok {
			return 0, false
		}
		d, err := time.ParseDuration(s)
		switch {
		case err != nil && digits.MatchString(s):
			l.advise(at, "write 1s or 100ms", "%s has no unit", show(s))
		case err != nil:
			l.advise(at, "write 1s or 100ms", "%s is not a duration", show(s))
		default:
			return d, l.within(at, s, d, from, upto, step)
		}
		return 0, false
	})
}

// within reports a duration, of which s is the text, that is out of its range or
// not in whole steps.
func (l *loader) within(at place, s string, d, from, upto, step time.Duration) bool {
	switch {
	case d < from || d > upto:
		l.fail(at, "%s is not between %s and %s", show(s), short(from), short(upto))
	case d%step != 0:
		l.fail(at, "%s is not a multiple of %s", show(s), short(step))
	default:
		return true
	}
	return false
}

// short writes a duration as a person would: 1h, not 1h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// words are what a choice is between, and what each means.
type words[V any] []struct {
	word  string
	value V
}

// choice is one of some words.
func choice[V any](known words[V]) form[V] {
	var names []string
	for _, w := range known {
		names = append(names, w.word)
	}
	return as(Description{Type: Choice, Words: names}, func(l *loader, at place) (v V, ok bool) {
		s, ok := l.word(at, alternatives(names))
		if !ok {
			return v, false
		}
		for _, w := range known {
			if w.word == s {
				return w.value, true
			}
		}
		l.advise(at, spelling.DidYouMean(spelling.Nearest(s, names)), "%s is not %s", show(s), alternatives(names))
		return v, false
	})
}

// alternatives lists names: a, b or c.
func alternatives(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

var boolean = described(plain(choice(words[bool]{{"true", true}, {"false", false}})), Description{Type: Boolean})

// described gives a form another description.
func described[V any](f form[V], what Description) form[V] { return form[V]{what, f.read} }

// password is a simple password of VRRPv2. No message repeats it.
func password(l *loader, at place) (wire.Auth, bool) {
	s, ok := l.word(at, "text")
	if !ok {
		return wire.Auth{}, false
	}
	a := wire.Password(s)
	switch {
	case s == "" || l.format != Keepalived && strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
		l.fail(at, "the password has to be printable ASCII, and not empty")
		return wire.Auth{}, false
	case len(s) > len(a.Data):
		l.warn(at, "give all routers of the LAN the same", "only the first %d characters of the password count", len(a.Data))
	}
	return a, true
}

// namePattern is text without quotes and control characters, and without a blank at its ends.
var namePattern = regexp.MustCompile(`^[^\x00-\x20"\x7f]([^\x00-\x1f"\x7f]*[^\x00-\x20"\x7f])?$`)

// name is the name of an instance or group.
func name(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "text")
	if ok && !namePattern.MatchString(s) {
		l.fail(at, "%s is not a name; use letters, digits and signs, but no double quote, and no blank at its ends", show(s))
		return "", false
	}
	return s, ok
}

// advertInterface is an interface that can carry adverts.
func advertInterface(l *loader, at place) (string, bool) {
	s, ok := interfaceName(l, at)
	if ok && s == "lo" {
		l.advise(at, "name the interface on which the other routers and the hosts are", "lo is the loopback interface, which leads to nobody")
		return "", false
	}
	return s, ok
}

// The longest names, less the zero byte: IFNAMSIZ for an interface's own, ALTIFNAMSIZ
// for an alternative one.
const (
	longestName    = 15
	longestAltName = 127
)

// interfaceName is what the kernel takes for the name of an interface: its own, or
// an alternative one (ip link property add … altname), which may be longer.
func interfaceName(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "text")
	if !ok {
		return "", false
	}
	if why := badInterface(s); why != "" {
		l.fail(at, "%s cannot name an interface: %s", show(s), why)
		return "", false
	}
	return s, true
}

// ownName is what an interface can have for its own name.
func ownName(l *loader, at place) (string, bool) {
	s, ok := interfaceName(l, at)
	if ok && len(s) > longestName {
		l.fail(at, "%s cannot be the own name of an interface: it is longer than %d characters", show(s), longestName)
		return "", false
	}
	return s, ok
}

// badInterface says why an interface cannot have that name; empty if it can.
func badInterface(s string) string {
	switch {
	case s == "":
		return "it is empty"
	case len(s) > longestAltName:
		return fmt.Sprintf("it is longer than %d characters", longestAltName)
	case s == "." || s == "..":
		return "that is a directory"
	case s == "all" || s == "default":
		return "the kernel gives that name to no interface: net.ipv4.conf." + s + " are settings for more than one"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '/' || r == ':' || r == 0x7f || r == 0xa0 || r == 0x85 }):
		return "it has a blank, '/' or ':'"
	}
	return ""
}

// socketPath is where a unix socket can be.
func socketPath(l *loader, at place) (string, bool) {
	const longest = 107 // sun_path, less the zero byte
	s, ok := l.word(at, "text")
	switch {
	case !ok:
	case !strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/"):
		l.fail(at, "%s is not the absolute path of a socket", show(s))
		ok = false
	case len(s) > longest:
		l.fail(at, "the path is longer than %d characters, the longest for a socket", longest)
		ok = false
	}
	return s, ok
}

// readVirtualMAC is whether a virtual MAC is used, or the name of the link that bears it.
func readVirtualMAC(l *loader, at place) (virtualMAC, bool) {
	text := strings.ToLower(at.node.Text)
	meant := slices.Contains([]string{"yes", "no", "on", "off"}, text) || spelling.Nearest(text, []string{"true", "false"}) != ""
	if at.node.Kind != tree.Scalar || meant {
		used, ok := boolean.read(l, at)
		return virtualMAC{used: used}, ok
	}
	name, ok := ownName(l, at)
	return virtualMAC{true, name}, ok
}
