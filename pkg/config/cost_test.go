package config

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ripcord/pkg/config/files"
	"ripcord/pkg/config/problem"
	"ripcord/test/cpu"
)

// Limits of the cost of each byte of a file, with room for slow machines, and a fixed part for the
// load itself.
const (
	timeEach, timeBase = 100 * time.Microsecond, 500 * time.Millisecond
	heapEach, heapBase = 4 << 10, 32 << 20
)

// frugally parses a text and fails if that takes more time or memory than the text's size allows,
// or if the error is longer than a person can read.
func frugally(t *testing.T, text string) (*Config, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := cpu.Used()
	c, err := Parse("fuzz.yaml", []byte(text))
	said := ""
	if err != nil {
		said = err.Error()
	}
	took := cpu.Used() - begun
	runtime.ReadMemStats(&after)
	if most := timeBase + time.Duration(len(text))*timeEach; took > most {
		t.Errorf("%d bytes took %v, want at most %v", len(text), took, most)
	}
	if used, most := after.TotalAlloc-before.TotalAlloc, heapBase+uint64(len(text))*heapEach; used > most {
		t.Errorf("%d bytes took %d MiB of memory, want at most %d", len(text), used>>20, most>>20)
	}
	// The characters of a line, its caret and its summary.
	if most := problem.MaxListed * (2*problem.Excerpt + 2*problem.MaxMessage + 1000); utf8.RuneCountInString(said) > most {
		t.Errorf("the error has %d characters, want at most %d", utf8.RuneCountInString(said), most)
	}
	return c, err
}

// repeated returns a text of about n bytes: before, then each repeated with its number, then after.
func repeated(n int, before, each, after string) string {
	var b strings.Builder
	b.WriteString(before)
	for i := 0; b.Len() < n-len(after); i++ {
		if strings.Contains(each, "%") {
			fmt.Fprintf(&b, each, i)
		} else {
			b.WriteString(each)
		}
	}
	return b.String() + after
}

