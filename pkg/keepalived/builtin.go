package keepalived

import (
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/tree"
)

// builtIn replaces commands by ripcord's own checks that do the same, and keeps the old line as a
// comment.
func (c *converter) builtIn() {
	for _, check := range c.items("checks") {
		at := slices.IndexFunc(check.Entries, func(e tree.Entry) bool { return e.Key == "command" })
		if at < 0 {
			continue
		}
		old := check.Entries[at]
		argv := texts(old.Value)
		key, value, timeout := replacement(argv)
		if value == nil {
			continue
		}
		if user := c.runsAs(check); key == "process" && path.Base(argv[0]) == "killall" && user != "root" {
			old.Value.Comments = append(old.Value.Comments, folded("no process check in place of this: the user "+user+" may signal its own processes only, so killall -0 fails while another user's runs")...)
			continue
		}
		value.Position = old.Value.Position
		value.Comments = folded("in place of: " + c.line(old.Value.Position))
		check.Entries[at] = tree.Entry{Key: key, Position: old.Position, Value: value}
		// A built-in check is not a program, so it has no user.
		check.Entries = slices.DeleteFunc(check.Entries, func(e tree.Entry) bool { return e.Key == "user" || e.Key == "group" })
		shorten(check, timeout)
	}
}

// runsAs returns the user that the command of a check runs as.
func (c *converter) runsAs(check *tree.Node) string {
	if own := check.Find("user"); own != nil {
		return own.Value.Text
	}
	if all := c.root.Find("script_user"); all != nil {
		return all.Value.Text
	}
	return "root"
}

// line returns the line of the file at a place, without surrounding blanks.
func (c *converter) line(at tree.Position) string {
	lines := strings.Split(string(c.Files[at.File].Text), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(lines[at.Line-1], "�"))
}

func texts(list *tree.Node) (words []string) {
	for _, item := range list.Items {
		words = append(words, item.Text)
	}
	return words
}

// shorten limits the timeout of a check to that of the command it replaces.
func shorten(check *tree.Node, timeout time.Duration) {
	in := func(key string, otherwise time.Duration) time.Duration {
		if e := check.Find(key); e != nil {
			if d, err := time.ParseDuration(e.Value.Text); err == nil {
				return d
			}
		}
		return otherwise
	}
	if timeout == 0 || timeout >= in("timeout", in("interval", time.Second)) {
		return
	}
	check.Entries = slices.DeleteFunc(check.Entries, func(e tree.Entry) bool { return e.Key == "timeout" })
	at := slices.IndexFunc(check.Entries, func(e tree.Entry) bool { return e.Key == "interval" }) + 1
	if at == 0 {
		at = len(check.Entries)
	}
	check.Entries = slices.Insert(check.Entries, at, tree.Entry{Key: "timeout", Value: &tree.Node{Kind: tree.Scalar, Text: timeout.String()}})
}

// replacement returns the check that does the same as a command, and the command's own timeout, or
// nil if there is none.
func replacement(argv []string) (key string, value *tree.Node, timeout time.Duration) {
	if len(argv) < 2 {
		return "", nil, 0
	}
	switch path.Base(argv[0]) {
	case "killall":
		if rest := without(argv[1:], "-q", "--quiet"); len(rest) == 2 && (rest[0] == "-0" || rest[0] == "-s0") {
			return processCheck(rest[1])
		}
	case "pidof":
		if rest := without(argv[1:], "-q", "-s"); len(rest) == 1 {
			return processCheck(rest[0])
		}
	case "pgrep":
		return grepCheck(argv[1:])
	case "nc", "ncat", "netcat":
		return connectionCheck(argv[1:])
	case "curl":
		return requestCheck(argv[1:])
	}
	return "", nil, 0
}

func without(list []string, words ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(w string) bool { return slices.Contains(words, w) })
}

