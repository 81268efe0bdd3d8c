package syntax

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"ripcord/pkg/tree"
)

// Class is the class of a note.
type Class uint8

// Classes of notes.
const (
	Error   Class = iota // keepalived fails, too, or running would be dangerous
	Ignored              // keepalived logs or ignores it, and ripcord does the same
	Differs              // it works in another way than under keepalived
	NotDone              // ripcord does not support it
)

// A Note is a message about one place of the file.
type Note struct {
	tree.Position
	Class   Class
	Subject string // the statement or block in question
	Message string
	Hint    string // what to do; may be empty
}

// maxNotes limits the number of errors, and of other notes, that a Report keeps.
const maxNotes = 500

// A Report collects notes.
type Report struct {
	Subject string // of the following notes
	notes   []Note
	seen    map[Note]bool // notes other than errors, which a sequence or definition may repeat
	errors  int           // all errors, including those that are not kept
	others  int           // likewise
}

func (r *Report) note(class Class, at tree.Position, hint, format string, args []any) {
	n := Note{at, class, r.Subject, fmt.Sprintf(format, args...), hint}
	count := &r.others
	if class == Error {
		count = &r.errors
	}
	if r.seen[n] {
		return
	}
	if *count++; *count > maxNotes {
		return
	}
	if class != Error {
		if r.seen == nil {
			r.seen = make(map[Note]bool)
		}
		r.seen[n] = true
	}
	r.notes = append(r.notes, n)
}

// Notes returns the kept notes in the order in which they were made.
func (r *Report) Notes() []Note { return r.notes }

// Errors returns the number of errors.
func (r *Report) Errors() int { return r.errors }

// Full reports whether further notes other than errors are dropped.
func (r *Report) Full() bool { return r.others >= maxNotes }

// Free returns the first of some places without a note, or the last one if all have notes.
func (r *Report) Free(places ...tree.Position) (free tree.Position) {
	for _, free = range places {
		if !slices.ContainsFunc(r.notes, func(n Note) bool { return n.Position == free }) {
			break
		}
	}
	return free
}

// Fail adds an error with an optional hint.
func (r *Report) Fail(at tree.Position, hint, format string, args ...any) {
	r.note(Error, at, hint, format, args)
}

// Ignore adds a note about something that keepalived logs or ignores.
func (r *Report) Ignore(at tree.Position, hint, format string, args ...any) {
	r.note(Ignored, at, hint, format, args)
}

// Differ adds a note about something that works in another way than under keepalived.
func (r *Report) Differ(at tree.Position, hint, format string, args ...any) {
	r.note(Differs, at, hint, format, args)
}

// NotDone adds a note about something that ripcord does not support.
func (r *Report) NotDone(at tree.Position, hint, format string, args ...any) {
	r.note(NotDone, at, hint, format, args)
}

// comment notes the start of a comment that was probably not intended: after a backslash, or in a
// password.
func (r *Report) comment(whole, l line) {
	end := strings.Index(whole.text, l.text) + len(l.text)
	switch behind := whole.text[end:]; {
	case len(behind) > 1 && behind[0] == '\\' && (behind[1] == '#' || behind[1] == '!'):
		r.Ignore(whole.position(end), "write the word in double quotes", "%c begins a comment, even after a backslash: the line ends before it", behind[1])
	case l.isPassword() && behind != "" && (behind[0] == '#' || behind[0] == '!'):
		r.Ignore(whole.position(end), "write the password in double quotes", "%c begins a comment: the password ends before it", behind[0])
	}
}

// Show formats a text of the file for a message: quoted where its limits would not be clear
// otherwise, and shortened.
func Show(text string) string {
	const enough = 60
	if n := len(text); n > enough {
		runes := []rune(text)
		if len(runes) > enough {
			return strconv.Quote(string(runes[:enough])) + "…"
		}
	}
	strange := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"' }
	if text == "" || strings.ContainsFunc(text, strange) {
		return strconv.Quote(text)
	}
	return text
}