// costly are files that took, or could take, unlimited time or memory.
var costly = map[string]func(n int) string{
	"a list of words":        func(n int) string { return repeated(n, "instances: [", "x, ", "]") },
	"a list of maps":         func(n int) string { return repeated(n, "instances: [", "{a: b}, ", "]") },
	"addresses":              func(n int) string { return repeated(n, "instances: [{addresses: [", "192.0.2.1/24, ", "]}]") },
	"members":                func(n int) string { return repeated(n, "groups: [{name: a, members: [", "x, ", "]}]") },
	"unknown keys":           func(n int) string { return repeated(n, "", "k%d: 1\n", "") },
	"unknown keys in braces": func(n int) string { return repeated(n, "{", "k%d: 1, ", "}") },
	"one key":                func(n int) string { return repeated(n, "", "k: 1\n", "") },
	"instances": func(n int) string {
		return repeated(n, "instances:\n", "- {name: i%[1]d, interface: e%[1]d, vrid: 1, addresses: [10.0.0.1/8]}\n", "")
	},
	"one instance": func(n int) string {
		return repeated(n, "instances:\n", "- {name: i, interface: e, vrid: 1, addresses: [10.0.0.1/8]}\n", "")
	},
	"lists in lists on a line": func(n int) string { return repeated(n, "", "- ", "x") },
	"keys in keys":             func(n int) string { return repeated(n, "", "? ", "x") },
	"brackets":                 func(n int) string { return repeated(n, "", "[", "") },
	"braces":                   func(n int) string { return repeated(n, "", "{a: ", "") },
	"anchors of anchors":       func(n int) string { return repeated(n, "a: ", "&a ", "x") },
	"tags of tags":             func(n int) string { return repeated(n, "a: ", "!a ", "x") },
	"a long word":              func(n int) string { return repeated(n, "log: {level: ", "x", "}") },
	"a long key":               func(n int) string { return repeated(n/2, "", "k", ": ") + repeated(n/2, "[", "x, ", "]") },
	"a long key of a block":    func(n int) string { return repeated(n/2, "", "k", ":\n") + repeated(n/2, "", "- x\n", "") },
	"long keys in long keys": func(n int) string {
		return repeated(n/4, "", "k", ":\n ") + repeated(n/4, "", "k", ": ") + repeated(n/2, "[", "x, ", "]")
	},
	"an open quote":          func(n int) string { return repeated(n, "a: \"", "x", "") },
	"a block of text":        func(n int) string { return repeated(n, "a: |\n", "  x\n", "") },
	"comments":               func(n int) string { return repeated(n, "", "# x\n", "") },
	"documents":              func(n int) string { return repeated(n, "", "---\n", "") },
	"IPv6 addresses":         func(n int) string { return repeated(n, "a: [", "fe80::1, ", "]") },
	"colons":                 func(n int) string { return repeated(n, "a: [", ":", "]") },
	"colons between letters": func(n int) string { return repeated(n, "{a: [", "a:", "]}") },
	"empty lines":            func(n int) string { return repeated(n, "", "\n", "") },
	"blanks":                 func(n int) string { return repeated(n, "a: ", " ", "b") },
	"aliases":                func(n int) string { return repeated(n, "defaults: &a {x: 1}\ninstances: [", "*a, ", "]") },
	"aliases of a list": func(n int) string {
		return repeated(n/2, "x: &a [", "9, ", "]\n") + repeated(n/2, "instances: [", "{addresses: *a}, ", "]")
	},
	"aliases of a long word": func(n int) string {
		return repeated(n/2, "x: &a \"", "9", "\"\n") + repeated(n/2, "instances: [", "{vrid: *a}, ", "]")
	},
	"aliases of aliases": func(n int) string {
		return repeated(n, "a0: &a0 [x, x]\n", "b%[1]d: &b [*a0, *a0]\na%[1]d: &a0 [*b, *b]\n", "instances: *a0")
	},
	"merged again and again": func(n int) string {
		return repeated(n/2, "defaults: &a {", "k%d: 1, ", "}\n") + repeated(n/2, "log: {<<: [", "*a, ", "]}")
	},
	"aliases of a map": func(n int) string {
		return repeated(n/2, "defaults: &a {", "k%d: 1, ", "}\n") + repeated(n/2, "instances: [", "*a, ", "]")
	},
	"addresses of the defaults": func(n int) string {
		return repeated(n/2, "defaults: {addresses: [", "192.0.2.1/24, ", "]}\n") + repeated(n/2, "instances: [", "{name: x}, ", "]")
	},
	"routes of the defaults": func(n int) string {
		return repeated(n/2, "defaults: {routes: [", "{to: default}, ", "]}\n") + repeated(n/2, "instances: [", "{name: x}, ", "]")
	},
	"peers and addresses": func(n int) string {
		return repeated(n/2, "instances: [{addresses: [", "192.0.2.1/24, ", "], ") + repeated(n/2, "unicast: {peers: [", "192.0.2.1, ", "]}}]")
	},
	"keys of keys": func(n int) string {
		return repeated(n, "instances: [{auth: {hmac: {keys: {", "%d: {hex: 00}, ", "}}}}]")
	},
	"checks": func(n int) string {
		return repeated(n, "checks: [", "{name: c%d, http: {url: x, status: [1, 2]}, weight: 0}, ", "]")
	},
	"tracks of the defaults": func(n int) string {
		return repeated(n/2, "defaults: {track: [", "{check: x}, ", "]}\n") + repeated(n/2, "instances: [", "{name: x}, ", "]")
	},
	"tracked that do not exist": func(n int) string {
		return repeated(n/2, "checks:\n", "- {name: i%d}\n", "") + repeated(n/2, "groups: [{track: [", "{check: j%d}, ", "]}]")
	},
	"commands": func(n int) string { return repeated(n, "checks: [{command: [", "x, ", "]}]") },
	"links":    func(n int) string { return repeated(n, "links: {", "eth%d: {poll: x}, ", "}") },
	"digits":   func(n int) string { return repeated(n, "instances: [", "0123456789abcdef0123456789abcdef, ", "]") },
	"members that do not exist": func(n int) string {
		return repeated(n/2, "instances:\n", "- {name: i%d}\n", "") + repeated(n/2, "groups: [{members: [", "j%d, ", "]}]")
	},
	"indentation":                 func(n int) string { return stairs(n, "a:\n") },
	"indented lists":              func(n int) string { return stairs(n, "-\n") },
	"secrets":                     func(n int) string { return repeated(n, "instances: [", "hex: x, ", "]") },
	"quotes":                      func(n int) string { return repeated(n, "instances: [", `"`, "]") },
	"letters of several bytes":    func(n int) string { return repeated(n, "instances: [", "é, ", "]") },
	"bytes that are no letters":   func(n int) string { return repeated(n, "instances: [", "\xff, ", "]") },
	"keys without a value":        func(n int) string { return repeated(n, "{", "a, ", "}") },
	"text of many lines":          func(n int) string { return repeated(n, "a: x\n", "  x\n", "") },
	"a quoted text of many lines": func(n int) string { return repeated(n, "a: \"", "x\n ", "\"") },
}

