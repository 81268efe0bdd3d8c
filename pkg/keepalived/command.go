package keepalived

import (
	"path/filepath"
	"slices"
	"strings"

	"ripcord/pkg/tree"
)

// A command is a program with its arguments, and whom it runs as.
type command struct {
	argv        []string
	at          tree.Position
	user, group string // empty: the default
	said        bool
}

// splitCommand splits a text at its blanks. Quotes of both kinds keep words together, and a
// backslash stands before a character that has no meaning of its own. It is false where a
// quote or an escape does not end.
func splitCommand(text string) (words []string, ok bool) {
	for {
		text = strings.TrimLeft(text, blanks)
		if text == "" {
			return words, true
		}
		var word string
		if word, text, ok = firstWord(text); !ok {
			return words, false
		}
		words = append(words, word)
	}
}

// firstWord returns the first word of a command, and what stands behind it.
func firstWord(text string) (word, behind string, ok bool) {
	var b strings.Builder
	quote := byte(0)
	i := 0
	for i < len(text) {
		switch c := text[i]; {
		case c == '\\' && i+1 == len(text):
			return "", "", false
		case c == '\\':
			value, length := escape(text[i+1:])
			b.WriteString(value)
			i += 1 + length
			continue
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && strings.IndexByte(blanks, c) >= 0:
			return b.String(), text[i:], true
		default:
			b.WriteByte(c)
		}
		i++
	}
	return b.String(), "", quote == 0
}

// escape returns what the text behind a backslash stands for, and how long it is.
func escape(text string) (value string, length int) {
	const named, meaning = "abEfnrtv", "\a\b\x1b\f\n\r\t\v"
	switch c := text[0]; {
	case c == 'x' && hexDigits(text[1:]) > 0:
		n := min(hexDigits(text[1:]), 2)
		return numbered(text[1:1+n], 16), 1 + n
	case c == 'c' && len(text) > 1:
		return string(rune(text[1] & 0x1f)), 2
	case c >= '0' && c <= '7':
		n := 1
		for n < min(3, len(text)) && text[n] >= '0' && text[n] <= '7' {
			n++
		}
		return numbered(text[:n], 8), n
	case strings.IndexByte(named, c) >= 0:
		return meaning[strings.IndexByte(named, c):][:1], 1
	}
	return text[:1], 1
}

func hexDigits(text string) int {
	return len(text) - len(strings.TrimLeft(text, "0123456789abcdefABCDEF"))
}

// numbered is the byte with a number.
func numbered(digits string, base int) string {
	n := 0
	for _, d := range strings.ToLower(digits) {
		v := int(d - '0')
		if d >= 'a' {
			v = int(d-'a') + 10
		}
		n = n*base + v
	}
	return string([]byte{byte(n)})
}

// commandIn reads the command of a statement: the first argument is the program with its
// arguments, and what stands behind it is a user and a group if the statement may have
// them.
func (t *translator) commandIn(s *Statement, accounts bool) command {
	words, ok := splitCommand(s.line.text)
	if len(words) < 2 {
		t.ignore(s.at(), "close the quotes", "the command is not complete: %s is left out", s.keyword())
		return command{}
	}
	c := command{at: s.at(), said: true}
	if len(s.Words) > 1 {
		c.at = s.Words[1].Position
	}
	argv, closed := splitCommand(words[1])
	if !ok || !closed || len(argv) == 0 || argv[0] == "" {
		t.ignore(c.at, "close the quotes", "the command is not complete: %s is left out", s.keyword())
		return command{}
	}
	c.argv = argv
	switch behind := words[2:]; {
	case len(behind) == 0:
	case !accounts:
		t.ignore(c.at, `write the whole command in quotes: "`+strings.Join(words[1:], " ")+`"`,
			"only %s is run: what stands behind it without quotes is left out", show(words[1]))
	default:
		c.user, c.group = behind[0], strings.TrimPrefix(slices.Concat(behind, []string{""})[1], ":")
		if !t.account(c.at, c.user, c.group, s.keyword()+" is left out") {
			return command{}
		}
	}
	return t.located(c, s.keyword())
}

// account reports whether there are a user and a group of some names, and notes where there
// are none.
func (t *translator) account(at tree.Position, user, group, instead string) bool {
	if t.System.User(user, group) {
		return true
	}
	what := show(user)
	if group != "" {
		what += " with the group " + show(group)
	}
	t.ignore(at, "", "this machine has no user %s: %s", what, instead)
	return false
}

// shells run what they are given as one text.
var shells = []string{"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"}

// located returns a command with the whole path of its program, and notes what in it has no
// meaning without a shell.
func (t *translator) located(c command, keyword string) command {
	if inner, ok := strings.CutPrefix(c.argv[0], "<"); ok && strings.HasPrefix(strings.TrimLeft(inner, " \t"), "/") {
		c.argv = []string{"/bin/sh", "-c", "<" + inner}
		return c
	}
	program := c.argv[0]
	switch {
	case !strings.Contains(program, "/"):
		path, found := t.System.Program(program)
		if !found {
			t.ignore(c.at, "write the whole path of the program", "%s is not in PATH of this machine: %s is left out", show(program), keyword)
			return command{}
		}
		c.argv[0] = path
	case !strings.HasPrefix(program, "/"):
		c.argv[0] = filepath.Clean("/" + program)
		t.ignore(c.at, "write the whole path of the program", "%s is taken for %s", show(program), show(c.argv[0]))
	default:
		c.argv[0] = filepath.Clean(program)
	}
	if !slices.Contains(shells, filepath.Base(program)) {
		for _, word := range c.argv[1:] {
			if strings.Trim(word, "|&;<>") == "" && word != "" || word == "2>&1" || strings.HasPrefix(word, "`") || strings.HasPrefix(word, "$(") {
				t.ignore(c.at, `write /bin/sh -c '…' if a shell is meant`, "no shell runs the command: %s is an argument of %s", show(word), show(program))
				break
			}
		}
	}
	return c
}

// tree is the command as a list of words.
func (c command) tree() *tree.Node {
	list := &tree.Node{Kind: tree.List, Position: c.at}
	for i, word := range c.argv {
		n := scalar(word, c.at)
		n.Index = i
		list.Items = append(list.Items, n)
	}
	return list
}
