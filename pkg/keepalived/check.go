package keepalived

import (
	"strconv"
	"strings"
	"time"

	"ripcord/pkg/tree"
)

// A script is a vrrp_script.
type script struct {
	name              Word
	at                tree.Position
	command           command
	interval, timeout length
	weight            number
	reverse, failing  bool // failing: until its first result
	rise, fall        number
	user, group       string
	absent, removed   bool // absent: its program; removed: for want of its account
	used, fatal       bool // fatal: somebody tracks it without a weight
}

// A trackFile is a track_file.
type trackFile struct {
	name    Word
	at      tree.Position
	path    Word
	weight  number
	reverse bool
	weights []int // with which it is tracked
}

func (f *trackFile) weightOr1() int {
	if f.weight.said {
		return f.weight.value
	}
	return 1
}

// A process is a vrrp_track_process.
type process struct {
	name         Word
	at           tree.Position
	path         Word
	quorum, most number
	weight       number
	reverse      bool
	used         bool
}

var scriptKeywords = table[script]{
	{"script", 1, -1, plain, Translated, "`command`, run without a shell", "", func(t *translator, s *Statement, c *script) {
		c.command = t.commandIn(s, false)
		if c.command.said && !t.System.Runs(c.command.argv[0]) {
			t.ignore(c.command.at, "install it, or leave the script out", "%s cannot be run on this machine: the script counts as if nobody tracked it", show(c.command.argv[0]))
			c.absent = true
		}
	}},
	{"interval", 1, 1, plain, Translated, "`interval`, 10ms to 24h", "", secondsTo(func(c *script) *length { return &c.interval }, 0, 1<<32*second)},
	{"timeout", 1, 1, plain, Translated, "`timeout`", "", secondsTo(func(c *script) *length { return &c.timeout }, 0, 1<<32*second)},
	{"weight", 1, 2, plain, Translated, "`weight`", "", func(t *translator, s *Statement, c *script) { t.ownWeight(s, &c.weight, &c.reverse, mostWeight) }},
	{"rise", 1, 1, plain, Translated, "`rise`", "", numberTo(func(c *script) *number { return &c.rise }, 1, 1<<31-1)},
	{"fall", 1, 1, plain, Translated, "`fall`", "", numberTo(func(c *script) *number { return &c.fall }, 1, 1<<31-1)},
	{"user", 1, 2, plain, Translated, "`user`, `group`", "", func(t *translator, s *Statement, c *script) {
		c.user, c.group = s.word(1), strings.TrimPrefix(s.word(2), ":")
		c.removed = !t.account(s.Words[1].Position, c.user, c.group, "the script is not run, and counts as if nobody tracked it")
	}},
	{"init_fail", 0, 0, plain, Translated, "`initial: fail`; otherwise the first result decides, and until then the check passes if it has a weight", "", func(_ *translator, _ *Statement, c *script) { c.failing = true }},
}

var fileKeywords = table[trackFile]{
	{"file", 1, 1, plain, Translated, "`file.path`", "", wordTo(func(f *trackFile) *Word { return &f.path })},
	{"weight", 1, 2, plain, Translated, "`file.weight`", "", func(t *translator, s *Statement, f *trackFile) { t.ownWeight(s, &f.weight, &f.reverse, mostWeight+1) }},
	{"init_file", 0, 2, plain, Changed, "the file is not written at the start; one that does not exist counts as 0", "", nil},
}

var processKeywords = table[process]{
	{"process", 1, -1, plain, Translated, "`process.name`; the arguments of the process do not count", "", func(t *translator, s *Statement, p *process) {
		p.path = s.Words[1]
		if len(s.Words) > 2 {
			t.differ(s.Words[2].Position, "", "every process %s counts, whatever its arguments", show(p.path.Text))
		}
	}},
	{"quorum", 1, 1, plain, Translated, "`process.min`", "", numberTo(func(p *process) *number { return &p.quorum }, 1, 65535)},
	{"quorum_max", 1, 1, plain, Translated, "`process.max`", "", numberTo(func(p *process) *number { return &p.most }, 0, 65535)},
	{"weight", 1, 2, plain, Translated, "`weight`", "", func(t *translator, s *Statement, p *process) { t.ownWeight(s, &p.weight, &p.reverse, mostWeight) }},
	{"param_match", 0, 1, plain, Changed, "the arguments of the process do not count", "", nil},
	{"full_command", 0, 0, plain, Changed, "the arguments of the process do not count", "", nil},
	{"delay", 1, 1, plain, Changed, "a change counts at once; `rise` and `fall` of the check delay it", "", nil},
	{"terminate_delay", 1, 1, plain, Changed, "a change counts at once; `fall` of the check delays it", "", nil},
	{"fork_delay", 1, 1, plain, Changed, "a change counts at once; `rise` of the check delays it", "", nil},
}

