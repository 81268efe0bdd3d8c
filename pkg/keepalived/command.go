package keepalived

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"ripcord/pkg/keepalived/syntax"
	"ripcord/pkg/tree"
)

// A command is a program with its arguments and the account it runs as.
type command struct {
	argv        []string
	at          tree.Position
	statement   tree.Position
	user, group string // empty: the default
	said        bool
	guessed     bool // the file names the program without its path, and this machine lacks it
	redirection bool // it began with <, and located added the shell that opens the file
}

// A commandReader reads commands, with what the machine knows about them.
type commandReader struct {
	report    *syntax.Report
	system    System
	elsewhere bool // the file is for another machine, which may have what this one lacks
	nobody    bool // script_user does not exist here: commands that name no user of their own do not run

	user, group string            // script_user, wherever it stands in the file, or its default
	secured     *syntax.Statement // enable_script_security, if the user it demands is missing
	orphaned    bool              // a command or FIFO needs that user
	linked      bool              // a command of root's with a symbolic link in its path has been noted
}

// expect finds the account of the commands of the whole file before the first one is read.
func (cr *commandReader) expect(statements []*syntax.Statement) {
	var named bool
	cr.user = "root"
	if cr.system.User(ScriptUser, "") {
		cr.user, named = ScriptUser, true
	}
	for _, block := range statements {
		if block.Keyword() != "global_defs" {
			continue
		}
		for _, s := range block.Block {
			switch {
			case s.Keyword() == "enable_script_security":
				cr.secured = s
			case s.Keyword() != "script_user" || len(s.Words) < 2:
			default:
				named = true
				if cr.system.User(s.Word(1), s.Word(2)) {
					cr.user, cr.group = s.Word(1), s.Word(2)
				}
			}
		}
	}
	if named {
		cr.secured = nil
	}
}

// unowned reports whether a command that names no user has none: script_user does not exist on this
// machine, or enable_script_security demands the user keepalived_script, which is missing.
func (cr *commandReader) unowned() bool {
	if cr.secured == nil {
		return cr.nobody
	}
	cr.orphaned = true
	return !cr.elsewhere
}

// noteOrphans notes that the user enable_script_security demands is missing, if a command needs it.
func (cr *commandReader) noteOrphans() {
	if !cr.orphaned {
		return
	}
	const instead = "commands and FIFOs without a user of their own are left out, and a vrrp_script without one is not tracked"
	const hint = "name a user with script_user, or create this one: useradd --system " + ScriptUser
	if cr.elsewhere {
		cr.report.Differ(cr.secured.At(), hint, "this machine has no user %s, which enable_script_security requires for commands; under keepalived here: %s", ScriptUser, instead)
		return
	}
	cr.report.Ignore(cr.secured.At(), hint, "this machine has no user %s, which enable_script_security requires for commands: %s", ScriptUser, instead)
}

// read reads the command of a statement. The first argument is the program with its arguments. A
// user and a group may follow if the statement allows them.
func (cr *commandReader) read(s *syntax.Statement, accounts bool) command {
	words, ok := s.Command()
	if len(words) < 2 {
		cr.report.Ignore(s.At(), "close the quotes", "%s is left out: its command has a quote that is not closed, or no program", s.Keyword())
		return command{}
	}
	c := command{at: s.At(), statement: s.At(), said: true}
	if len(s.Words) > 1 {
		c.at = s.Words[1].Position
	}
	argv, closed := syntax.SplitCommand(words[1])
	if !ok || !closed || len(argv) == 0 || argv[0] == "" {
		cr.report.Ignore(c.at, "close the quotes", "%s is left out: its command has a quote that is not closed, or no program", s.Keyword())
		return command{}
	}
	c.argv = argv
	if older, _ := syntax.SplitCommand(syntax.Resolve(words[1])); !slices.Equal(older, argv) {
		cr.report.Differ(c.at, "write '…' around an argument with blanks", "the arguments are %s, as under keepalived 2.3.2 and later, and not %s, as under earlier versions", shown(argv[1:]), shown(older[min(1, len(older)):]))
	}
	switch behind := words[2:]; {
	case len(behind) == 0 && accounts && cr.unowned(): // noted at script_user or enable_script_security
		return command{}
	case len(behind) == 0:
	case !accounts:
		cr.report.Ignore(c.at, `write the whole command in quotes: "`+strings.Join(words[1:], " ")+`"`,
			"only %s is run: the words after it are left out", syntax.Show(words[1]))
	default:
		c.user, c.group = behind[0], strings.TrimPrefix(slices.Concat(behind, []string{""})[1], ":")
		if !cr.account(c.at, c.user, c.group, s.Keyword()+" is left out") {
			return command{}
		}
	}
	c = cr.located(c, s.Keyword())
	if accounts {
		cr.noteShell(c)
		cr.noteLink(c, c.user)
	}
	return c
}

