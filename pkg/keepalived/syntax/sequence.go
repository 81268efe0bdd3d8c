package syntax

import (
	"strconv"
	"strings"
)

// A sequence repeats a text with changing values of its variables.
type sequence struct {
	names  []string
	values [][]string // the values of the names, for each repetition
	// A sequence of numbers does not list its values, which could be many.
	numbers          bool
	value, step, end int64
	hex              bool
	text             string
	from             line
}

func (s *sequence) next(r *reader) (line, bool) {
	if s.numbers {
		if s.step > 0 && s.value > s.end || s.step < 0 && s.value < s.end {
			return line{}, false
		}
		base := 10
		if s.hex {
			base = 16
		}
		r.set(s.names[0], strconv.FormatInt(s.value, base))
		s.value += s.step
		return r.make(s.text, s.from), true
	}
	if len(s.values) == 0 {
		return line{}, false
	}
	for i, name := range s.names {
		value := "" // a missing value stays empty
		if i < len(s.values[0]) {
			value = s.values[0][i]
		}
		r.set(name, value)
	}
	s.values = s.values[1:]
	return r.make(s.text, s.from), true
}

func (r *reader) set(name, value string) { r.definitions[name] = definition{[]string{value}} }

// sequence reads ~SEQ(…) and ~LST(…), and reports whether the line is one. If it is invalid, rest is
// what remains of the line.
func (r *reader) sequence(l line) (rest line, is bool) {
	kind := ""
	for _, k := range []string{"~SEQx", "~SEQ", "~LST"} {
		if strings.HasPrefix(l.text, k) {
			kind = k
			break
		}
	}
	if kind == "" {
		return line{}, false
	}
	inside, text, ok := parenthesis(l.text[len(kind):])
	s := &sequence{text: text, from: l}
	switch {
	case !ok:
	case kind == "~LST":
		ok = s.list(inside)
	default:
		s.hex = kind == "~SEQx"
		ok = r.numbers(s, inside, l)
	}
	if !ok {
		return r.noSequence(kind, l), true
	}
	r.frames = append(r.frames, s)
	return line{}, true
}

// noSequence reports an invalid sequence, at its parentheses. If the line opens or closes a block,
// noSequence returns the braces, after a word that is not a keyword: so the block is left out, with a
// note at that word, and the lines around it keep their meaning.
func (r *reader) noSequence(kind string, l line) line {
	const hint = "write ~SEQ(name, first, step, last) text or ~LST(name, value, value) text"
	r.report.Ignore(l.position(len(kind)), hint, "%s is not a sequence: it is left out", Show(strings.Join(strings.Fields(l.text), " ")))
	switch opened := strings.Count(l.text, "{") - strings.Count(l.text, "}"); {
	case opened > 0:
		return l.replace(0, len(l.text), kind+strings.Repeat(" {", opened))
	case opened < 0:
		return l.replace(0, len(l.text), strings.Repeat("}", -opened))
	default:
		return line{}
	}
}

// parenthesis returns the text in the first parentheses, and the text after them.
func parenthesis(text string) (inside, behind string, ok bool) {
	text = strings.TrimLeft(text, " \t")
	if !strings.HasPrefix(text, "(") {
		return "", "", false
	}
	inside, behind, ok = strings.Cut(text[1:], ")")
	return inside, strings.Trim(behind, " \t"), ok
}

// list reads a, 1, 2 or {a, b}, {1, 2}, {3, 4}.
func (s *sequence) list(inside string) bool {
	all := parts(inside)
	for i, part := range all {
		part = strings.Trim(part, " \t")
		values := []string{part}
		if in, ok := strings.CutPrefix(part, "{"); ok {
			in, closed := strings.CutSuffix(in, "}")
			if !closed {
				return false
			}
			values = parts(in)
			for k := range values {
				values[k] = strings.Trim(values[k], " \t")
			}
		}
		if i == 0 {
			s.names = values
		} else {
			s.values = append(s.values, values)
		}
		if len(values) > len(s.names) {
			return false
		}
	}
	return len(s.values) > 0 && s.names[0] != ""
}

// numbers reads name, last or name, first, last or name, first, step, last.
func (r *reader) numbers(s *sequence, inside string, l line) bool {
	inner, _ := r.expand(line{text: inside, at: l.at})
	all := strings.Split(inner.text, ",")
	if len(all) < 2 || len(all) > 4 {
		return false
	}
	var n []int64
	for _, word := range all[1:] {
		v, err := strconv.ParseInt(strings.Trim(word, " \t"), 0, 32)
		if err != nil {
			return false
		}
		n = append(n, v)
	}
	s.names, s.numbers = []string{strings.Trim(all[0], " \t")}, true
	one := func(down bool) int64 {
		if down {
			return -1
		}
		return 1
	}
	switch len(n) {
	case 1:
		s.value, s.step, s.end = one(n[0] < 0), one(n[0] < 1), n[0]
	case 2:
		s.value, s.step, s.end = n[0], one(n[0] > n[1]), n[1]
	default:
		s.value, s.step, s.end = n[0], n[1], n[2]
	}
	return s.step != 0 && (s.end-s.value)*s.step >= 0 && s.names[0] != "" && !(s.hex && (s.value < 0 || s.end < 0))
}