// ownWeight reads a weight, perhaps reversed.
func (t *translator) ownWeight(s *Statement, into *number, reverse *bool, most int) {
	n := t.leadingIn(s.Words[1], -1<<31, 1<<31-1, "it has no weight")
	if n.said {
		if n.value < -mostWeight-1 || n.value > mostWeight+1 {
			t.ignore(n.at, "", "a weight is between %d and %d: %d counts as the nearest", -mostWeight, mostWeight, n.value)
		}
		n.value = min(max(n.value, -most), most)
		*into = n
	}
	switch s.word(2) {
	case "":
	case "reverse":
		*reverse = true
	default:
		t.ignore(s.Words[2].Position, "", "%s is no option of a weight: it is left out", show(s.word(2)))
	}
}

// bounded returns a duration within what ripcord runs checks at, and notes where it was
// not.
func (t *translator) bounded(l length, from, upto time.Duration, what string) length {
	switch {
	case !l.said:
	case l.value == 0:
		t.ignore(l.at, "", "%s 0 counts as 1 second", what)
		l.value = time.Second
	case l.value < from || l.value > upto:
		bound := min(max(l.value, from), upto)
		t.differ(l.at, "", "%s %s counts as %s seconds", what, plainSeconds(l.value), plainSeconds(bound))
		l.value = bound
	}
	l.value = l.value.Round(time.Millisecond)
	return l
}

const (
	shortestCheck, longestCheck = 10 * time.Millisecond, 24 * time.Hour
	mostRuns                    = 1000
)

// times bounds rise and fall.
func (t *translator) times(n number, what string) number {
	if n.value > mostRuns {
		t.differ(n.at, "", "%s %d counts as %d", what, n.value, mostRuns)
		n.value = mostRuns
	}
	return n
}

// check implements checkSource.
func (c *script) check(t *translator) *tree.Node {
	t.subject = titled("vrrp_script", c.name.Text)
	if !c.used {
		t.ignore(c.at, "track it, or leave it out", "nobody tracks the script: it is not run")
		return nil
	}
	m := newMap(c.at, t.subject)
	m.text("name", c.name.Position, t.checkName(trackedScript, c.name.Text))
	m.set("command", c.command.at, c.command.tree())
	m.duration("interval", t.bounded(c.interval, shortestCheck, longestCheck, "interval"))
	m.duration("timeout", t.bounded(c.timeout, shortestCheck, longestCheck, "timeout"))
	m.number("rise", t.times(c.rise, "rise"))
	m.number("fall", t.times(c.fall, "fall"))
	if c.weight.value != 0 {
		m.number("weight", c.weight)
	}
	switch {
	case c.failing:
		m.text("initial", c.at, "fail")
	case !c.fatal:
		m.text("initial", c.at, "pass")
	}
	account(m, c.at, c.user, c.group)
	return m.Node
}

// account adds whom a command runs as.
func account(m builder, at tree.Position, user, group string) {
	if user != "" {
		m.text("user", at, user)
	}
	if group != "" {
		m.text("group", at, group)
	}
}

// check implements checkSource. Where a file is tracked with several weights, the others
// follow in more.
func (f *trackFile) check(t *translator) *tree.Node {
	t.subject = titled("track_file", f.name.Text)
	if len(f.weights) == 0 {
		t.ignore(f.at, "track it, or leave it out", "nobody tracks the file: it is not read")
		return nil
	}
	return f.variant(t, 0)
}

func (f *trackFile) variant(t *translator, n int) *tree.Node {
	m := newMap(f.at, titled("track_file", f.name.Text))
	m.text("name", f.name.Position, variant(t.checkName(trackedFile, f.name.Text), n))
	inner := newMap(f.path.Position, m.Name)
	inner.text("path", f.path.Position, f.path.Text)
	if f.weights[n] != 1 {
		at := f.at
		if f.weight.said {
			at = f.weight.at
		}
		inner.text("weight", at, strconv.Itoa(min(max(f.weights[n], -mostWeight), mostWeight)))
	}
	m.nested("file", inner)
	m.text("initial", f.at, "pass")
	return m.Node
}

// check implements checkSource.
func (p *process) check(t *translator) *tree.Node {
	t.subject = titled("vrrp_track_process", p.name.Text)
	if !p.used {
		t.ignore(p.at, "track it, or leave it out", "nobody tracks the process: it is not watched")
		return nil
	}
	m := newMap(p.at, t.subject)
	m.text("name", p.name.Position, t.checkName(trackedProcess, p.name.Text))
	inner := newMap(p.path.Position, m.Name)
	inner.text("name", p.path.Position, p.path.Text)
	switch {
	case p.most.said && p.most.value == 0: // none may run
		p.quorum = number{0, p.most.at, true}
		t.differ(p.most.at, "track a script in its place", "quorum_max 0 cannot be expressed: the check passes with one process, too")
		p.most.value = 1
	case p.most.said && p.most.value < max(p.quorum.value, 1):
		t.ignore(p.most.at, "", "quorum_max is less than quorum: it is left out")
		p.most = number{}
	}
	inner.number("min", p.quorum)
	inner.number("max", p.most)
	m.nested("process", inner)
	if p.weight.value != 0 {
		m.number("weight", p.weight)
	}
	return m.Node
}
