package schema

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/listing"
	"ripcord/pkg/spelling"
)

// Plain refuses a quoted value, which would mean something else: 51 is a number, "51" is text.
func Plain[V any](f Form[V]) Form[V] {
	what := f.What
	what.Plain = true
	return Form[V]{what, func(report *problem.Report, at problem.Place) (V, bool) {
		v, ok := f.Read(report, at)
		if ok && at.Node.Quoted {
			var none V
			report.Fail(at, "%q is text; write it without quotes", at.Node.Text)
			return none, false
		}
		return v, ok
	}}
}

// Digits matches a whole number, and LeadingZero a number that could be octal.
var (
	Digits      = regexp.MustCompile(`^-?[0-9]+$`)
	LeadingZero = regexp.MustCompile(`^-?0[0-9]`)
)

// Number reads a whole decimal number. It refuses 010, 0x10 and 1_000, on which versions of YAML
// differ.
func Number[V ~int | ~uint8 | ~uint32](from, upto V) Form[V] {
	what := Description{Type: TypeNumber, From: int64(from), Upto: int64(upto)}
	return Plain(As(what, func(report *problem.Report, at problem.Place) (V, bool) {
		s, ok := report.Word(at, "a whole number")
		switch {
		case !ok:
			return 0, false
		case !Digits.MatchString(s):
			report.Fail(at, "%s is not a whole decimal number", problem.Show(s))
			return 0, false
		case LeadingZero.MatchString(s):
			report.Advise(at, "write it without the leading zero", "%s could mean an octal number", problem.Show(s))
			return 0, false
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < int64(from) || n > int64(upto) {
			report.Fail(at, "%s is not between %d and %d", problem.Show(s), from, upto)
			return 0, false
		}
		return V(n), true
	}))
}

// Duration reads a Go duration in whole steps.
func Duration(from, upto, step time.Duration) Form[time.Duration] {
	what := Description{Type: TypeDuration, From: int64(from), Upto: int64(upto), Range: Short(from) + " to " + Short(upto)}
	if step > 1 && step != time.Millisecond {
		what.Range += " in steps of " + Short(step)
	}
	return As(what, func(report *problem.Report, at problem.Place) (time.Duration, bool) {
		s, ok := report.Word(at, "a duration")
		if !ok {
			return 0, false
		}
		d, err := time.ParseDuration(s)
		switch {
		case err != nil && Digits.MatchString(s):
			report.Advise(at, "write 1s or 100ms", "%s has no unit", problem.Show(s))
		case err != nil:
			report.Advise(at, "write 1s or 100ms", "%s is not a duration", problem.Show(s))
		default:
			return d, Within(report, at, s, d, from, upto, step)
		}
		return 0, false
	})
}

// Within reports a duration that is out of its range or not in whole steps. s is its text in the
// file.
func Within(report *problem.Report, at problem.Place, s string, d, from, upto, step time.Duration) bool {
	switch {
	case d < from || d > upto:
		report.Fail(at, "%s is not between %s and %s", problem.Show(s), Short(from), Short(upto))
	case d%step != 0:
		report.Fail(at, "%s is not a multiple of %s", problem.Show(s), Short(step))
	default:
		return true
	}
	return false
}

// Short formats a duration without empty parts: 1h instead of 1h0m0s.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Words are the words of a choice with their values.
type Words[V any] []struct {
	Word  string
	Value V
}

// Choice reads one of several words.
func Choice[V any](known Words[V]) Form[V] {
	var names []string
	for _, w := range known {
		names = append(names, w.Word)
	}
	return As(Description{Type: TypeChoice, Words: names}, func(report *problem.Report, at problem.Place) (v V, ok bool) {
		s, ok := report.Word(at, listing.Or(names))
		if !ok {
			return v, false
		}
		for _, w := range known {
			if w.Word == s {
				return w.Value, true
			}
		}
		report.Advise(at, spelling.DidYouMean(spelling.Nearest(s, names)), "%s is not %s", problem.Show(s), listing.Or(names))
		return v, false
	})
}

// Boolean reads true or false.
var Boolean = Described(Plain(Choice(Words[bool]{{"true", true}, {"false", false}})), Description{Type: TypeBoolean})

// Described returns a form with another description.
func Described[V any](f Form[V], what Description) Form[V] { return Form[V]{what, f.Read} }
