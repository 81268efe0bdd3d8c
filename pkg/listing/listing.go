// Package listing writes lists as parts of sentences.
package listing

import (
	"fmt"
	"strings"
)

// And returns the words with commas and a final "and": "a, b and c".
func And(words []string) string { return join(words, " and ") }

// Or returns the words with commas and a final "or": "a, b or c".
func Or(words []string) string { return join(words, " or ") }

// First returns what And does. If there are more than most words, it returns the first ones and
// how many more there are: "a, b and 5 more".
func First(most int, words []string) string {
	more := len(words) - most
	if more <= 0 {
		return And(words)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), more)
}

// Texts returns the texts of values, such as addresses.
func Texts[V fmt.Stringer](values []V) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	return texts
}

// join joins words with commas, and the last one with another separator.
func join(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + last + words[n]
}
