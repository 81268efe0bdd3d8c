package keepalived

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"ripcord/pkg/keepalived/syntax"
)

var scriptKeywords = table[script]{
	{"script", -1, -1, plain, Translated, "`command`, run without a shell. `\\\"` is a literal quotation mark, as in keepalived 2.3.2 and later; older versions treat it as a quote", "", func(t *translator, s *syntax.Statement, c *script) {
		c.command = t.commands.read(s, false)
		c.absent = !c.command.said || !t.commands.runs(c.command, "the script counts as if nobody tracked it")
		if !c.absent {
			t.commands.noteShell(c.command)
		}
	}},
	{"interval", 1, 1, plain, Translated, "`interval`, 10ms to 24h", "", secondsTo(func(c *script) *length { return &c.interval }, 0, 1<<32*second)},
	{"timeout", 1, 1, plain, Translated, "`timeout`", "", secondsTo(func(c *script) *length { return &c.timeout }, 0, 1<<32*second)},
	{"weight", 1, 2, plain, Translated, "`weight`, -253 to 253. A value outside is limited to this range; keepalived uses it as it is", "", func(t *translator, s *syntax.Statement, c *script) {
		ownWeight(t.Report, s, &c.weight, &c.reverse, maxWeight)
	}},
	{"rise", 1, 1, plain, Translated, "`rise`", "", numberTo(func(c *script) *number { return &c.rise }, 1, 1<<31-1)},
	{"fall", 1, 1, plain, Translated, "`fall`", "", numberTo(func(c *script) *number { return &c.fall }, 1, 1<<31-1)},
	{"user", 1, 2, plain, Translated, "`user`, `group`", "", func(t *translator, s *syntax.Statement, c *script) {
		c.user, c.group = s.Word(1), strings.TrimPrefix(s.Word(2), ":")
		c.removed = !t.commands.account(s.Words[1].Position, c.user, c.group, "the script is not run, and counts as if nobody tracked it")
	}},
	{"init_fail", 0, 0, plain, Inherent, "keepalived parses it and then forgets it: the first result decides", "", func(t *translator, s *syntax.Statement, _ *script) {
		t.Ignore(s.At(), "leave it out", "init_fail has no effect: keepalived ignores it for a tracked script, so the first result decides")
	}},
}

var fileKeywords = table[trackFile]{
	{"file", -1, 1, plain, Translated, "`file.path`", "", func(t *translator, s *syntax.Statement, f *trackFile) { f.path = rooted(t.Report, s) }},
	{"weight", -1, 2, plain, Translated, "`file.weight`", "", func(t *translator, s *syntax.Statement, f *trackFile) {
		ownWeight(t.Report, s, &f.weight, &f.reverse, maxWeight+1)
	}},
	{"init_file", 0, 2, plain, Changed, "ripcord does not write the file at the start; a missing file counts as 0", "", nil},
}

var processKeywords = table[process]{
	{"process", 1, -1, plain, Translated, "`process.name`. The arguments of the process are not compared, and of a relative path only the name", "", func(t *translator, s *syntax.Statement, p *process) {
		p.path = programName(t.Report, s.Words[1])
		if len(s.Words) > 2 {
			t.Differ(s.Words[2].Position, "", "ripcord counts every process %s, with any arguments", syntax.Show(p.path.Text))
		}
	}},
	{"quorum", 1, 1, plain, Translated, "`process.min`", "", numberTo(func(p *process) *number { return &p.quorum }, 1, 65535)},
	{"quorum_max", 1, 1, plain, Translated, "`process.max`", "", numberTo(func(p *process) *number { return &p.max }, 0, 65535)},
	{"weight", -1, 2, plain, Translated, "`weight`", "", func(t *translator, s *syntax.Statement, p *process) {
		if n, err := strconv.Atoi(s.Word(1)); err == nil && (n < -maxWeight-1 || n > maxWeight+1) {
			t.Ignore(s.Words[1].Position, "", "a weight is between %d and %d: %d is left out", -maxWeight, maxWeight, n)
			return
		}
		ownWeight(t.Report, s, &p.weight, &p.reverse, maxWeight)
	}},
	{"param_match", 0, 1, plain, Changed, "ripcord does not compare the arguments of a process", "", nil},
	{"full_command", 0, 0, plain, Changed, "ripcord does not compare the arguments of a process", "", nil},
	{"delay", 1, 1, plain, Changed, "a change takes effect at once; use `rise` and `fall` of the check to delay it", "", nil},
	{"terminate_delay", 1, 1, plain, Changed, "a change takes effect at once; use `fall` of the check to delay it", "", nil},
	{"fork_delay", 1, 1, plain, Changed, "a change takes effect at once; use `rise` of the check to delay it", "", nil},
}

// programName returns the name or the absolute path of a program, or nothing if it is neither. Of a
// relative path it returns the name, because a check cannot compare relative paths.
func programName(r *syntax.Report, w syntax.Word) syntax.Word {
	given, name := w.Text, w.Text[strings.LastIndex(w.Text, "/")+1:]
	switch {
	case strings.ContainsFunc(given, unicode.IsControl):
		r.Ignore(w.Position, "write the name of the program", "%s is not the name of a program", syntax.Show(given))
		w.Text = ""
	case strings.HasSuffix(given, "/"):
		r.Ignore(w.Position, "write the name of the program", "%s is a directory", syntax.Show(given))
		w.Text = ""
	case strings.Contains(given, "/") && !strings.HasPrefix(given, "/"):
		r.Differ(w.Position, "write the whole path, or "+syntax.Show(name),
			"%s is a relative path: ripcord counts every process named %s; keepalived counts only processes that were started with this path, and none without full_command or arguments", syntax.Show(given), syntax.Show(name))
		w.Text = name
	}
	return w
}

// ownWeight reads a weight, which may be followed by reverse.
func ownWeight(r *syntax.Report, s *syntax.Statement, into *number, reverse *bool, limit int) {
	n := leadingIn(r, s.Words[1], -1<<31, 1<<31-1, "it has no weight")
	if n.said {
		given := n.value
		n.value = min(max(given, -limit), limit)
		if given < -maxWeight-1 || given > maxWeight+1 {
			r.Differ(n.at, fmt.Sprintf("write a weight between %d and %d", -maxWeight, maxWeight), "ripcord uses the weight %d instead of %d; keepalived uses the number in a vrrp_script without a limit", min(max(given, -maxWeight), maxWeight), given)
		}
		*into = n
	}
	switch s.Word(2) {
	case "":
	case "reverse":
		*reverse = true
	default:
		r.Ignore(s.Words[2].Position, "", "%s is not an option of a weight: it is left out", syntax.Show(s.Word(2)))
	}
}
