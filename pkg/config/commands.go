package config

import (
	"regexp"
	"strings"
)

// argv reads a command: a program by its absolute path, and its arguments.
var argv = readsCommand(some(each(as(Description{Type: Text, Range: "a program by its absolute path, and its arguments"}, argument))))

func readsCommand(f form[[]string]) form[[]string] {
	return as(f.what, func(l *loader, at place) ([]string, bool) {
		words, ok := f.read(l, at)
		if !ok || len(words) < len(at.node.items) {
			return nil, false
		}
		if !strings.HasPrefix(words[0], "/") || strings.HasSuffix(words[0], "/") {
			l.advise(at.item(0), "command -v NAME shows where a program is", "%s is not the absolute path of a program", show(words[0]))
			return nil, false
		}
		return words, true
	})
}

// argument is one word of a command.
func argument(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "text")
	if ok && strings.ContainsRune(s, 0) {
		l.fail(at, "%s has a zero byte, which no argument can have", show(s))
		return "", false
	}
	return s, ok
}

var accountPattern = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*\$?$`)

// account is the name or number of a user or group. Whether there is such an account is
// known where the file is run.
func account(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "a name")
	if ok && !accountPattern.MatchString(s) {
		l.fail(at, "%s is not the name of an account", show(s))
		return "", false
	}
	return s, ok
}

// absolutePath is where a file is.
func absolutePath(l *loader, at place) (string, bool) {
	s, ok := l.word(at, "a path")
	if ok && (!strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.ContainsRune(s, 0)) {
		l.fail(at, "%s is not the absolute path of a file", show(s))
		return "", false
	}
	return s, ok
}
