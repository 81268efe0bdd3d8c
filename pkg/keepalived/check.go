package keepalived

import (
	"strconv"
	"time"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// A script is a vrrp_script.
type script struct {
	name              syntax.Word
	at                tree.Position
	command           command
	interval, timeout length
	weight            number
	reverse           bool
	rise, fall        number
	user, group       string
	absent, removed   bool // absent: its program cannot be run; removed: its account is missing
	used, weighted    bool // weighted: an entry tracks it with a weight
	dropped           bool // an entry tracked it and was left out, with a note
}

// A trackFile is a track_file.
type trackFile struct {
	name    syntax.Word
	at      tree.Position
	path    syntax.Word
	weight  number
	reverse bool
	weights []int // the weights of the entries that track it
	dropped bool  // an entry tracked it and was left out, with a note
}

func (f *trackFile) weightOr1() int {
	if f.weight.said {
		return f.weight.value
	}
	return 1
}

// A process is a vrrp_track_process.
type process struct {
	name        syntax.Word
	at          tree.Position
	path        syntax.Word
	quorum, max number
	weight      number
	reverse     bool
	used        bool
}

// bounded limits a duration to the intervals at which ripcord can run checks, and notes it if that
// changes it.
func (l length) bounded(r *syntax.Report, from, upto time.Duration, what string) length {
	switch {
	case !l.said:
	case l.value == 0:
		r.Ignore(l.at, "", "%s is 0: ripcord uses 1 second", what)
		l.value = time.Second
	case l.value < from || l.value > upto:
		bound := min(max(l.value, from), upto)
		r.Differ(l.at, "", "%s is %s seconds: ripcord uses %s seconds", what, plainSeconds(l.value), plainSeconds(bound))
		l.value = bound
	}
	l.value = l.value.Round(time.Millisecond)
	return l
}

const (
	minCheck, maxCheck = 10 * time.Millisecond, 24 * time.Hour
	maxRuns            = 1000
)

// times limits rise and fall.
func (n number) times(r *syntax.Report, what string) number {
	if n.value > maxRuns {
		r.Differ(n.at, "", "%s is %d: ripcord uses %d", what, n.value, maxRuns)
		n.value = maxRuns
	}
	return n
}

// check implements checkSource.
func (c *script) check(cs *checks) *tree.Node {
	cs.report.Subject = titled("vrrp_script", c.name.Text)
	if !c.used {
		if !c.dropped {
			cs.report.Ignore(c.at, "track it, or leave it out", "no instance or group tracks the script: it is not run")
		}
		return nil
	}
	m := newMap(c.at, cs.report.Subject)
	m.text("name", c.name.Position, cs.nameOf(trackedScript, c.name.Text))
	m.set("command", c.command.at, c.command.tree())
	m.duration("interval", c.interval.bounded(cs.report, minCheck, maxCheck, "interval"))
	m.duration("timeout", c.timeout.bounded(cs.report, minCheck, maxCheck, "timeout"))
	m.number("rise", c.rise.times(cs.report, "rise"))
	m.number("fall", c.fall.times(cs.report, "fall"))
	if c.weight.value != 0 {
		m.number("weight", c.weight)
	}
	if c.weighted {
		m.text("initial", c.at, "neutral")
	}
	account(m, c.at, c.user, c.group)
	return m.Node
}

// account adds the user and group that a command runs as.
func account(m builder, at tree.Position, user, group string) {
	if user != "" {
		m.text("user", at, user)
	}
	if group != "" {
		m.text("group", at, group)
	}
}

// check implements checkSource. If the file is tracked with several weights, more holds the others.
// As under keepalived, an instance that tracks the file starts only after the first read: otherwise
// a file that means a fault from the start would hit an instance that is Backup already.
func (f *trackFile) check(cs *checks) *tree.Node {
	cs.report.Subject = titled("track_file", f.name.Text)
	if len(f.weights) == 0 {
		if !f.dropped {
			cs.report.Ignore(f.at, "track it, or leave it out", "no instance or group tracks the file: it is not read")
		}
		return nil
	}
	return f.variant(cs, 0)
}

func (f *trackFile) variant(cs *checks, n int) *tree.Node {
	m := newMap(f.at, titled("track_file", f.name.Text))
	m.text("name", f.name.Position, variant(cs.nameOf(trackedFile, f.name.Text), n))
	inner := newMap(f.path.Position, m.Name)
	inner.text("path", f.path.Position, f.path.Text)
	if f.weights[n] != 1 {
		at := f.at
		if f.weight.said {
			at = f.weight.at
		}
		inner.text("weight", at, strconv.Itoa(min(max(f.weights[n], -maxWeight), maxWeight)))
	}
	m.nested("file", inner)
	return m.Node
}

// check implements checkSource.
func (p *process) check(cs *checks) *tree.Node {
	cs.report.Subject = titled("vrrp_track_process", p.name.Text)
	if !p.used {
		cs.report.Ignore(p.at, "track it, or leave it out", "no instance or group tracks the process: it is not watched")
		return nil
	}
	m := newMap(p.at, cs.report.Subject)
	m.text("name", p.name.Position, cs.nameOf(trackedProcess, p.name.Text))
	inner := newMap(p.path.Position, m.Name)
	inner.text("name", p.path.Position, p.path.Text)
	switch {
	case p.max.said && p.max.value == 0: // none may run
		p.quorum = number{0, p.max.at, true}
		cs.report.Differ(p.max.at, "track a script in its place", "ripcord has no quorum_max 0: the check also passes with one process")
		p.max.value = 1
	case p.max.said && p.max.value < max(p.quorum.value, 1):
		cs.report.Ignore(p.max.at, "", "quorum_max is less than quorum: quorum_max is left out")
		p.max = number{}
	}
	inner.number("min", p.quorum)
	inner.number("max", p.max)
	m.nested("process", inner)
	if p.weight.value != 0 {
		m.number("weight", p.weight)
	}
	return m.Node
}
