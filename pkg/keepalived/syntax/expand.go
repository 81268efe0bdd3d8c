package syntax

import (
	"path/filepath"
	"strconv"
	"strings"
)

// A definition is the value of $NAME: a text of one or several lines.
type definition struct {
	lines []string
}

// define reads a definition, $NAME=text, and reports whether the line is one. A line that ends in a
// backslash continues in the next.
func (r *reader) define(l line) bool {
	name, value, ok := definitionIn(l.text)
	if !ok {
		return false
	}
	if _, known := r.definitions[name]; !strings.HasPrefix(l.text[1+len(name):], "=") {
		if !known {
			r.report.Ignore(l.at, "write $"+name+"="+value, "this line does not define $%s: it has a blank before the =", name)
		}
		return !known
	}
	var d definition
	for {
		text, more := strings.CutSuffix(value, `\`)
		if text = strings.TrimRight(text, blanks); text != "" || !more && len(d.lines) == 0 {
			d.lines = append(d.lines, text)
		}
		if !more {
			break
		}
		next, ok := r.frames[len(r.frames)-1].next(r)
		if !ok {
			break
		}
		value = next.text
	}
	r.definitions[name] = d
	return true
}

// definitionIn returns the parts of $NAME=value.
func definitionIn(text string) (name, value string, ok bool) {
	if text[0] != '$' {
		return "", "", false
	}
	n := identifier(text[1:])
	rest := strings.TrimLeft(text[1+n:], " \t")
	if n == 0 || !strings.HasPrefix(rest, "=") {
		return "", "", false
	}
	return text[1 : 1+n], strings.TrimLeft(rest[1:], " \t"), true
}

// identifier returns the length of the name at the start of a text.
func identifier(text string) int {
	for i := range len(text) {
		c := text[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(text)
}

// A reference is a use of a definition: $NAME, ${NAME} or ${NAME parameters}.
type reference struct {
	name       string
	parameters []string
	length     int
	braces     bool
}

// referenceIn returns the reference at the start of a text.
func referenceIn(text string) (ref reference, ok bool) {
	inner := text[1:]
	inner, ref.braces = strings.CutPrefix(inner, "{")
	n := identifier(inner)
	if n == 0 {
		return reference{}, false
	}
	ref.name = inner[:n]
	if !ref.braces {
		ref.length = 1 + n
		return ref, n == len(inner) || strings.IndexByte(" \t,)", inner[n]) >= 0
	}
	end := strings.IndexByte(inner, '}')
	if end < 0 || strings.Trim(inner[n:end], " \tabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return reference{}, false
	}
	ref.parameters, ref.length = strings.Fields(inner[n:end]), end+3
	return ref, true
}

// expand replaces the references in a line by their definitions, and reports whether there was one.
func (r *reader) expand(l line) (line, bool) {
	changed := false
	for i, filled := 0, 0; ; filled++ {
		next := strings.IndexByte(l.text[i:], '$')
		if next < 0 {
			return l, changed
		}
		i += next
		ref, ok := referenceIn(l.text[i:])
		if !ok {
			i++
			continue
		}
		lines, known := r.valueOf(ref)
		if !known || len(lines) > 1 && i+ref.length < len(l.text) {
			r.unknown(l, i, ref)
			i++
			continue
		}
		text := ""
		if len(lines) > 0 {
			text = lines[0]
		}
		r.copied += len(l.text) + len(text)
		if filled > maxFilled || r.copied > maxCopied || len(l.text)+len(text) > maxLine {
			r.report.Fail(l.at, "check whether the definition of $"+ref.name+" uses $"+ref.name+" itself", "the definitions used in this line do not end")
			r.failed = true
			return line{}, true
		}
		l = l.replace(i, i+ref.length, text)
		changed = true
		if len(lines) > 1 {
			r.frames = append(r.frames, &rest{lines[1:], l})
			return l, true
		}
		if strings.HasPrefix(strings.TrimLeft(text, " \t"), "~") {
			return l, true
		}
	}
}

// unknown reports an undefined variable once. Outside of quotes its braces would begin and end a
// block.
func (r *reader) unknown(l line, index int, ref reference) {
	if r.undefined[ref.name] || !ref.braces && strings.ToUpper(ref.name) != ref.name {
		return
	}
	r.undefined[ref.name] = true
	if ref.braces && strings.Count(l.text[:index], `"`)%2 == 0 {
		r.report.Fail(l.position(index), "define it with $"+ref.name+"=value; if envsubst or a template sets it, run that first",
			"%s is not defined", Show(l.text[index:index+ref.length]))
		return
	}
	r.report.Ignore(l.position(index), "define it with $"+ref.name+"=value; if envsubst or a template sets it, run that first",
		"%s is not defined: ripcord leaves the text as it is", Show(l.text[index:index+ref.length]))
}

// valueOf returns the value of a reference.
func (r *reader) valueOf(ref reference) (lines []string, known bool) {
	if d, ok := r.definitions[ref.name]; ok && len(ref.parameters) == 0 {
		return d.lines, true
	}
	switch ref.name {
	case "_PWD":
		return []string{filepath.Dir(r.here().name)}, len(ref.parameters) == 0
	case "_INSTANCE":
		return []string{r.ID}, len(ref.parameters) == 0
	case "_HASH":
		return []string{"#"}, true
	case "_BANG":
		return []string{"!"}, true
	case "_ENV":
		if len(ref.parameters) != 1 {
			return nil, false
		}
		return []string{r.System.Getenv(ref.parameters[0])}, true
	case "_RANDOM":
		return r.random(ref.parameters)
	}
	return nil, false
}

// random returns a random number between the two parameters, 0 and 32767 by default.
func (r *reader) random(parameters []string) ([]string, bool) {
	from, upto := 0, 32767
	for i, to := range []*int{&from, &upto} {
		if i < len(parameters) {
			n, err := strconv.Atoi(parameters[i])
			if err != nil {
				return nil, false
			}
			*to = n
		}
	}
	return []string{strconv.Itoa(r.System.Random(from, max(from, upto)))}, len(parameters) <= 2
}

// rest holds the remaining lines of a definition of several lines.
type rest struct {
	lines []string
	from  line
}

func (m *rest) next(r *reader) (line, bool) {
	if len(m.lines) == 0 {
		return line{}, false
	}
	text := m.lines[0]
	m.lines = m.lines[1:]
	return r.make(text, m.from), true
}

// make returns a line that is not in a file but was made from another line.
func (r *reader) make(text string, from line) line {
	if r.made += len(text) + 1; r.made > MaxText && !r.failed {
		r.report.Fail(from.at, "", "definitions and sequences make more than %d bytes of text", MaxText)
		r.failed = true
	}
	columns := make([]int, len(text))
	for i := range columns {
		columns[i] = from.at.Column
	}
	return line{text: text, at: from.at, columns: columns}.trim()
}