// processCheck returns the check for a process. The kernel knows only 15 characters of a name, and
// a check cannot have a pattern.
func processCheck(name string) (string, *tree.Node, time.Duration) {
	const known = 15
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-+@", r)
	}
	base := path.Base(name)
	if strings.HasPrefix(name, "-") || strings.Contains(name, "/") && name[0] != '/' || len(base) > known && base == name ||
		strings.ContainsFunc(base, func(r rune) bool { return !plain(r) }) {
		return "", nil, 0
	}
	m := newMap(tree.Position{}, "")
	m.text("name", m.Position, name)
	return "process", m.Node, 0
}

// grepCheck returns the check for `pgrep NAME`, which matches each name that contains NAME.
func grepCheck(args []string) (string, *tree.Node, time.Duration) {
	rest := without(args, "-x", "--exact")
	if len(rest) != 1 || strings.ContainsAny(rest[0], "/+") { // it would be a pattern
		return "", nil, 0
	}
	key, value, timeout := processCheck(rest[0])
	if value != nil && len(rest) == len(args) {
		builder{value}.text("match", value.Position, "part")
	}
	return key, value, timeout
}

// connectionCheck returns the check for `nc -z ADDRESS PORT`.
func connectionCheck(args []string) (string, *tree.Node, time.Duration) {
	flags, words, timeout, ok := flagsOf(args, "zvn", "w")
	if !ok || len(words) != 2 || !strings.Contains(flags, "z") {
		return "", nil, 0
	}
	address, err := netip.ParseAddr(words[0])
	port, portErr := strconv.ParseUint(words[1], 10, 16)
	if err != nil || portErr != nil || port == 0 || address.Zone() != "" {
		return "", nil, 0
	}
	m := newMap(tree.Position{}, "")
	m.text("address", m.Position, netip.AddrPortFrom(address, uint16(port)).String())
	return "tcp", m.Node, timeout
}

// requestCheck returns the check for a curl whose output is not examined.
func requestCheck(args []string) (string, *tree.Node, time.Duration) {
	long := map[string]string{
		"--silent": "-s", "--show-error": "-S", "--fail": "-f", "--insecure": "-k", "--head": "-I", "--max-time": "-m", "--connect-timeout": "-m", "--output": "-o",
	}
	short := make([]string, len(args))
	for i, a := range args {
		if short[i] = a; long[a] != "" {
			short[i] = long[a]
		}
	}
	if at := slices.Index(short, "-o"); at >= 0 && at+1 < len(short) && short[at+1] == "/dev/null" {
		short = slices.Delete(short, at, at+2)
	}
	flags, words, timeout, ok := flagsOf(short, "sSfk", "m")
	if !ok || len(words) != 1 {
		return "", nil, 0
	}
	u, err := url.Parse(words[0])
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return "", nil, 0
	}
	m := newMap(tree.Position{}, "")
	m.text("url", m.Position, words[0])
	if !strings.Contains(flags, "f") { // any response counts as success
		m.text("status", m.Position, "100-599")
	}
	if strings.Contains(flags, "k") {
		m.text("insecure", m.Position, "true")
	}
	return "http", m.Node, timeout
}

// flagsOf splits arguments into flags of one letter, flags with a number of seconds, and words. It
// returns false for anything else.
func flagsOf(args []string, plain, seconds string) (flags string, words []string, timeout time.Duration, ok bool) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch letters, isFlag := strings.CutPrefix(a, "-"); {
		case !isFlag:
			words = append(words, a)
		case letters == seconds && i+1 < len(args):
			i++
			n, err := strconv.ParseFloat(args[i], 64)
			if err != nil || n < 0.01 || n > 3600 {
				return "", nil, 0, false
			}
			timeout = time.Duration(n * float64(time.Second)).Round(time.Millisecond)
		case letters == "" || strings.Trim(letters, plain) != "":
			return "", nil, 0, false
		default:
			flags += letters
		}
	}
	return flags, words, timeout, true
}
