package syntax

import (
	"slices"
	"testing"
)

func TestCommands(t *testing.T) {
	for text, want := range map[string][]string{
		`a 'b c' "d 'e" \g\ h`: {"a", "b c", "d 'e", "g h"},
		`a\x41\102\cA\t\\`:     {"aAB\x01\t\\"},
		`''  a""b`:             {"", "ab"},
		"a\tb":                 {"a", "b"},
		`/bin/sh -c 'x | y'`:   {"/bin/sh", "-c", "x | y"},
		`a 'b`:                 nil,
		`a \`:                  nil,
	} {
		got, ok := SplitCommand(text)
		if ok != (want != nil) || ok && !slices.Equal(got, want) {
			t.Errorf("%q is %q %t, want %q", text, got, ok, want)
		}
	}
}
