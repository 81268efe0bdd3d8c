package value

import (
	"regexp"
	"strings"

	"ripcord/pkg/config/problem"
	"ripcord/pkg/config/schema"
)

// Argv reads a command: the absolute path of a program, and its arguments.
var Argv = readsCommand(schema.Some(schema.Each(schema.As(schema.Description{Type: schema.TypeText}, argument))))

func readsCommand(f schema.Form[[]string]) schema.Form[[]string] {
	what := f.What
	what.Range = "list: the absolute path of a program, then its arguments"
	return schema.As(what, func(report *problem.Report, at problem.Place) ([]string, bool) {
		words, ok := f.Read(report, at)
		if !ok || len(words) < len(at.Node.Items) {
			return nil, false
		}
		if !strings.HasPrefix(words[0], "/") || strings.HasSuffix(words[0], "/") {
			report.Advise(at.Item(0), "command -v NAME shows where a program is", "%s is not the absolute path of a program", problem.Show(words[0]))
			return nil, false
		}
		return words, true
	})
}

// argument is one word of a command.
func argument(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "text")
	if ok && strings.ContainsRune(s, 0) {
		report.Fail(at, "%s contains a zero byte, which an argument cannot", problem.Show(s))
		return "", false
	}
	return s, ok
}

var AccountPattern = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.-]*\$?$`)

// Account reads the name or number of a user or group. Whether the account exists is checked where
// the file is run.
func Account(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "a name")
	if ok && !AccountPattern.MatchString(s) {
		report.Fail(at, "%s is not the name of an account", problem.Show(s))
		return "", false
	}
	return s, ok
}

// Path reads the absolute path of a file.
func Path(report *problem.Report, at problem.Place) (string, bool) {
	s, ok := report.Word(at, "a path")
	if ok && (!strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.ContainsRune(s, 0)) {
		report.Fail(at, "%s is not the absolute path of a file", problem.Show(s))
		return "", false
	}
	return s, ok
}

// SocketPath reads the path of a unix socket.
func SocketPath(report *problem.Report, at problem.Place) (string, bool) {
	const longest = 107 // sun_path, less the zero byte
	s, ok := report.Word(at, "text")
	switch {
	case !ok:
	case !strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/"):
		report.Fail(at, "%s is not the absolute path of a socket", problem.Show(s))
		ok = false
	case len(s) > longest:
		report.Fail(at, "the path is longer than %d characters, the longest for a socket", longest)
		ok = false
	}
	return s, ok
}