// stairs returns lines that are each indented more than the line before.
func stairs(n int, each string) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(strings.Repeat(" ", i) + each)
	}
	return b.String()
}

// TestCost checks that the cost of each costly file stays within what its size allows.
func TestCost(t *testing.T) {
	const size = 64 << 10
	for name, file := range costly {
		t.Run(name, func(t *testing.T) { _, _ = frugally(t, file(size)) })
	}
}

// TestLargest checks the cost of a file of the largest size, and that a larger file is refused
// unread.
func TestLargest(t *testing.T) {
	if _, err := frugally(t, costly["addresses"](files.MaxSize-100)); err == nil {
		t.Error("no problem")
	}
	_, err := Parse("x.yaml", make([]byte, files.MaxSize+1))
	if err == nil || !strings.Contains(err.Error(), "x.yaml:1:1: the file is larger than 4194304 bytes") {
		t.Errorf("%.200v", err)
	}
}

// TestProblemsAreLimited checks that the first hundred problems by position are listed, even if
// they were found last, and that the error gives the total number.
func TestProblemsAreLimited(t *testing.T) {
	text := repeated(5000, "instances: [", "{vrid: 300}, ", "]\n") + "log: {level: loud}\n"
	_, err := Parse("x.yaml", []byte("log: {level: loud}\n"+text))
	var all problem.Problems
	if !errors.As(err, &all) || len(all) != problem.MaxListed {
		t.Fatalf("%d problems are listed, want %d", len(all), problem.MaxListed)
	}
	if all[0].Line != 1 || all.Total() <= 1000 {
		t.Errorf("the first is %+v, of %d", all[0], all.Total())
	}
	if want := fmt.Sprintf("\nand %d more", all.Total()-problem.MaxListed); !strings.HasSuffix(err.Error(), want) {
		t.Errorf("it does not end in %q", want)
	}
	few := problem.Problems{all[0], all[1]}
	if few.Total() != 2 || strings.Contains(few.Error(), "more") || problem.Problems(nil).Total() != 0 {
		t.Errorf("two problems are %d: %v", few.Total(), few)
	}
}

// TestExcerptHasNoSecret checks that the excerpt of a long line shows no secret.
func TestExcerptHasNoSecret(t *testing.T) {
	secret := strings.Repeat("5ec2e7", 400)
	_, err := Parse("x.yaml", []byte("instances: [{name: a, auth: {pass: "+secret+", x: 1, hmac: {keys: {1: {hex: "+secret+", y: 1}}}}}]\n"))
	if err == nil || strings.Contains(err.Error(), "5ec2e7") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

// FuzzCost checks that no text takes more time or memory than its size allows. It loads each text
// as it is and repeated, since what is cheap once may be expensive in numbers.
func FuzzCost(f *testing.F) {
	for _, file := range costly {
		f.Add("", file(200), "", 1)
	}
	f.Add("instances: [", "{a: b}, ", "]", 2000)
	f.Add("defaults: &a {x: 1}\ninstances: [", "*a, ", "]", 2000)
	f.Fuzz(func(t *testing.T, before, each, after string, times int) {
		const most = 64 << 10
		if len(before)+len(each)+len(after) > most || len(each) == 0 {
			return
		}
		times = max(1, min(times, (most-len(before)-len(after))/len(each)))
		_, _ = frugally(t, before+strings.Repeat(each, times)+after)
	})
}
