package control

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"ripcord/pkg/listing"
)

// query parses the parameters of a request, and keeps the first error.
type query struct {
	values url.Values
	err    error
}

// flag parses 0 or 1; absent is the value of a missing parameter.
func (q *query) flag(name string, absent bool) bool {
	switch text := q.values.Get(name); text {
	case "":
		return absent
	case "0", "false":
		return false
	case "1", "true":
		return true
	default:
		q.fail("%s %q is neither 0 nor 1", name, text)
		return absent
	}
}

// number parses a number above 0; it returns 0 for a missing parameter.
func (q *query) number(name string) uint64 {
	text := q.values.Get(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		q.fail("%s %q is not a number above 0", name, text)
	}
	return n
}

func (q *query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = fmt.Errorf(format, args...)
	}
}

// end returns the first error. An unknown parameter is an error, too.
func (q *query) end(known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		if !slices.Contains(known, name) {
			q.fail("there is no parameter %q: there %s", name, enumerate(known))
		}
	}
	return q.err
}

// enumerate lists names in a sentence.
func enumerate(names []string) string {
	if len(names) == 1 {
		return "is " + names[0]
	}
	return "are " + listing.And(names)
}
