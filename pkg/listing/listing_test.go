package listing

import (
	"net/netip"
	"strings"
	"testing"
)

func TestLists(t *testing.T) {
	for words, want := range map[string][3]string{
		"":          {"", "", ""},
		"a":         {"a", "a", "a"},
		"a b":       {"a and b", "a or b", "a and b"},
		"a b c":     {"a, b and c", "a, b or c", "a, b and 1 more"},
		"a b c d e": {"a, b, c, d and e", "a, b, c, d or e", "a, b and 3 more"},
	} {
		words := strings.Fields(words)
		if got := [...]string{And(words), Or(words), First(2, words)}; got != want {
			t.Errorf("%q: got %q, want %q", words, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	got := And(Texts([]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}))
	if want := "192.0.2.1 and 2001:db8::1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
