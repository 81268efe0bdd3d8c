package problem

import (
	"regexp"
	"strings"
)

// Messages about a file repeat its lines, and must repeat no secret in them, not even if a
// key is misspelt or the file is not YAML.
var (
	// digitsOfKey are those of half a key, or more.
	digitsOfKey = regexp.MustCompile(`[0-9A-Fa-f]{32,}`)
	// secretValues have the value of a key that holds a secret, or what stands in front
	// of the host in a URL, as their last group.
	secretValues = []*regexp.Regexp{
		regexp.MustCompile(`\b(?:hex|pass)["']?\s*:\s*("[^"]*"?|'[^']*'?|[^,}#]+)`),
		regexp.MustCompile(`://([^/@\s]+)@`),
	}
)

// conceal replaces each digit of a key by an asterisk, so that a caret below still points to
// the same column.
func conceal(s string) string {
	return digitsOfKey.ReplaceAllStringFunc(s, stars)
}

// concealValues does so with what a line has behind the keys of secrets.
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

// stars are as many as the text has characters, its blanks and quotes kept.
func stars(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\"'", r) {
			return r
		}
		return '*'
	}, text)
}