// noteLink notes, once, that keepalived 2.4 runs no command as root if its path has a symbolic
// link. The shell of a redirection is exempt: no path in the file names it.
func (cr *commandReader) noteLink(c command, user string) {
	if !c.said || c.redirection || cr.linked || cmp.Or(user, cr.user) != "root" {
		return
	}
	if link := cr.system.ThroughLink(c.argv[0]); link != "" {
		cr.linked = true
		cr.report.Differ(cr.report.Free(c.at, c.statement), "write the path without the link", "keepalived 2.4 does not run the command as root, since %s is a symbolic link; ripcord runs it, as earlier versions do", syntax.Show(link))
	}
}

// account reports whether a user and a group exist, and notes it if they do not.
func (cr commandReader) account(at tree.Position, user, group, instead string) bool {
	possible := canBeAccount(user) && (group == "" || canBeAccount(group))
	if possible && cr.system.User(user, group) {
		return true
	}
	what := syntax.Show(user)
	if group != "" {
		what += " with the group " + syntax.Show(group)
	}
	switch {
	case !possible: // an argument that should be in quotes
		cr.report.Ignore(at, "write the whole command in quotes", "the command is followed by %s, which is not a user: %s", what, instead)
		return false
	case cr.elsewhere:
		cr.report.Differ(at, "", "this machine has no user %s; under keepalived here: %s", what, instead)
		return true
	}
	cr.report.Ignore(at, "", "this machine has no user %s: %s", what, instead)
	return false
}

