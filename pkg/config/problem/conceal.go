package problem

import (
	"regexp"
	"strings"
)

// Messages about a file repeat its lines, and must not repeat a secret, even if a key is misspelt
// or the file is not YAML.
var (
	// digitsOfKey matches the digits of at least half a key.
	digitsOfKey = regexp.MustCompile(`[0-9A-Fa-f]{32,}`)
	// secretValues match the value of a key that holds a secret, or the user part of a URL, as
	// their last group.
	secretValues = []*regexp.Regexp{
		regexp.MustCompile(`\b(?:hex|pass)["']?\s*:\s*("[^"]*"?|'[^']*'?|[^,}#]+)`),
		regexp.MustCompile(`://([^/@\s]+)@`),
	}
)

// conceal replaces each digit of a key by an asterisk, so that a caret below the line still points
// to the same column.
func conceal(s string) string {
	return digitsOfKey.ReplaceAllStringFunc(s, stars)
}

// concealValues replaces the values of secret keys in a line by asterisks.
func concealValues(line string) string {
	for _, secret := range secretValues {
		var b strings.Builder
		end := 0
		for _, at := range secret.FindAllStringSubmatchIndex(line, -1) {
			b.WriteString(line[end:at[2]] + stars(line[at[2]:at[3]]))
			end = at[3]
		}
		line = b.String() + line[end:]
	}
	return line
}

// stars returns as many asterisks as the text has characters, and keeps its blanks and quotes.
func stars(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\"'", r) {
			return r
		}
		return '*'
	}, text)
}