// canBeAccount reports whether a user or group can have a name.
func canBeAccount(name string) bool {
	rest, _ := strings.CutSuffix(name, "$")
	return rest != "" && rest[0] != '-' && strings.Trim(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == ""
}

// runs reports whether the program of a command can be run, and notes what happens if it cannot.
func (cr commandReader) runs(c command, instead string) bool {
	switch program := syntax.Show(c.argv[0]); {
	case c.guessed, cr.system.Runs(c.argv[0]):
		return true
	case cr.elsewhere:
		cr.report.Differ(c.at, "", "%s cannot be run on this machine; under keepalived here: %s", program, instead)
		return true
	default:
		cr.report.Ignore(c.at, "install it, or leave the script out", "%s cannot be run on this machine: %s", program, instead)
		return false
	}
}

// fit reports whether the user of a program may run it and nobody but root and that user could
// replace it, and notes what happens otherwise. The daemon never runs such a program, and a check
// that cannot run would keep its instances in Fault on every router with the file. keepalived also
// leaves out what its user may not run.
func (cr commandReader) fit(c command, user, group, instead string) bool {
	if user == "" {
		user, group = cr.user, cr.group
	}
	if !cr.system.Runs(c.argv[0]) { // noted already
		return true
	}
	barred, err := cr.system.Permitted(c.argv[0], user, group), cr.system.Secure(c.argv[0], user, group)
	switch {
	case barred == nil && err == nil:
		return true
	case barred != nil && cr.elsewhere:
		cr.report.Differ(c.at, "", "on this machine, %v; under keepalived here: %s", barred, instead)
		return true
	case barred != nil:
		cr.report.Ignore(c.at, "", "%s: %v", instead, barred)
		return false
	case cr.elsewhere:
		cr.report.Differ(c.at, "", "on this machine, %s: %v", instead, err)
		return true
	}
	cr.report.Differ(c.at, "", "%s: %v", instead, err)
	return false
}

// shown returns the words of a command, each in quotes.
func shown(argv []string) string {
	var words []string
	for _, word := range argv {
		words = append(words, syntax.Show(word))
	}
	return strings.Join(words, " ")
}

// shells are programs that run an argument as a command line.
var shells = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"}

// located returns a command with the full path of its program.
func (cr commandReader) located(c command, keyword string) command {
	if inner, ok := strings.CutPrefix(c.argv[0], "<"); ok && strings.HasPrefix(strings.TrimLeft(inner, " \t"), "/") {
		c.argv, c.redirection = []string{"/bin/sh", "-c", "<" + inner}, true
		return c
	}
	program := c.argv[0]
	switch {
	case !strings.Contains(program, "/"):
		path, found := cr.system.Program(program)
		switch {
		case found:
		case cr.elsewhere:
			path, c.guessed = filepath.Join("/usr/bin", program), true
			cr.report.Differ(c.at, "write the whole path of the program", "%s is not in PATH of this machine: ripcord uses %s; under keepalived here, %s is left out", syntax.Show(program), syntax.Show(path), keyword)
		default:
			cr.report.Ignore(c.at, "write the whole path of the program", "%s is not in PATH of this machine: %s is left out", syntax.Show(program), keyword)
			return command{}
		}
		c.argv[0] = path
	case !strings.HasPrefix(program, "/"):
		c.argv[0] = filepath.Clean("/" + program)
		cr.report.Ignore(c.at, "write the whole path of the program", "%s is a relative path: ripcord runs %s", syntax.Show(program), syntax.Show(c.argv[0]))
	default:
		c.argv[0] = filepath.Clean(program)
	}
	return c
}

// shellWord matches a word that is more than an argument only in a shell: a pipe or the like, a
// redirection, or the start of a command substitution.
var shellWord = regexp.MustCompile("^([|&;<>]+$|[0-9&]*>|`|\\$\\()")

// noteShell notes the words of a command that have a meaning only in a shell.
func (cr commandReader) noteShell(c command) {
	if !c.said || slices.Contains(shells, filepath.Base(c.argv[0])) {
		return
	}
	for _, word := range c.argv[1:] {
		if shellWord.MatchString(word) {
			cr.report.Ignore(c.at, "write "+cr.shell()+" -c '…' to run it by a shell", "the command does not run in a shell: %s is passed to %s as an argument", syntax.Show(word), syntax.Show(c.argv[0]))
			break
		}
	}
}

// shell returns the path of the shell for a hint. keepalived 2.4 does not run /bin/sh as root where
// /bin is a symbolic link to /usr/bin.
func (cr commandReader) shell() string {
	if cr.system.ThroughLink("/bin/sh") != "" {
		return "/usr/bin/sh"
	}
	return "/bin/sh"
}

// tree returns the command as a list of words.
func (c command) tree() *tree.Node {
	list := &tree.Node{Kind: tree.List, Position: c.at}
	for i, word := range c.argv {
		n := scalar(word, c.at)
		n.Index = i
		list.Items = append(list.Items, n)
	}
	return list
}

// ownTree returns the command with its user, if it names one.
func (c command) ownTree(title string) *tree.Node {
	if c.user == "" {
		return c.tree()
	}
	m := newMap(c.at, title)
	m.set("command", c.at, c.tree())
	account(m, c.at, c.user, c.group)
	return m.Node
}
